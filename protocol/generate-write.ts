/** Source of the functions that write one version of one table. */
import type { Mode, Plan, PlannedField } from './plan.ts'
import { defaultSource, fixedBytes } from './plan.ts'
import type { Kind } from './schema.ts'

/** One function `write<id>(w, o)` for each structure, and `differs<id>(o)`: it is not what an absent one would be. */
export function generateWrite(plans: readonly Plan[], mode: Mode): string {
  return plans.map(plan => differsFunction(plan, mode) + writeFunction(plan, mode)).join('\n')
}

function member(field: PlannedField): string {
  return `o[${JSON.stringify(field.name)}]`
}

/** The field's value, its default if it was omitted. Null becomes empty where the version has no form for null. */
function valueSource(field: PlannedField, mode: Mode): string {
  const given = member(field)
  if (field.everNullable && !field.nullable) {
    const filler = field.default === null ? { ...field, default: undefined } : field
    return `(${given} ?? ${defaultSource(filler, mode)})`
  }
  return `(${given} === undefined ? ${defaultSource(field, mode)} : ${given})`
}

/** A condition: the field's value is not its default. */
function differsSource(field: PlannedField, mode: Mode): string {
  const given = member(field)
  const there = `${given} !== undefined`
  if (field.default === null) return `(${there} && ${given} !== null)`
  switch (field.kind) {
    case 'array':
    case 'bytes':
    case 'records':
      return `(${there} && (${given} === null || ${given}.length !== 0))`
    case 'struct':
      return `(${there} && (${given} === null || differs${field.plan?.id}(${given})))`
    default:
      return `(${there} && ${given} !== ${defaultSource(field, mode)})`
  }
}

function differsFunction(plan: Plan, mode: Mode): string {
  const conditions = plan.fields.map(field => differsSource(field, mode))
  if (mode.lossless) conditions.push('o._unknownTaggedFields !== undefined')
  return `function differs${plan.id}(o) { return ${conditions.join(' || ') || 'false'} }\n`
}

function writeFunction(plan: Plan, mode: Mode): string {
  const lines = [`function write${plan.id}(w, o) {`]
  const fields = plan.plain
  for (let i = 0; i < fields.length; ) {
    let bytes = 0
    const run: string[] = []
    for (; i < fields.length && fixedBytes[fields[i].kind] > 0; i++) {
      run.push(fixedAt(fields[i].kind, bytes, valueSource(fields[i], mode), 'w', mode))
      bytes += fixedBytes[fields[i].kind]
    }
    if (bytes > 0) lines.push(`{ const p = w.take(${bytes}), v = w.view`, ...run, '}')
    if (i < fields.length) {
      lines.push(writeField(fields[i], valueSource(fields[i], mode), 'w', mode))
      i++
    }
  }
  if (plan.flexible) writeTags(plan, mode, lines)
  lines.push('}')
  return lines.join('\n')
}

/** A statement that puts a value of fixed size `offset` bytes after `p`. */
function fixedAt(kind: Kind, offset: number, value: string, w: string, mode: Mode): string {
  const at = offset === 0 ? 'p' : `p + ${offset}`
  switch (kind) {
    case 'bool':
      return `v.setInt8(${at}, ${value} ? 1 : 0)`
    case 'float64':
      return `v.setFloat64(${at}, ${value})`
    case 'bigInt64':
      return `v.setBigInt64(${at}, ${value})`
    case 'int64':
      return mode.lossless ? `v.setBigInt64(${at}, ${value})` : `${w}.int64At(${at}, ${value})`
    default:
      return `${w}.${kind}At(${at}, ${value})`
  }
}

const methodOf: Partial<Record<Kind, string>> = { string: 'string', bytes: 'bytes', records: 'bytes' }

function method(name: string, compact: boolean, nullable: boolean): string {
  const full = compact ? `compact${name[0].toUpperCase()}${name.slice(1)}` : name
  return `${full}${nullable ? 'OrNull' : ''}`
}

/** A statement that writes the value of the expression `value` to the writer named `w`. */
function writeField(field: PlannedField, value: string, w: string, mode: Mode, tagged = false): string {
  if (fixedBytes[field.kind] > 0) {
    return `{ const p = ${w}.take(${fixedBytes[field.kind]}), v = ${w}.view; ${fixedAt(field.kind, 0, value, w, mode)} }`
  }
  if (field.kind === 'array') return writeArray(field, value, w, mode)
  if (field.kind === 'struct') {
    const call = `write${field.plan?.id}(${w}, s)`
    if (!field.nullable) return `{ const s = ${value}; ${call} }`
    // Null has another form inside a tag.
    return `{ const s = ${value}; if (s === null) ${w}.int8(${tagged ? 0 : -1}); else { ${w}.int8(1); ${call} } }`
  }
  return `${w}.${method(methodOf[field.kind] ?? field.kind, field.compact, field.nullable)}(${value})`
}

function writeArray(field: PlannedField, value: string, w: string, mode: Mode): string {
  const element = field.element ?? 'struct'
  const bytes = fixedBytes[element]
  const lines = [`{ const a = ${value}`]
  if (field.nullable) lines.push(`if (a === null) ${w}.${field.compact ? 'uvarint(0)' : 'int32(-1)'}`, 'else {')
  lines.push(field.compact ? `${w}.uvarint(a.length + 1)` : `${w}.int32(a.length)`)
  if (bytes > 0) {
    lines.push(`let p = ${w}.take(a.length * ${bytes})`, `const v = ${w}.view`)
    lines.push(`for (let i = 0; i < a.length; i++, p += ${bytes}) ${fixedAt(element, 0, 'a[i]', w, mode)}`)
  } else if (element === 'struct') {
    lines.push(`for (let i = 0; i < a.length; i++) write${field.plan?.id}(${w}, a[i])`)
  } else {
    const name = method(methodOf[element] ?? element, field.compact, false)
    lines.push(`for (let i = 0; i < a.length; i++) ${w}.${name}(a[i])`)
  }
  lines.push('}')
  if (field.nullable) lines.push('}')
  return lines.join('\n')
}

function writeTags(plan: Plan, mode: Mode, lines: string[]): void {
  if (mode.lossless) lines.push('const extra = o._unknownTaggedFields ?? []')
  if (plan.tagged.length === 0 && !mode.lossless) {
    lines.push('w.uvarint(0)')
    return
  }
  lines.push(`let tags = ${mode.lossless ? 'extra.length' : '0'}`)
  for (const field of plan.tagged) {
    lines.push(`const t${field.tag} = ${differsSource(field, mode)}`, `if (t${field.tag}) tags++`)
  }
  lines.push('w.uvarint(tags)')
  if (mode.lossless) lines.push('let e = 0')
  for (const field of plan.tagged) {
    if (mode.lossless) lines.push(unknownTags(`extra[e].tag < ${field.tag}`))
    lines.push(`if (t${field.tag}) {`, `w.uvarint(${field.tag})`, ...taggedValue(field, mode), '}')
  }
  if (mode.lossless) lines.push(unknownTags('true'))
}

function taggedValue(field: PlannedField, mode: Mode): string[] {
  const bytes = fixedBytes[field.kind]
  const value = valueSource(field, mode)
  if (bytes > 0) return [`w.uvarint(${bytes})`, writeField(field, value, 'w', mode)]
  return ['const part = w.part()', writeField(field, value, 'part', mode, true), 'w.sized(part)']
}

function unknownTags(condition: string): string {
  return `for (; e < extra.length && ${condition}; e++) { w.uvarint(extra[e].tag); w.uvarint(extra[e].data.length); w.raw(extra[e].data) }`
}
