/** Source of the functions that read one version of one table. */
import type { Mode, Plan, PlannedField } from './plan.ts'
import { defaultSource, elementBytesMin, fixedBytes } from './plan.ts'
import type { Kind } from './schema.ts'

/** One function `read<id>(r)` for each structure, and `default<id>()` for those that may be absent. */
export function generateRead(plans: readonly Plan[], mode: Mode): string {
  return plans.map(plan => defaultFunction(plan, mode) + readFunction(plan, mode)).join('\n')
}

function local(plan: Plan, field: PlannedField): string {
  return `f${plan.fields.indexOf(field)}`
}

function defaultFunction(plan: Plan, mode: Mode): string {
  const members = plan.fields.map(field => `${JSON.stringify(field.name)}: ${defaultSource(field, mode)}`)
  return `function default${plan.id}() { return { ${members.join(', ')} } }\n`
}

function readFunction(plan: Plan, mode: Mode): string {
  const lines = [`function read${plan.id}(r) {`]
  const plain = new Set(plan.plain)
  const tagged = new Set(plan.tagged)
  for (const field of plan.plain) lines.push(`let ${local(plan, field)}`)
  for (const field of plan.tagged) lines.push(`let ${local(plan, field)}`)
  readPlain(plan, mode, lines)
  if (plan.flexible) readTags(plan, mode, lines)
  const members = plan.fields.map(field => {
    const name = local(plan, field)
    if (plain.has(field)) return `${JSON.stringify(field.name)}: ${name}`
    const missing = defaultSource(field, mode)
    return `${JSON.stringify(field.name)}: ${tagged.has(field) ? `${name} === undefined ? ${missing} : ${name}` : missing}`
  })
  const object = `{ ${members.join(', ')} }`
  if (plan.flexible && mode.lossless) {
    lines.push(`const o = ${object}`, 'if (extra !== undefined) o._unknownTaggedFields = extra', 'return o')
  } else {
    lines.push(`return ${object}`)
  }
  lines.push('}')
  return lines.join('\n')
}

/** Neighbours of fixed size share one check of their bounds. */
function readPlain(plan: Plan, mode: Mode, lines: string[]): void {
  const fields = plan.plain
  for (let i = 0; i < fields.length; ) {
    let bytes = 0
    const run: string[] = []
    for (; i < fields.length && fixedBytes[fields[i].kind] > 0; i++) {
      run.push(`${local(plan, fields[i])} = ${fixedAt(fields[i].kind, bytes, mode)}`)
      bytes += fixedBytes[fields[i].kind]
    }
    if (bytes > 0) lines.push(`{ const p = r.take(${bytes}), v = r.view`, ...run, '}')
    if (i < fields.length) {
      lines.push(readField(fields[i], local(plan, fields[i]), mode))
      i++
    }
  }
}

/** An expression for a value of fixed size, `offset` bytes after `p` in the view `v`. */
function fixedAt(kind: Kind, offset: number | string, mode: Mode): string {
  const at = offset === 0 ? 'p' : `p + ${offset}`
  switch (kind) {
    case 'bool':
      return `v.getInt8(${at}) !== 0`
    case 'int64':
      return mode.lossless ? `v.getBigInt64(${at})` : `r.int64At(${at})`
    case 'uuid':
      return `r.uuidAt(${at})`
    default:
      return `v.get${kind[0].toUpperCase()}${kind.slice(1)}(${at})`
  }
}

const methodOf: Partial<Record<Kind, string>> = { string: 'string', bytes: 'bytes', records: 'bytes' }

/** The name of the reader's method for a value of variable size. */
function method(name: string, compact: boolean, nullable: boolean): string {
  const full = compact ? `compact${name[0].toUpperCase()}${name.slice(1)}` : name
  return `r.${full}${nullable ? 'OrNull' : ''}`
}

function readField(field: PlannedField, target: string, mode: Mode, tagged = false): string {
  if (fixedBytes[field.kind] > 0) {
    return `{ const p = r.take(${fixedBytes[field.kind]}), v = r.view; ${target} = ${fixedAt(field.kind, 0, mode)} }`
  }
  if (field.kind === 'array') return readArray(field, target, mode)
  if (field.kind === 'struct') {
    const call = `read${field.plan?.id}(r)`
    if (!field.nullable) return `${target} = ${call}`
    // Null has another form inside a tag.
    return `${target} = ${tagged ? 'r.uvarint() === 0' : 'r.int8() < 0'} ? null : ${call}`
  }
  return `${target} = ${method(methodOf[field.kind] ?? field.kind, field.compact, field.nullable)}()`
}

function readArray(field: PlannedField, target: string, mode: Mode): string {
  const element = field.element ?? 'struct'
  const bytes = fixedBytes[element]
  const length = `${method('arrayLength', field.compact, field.nullable)}(${elementBytesMin(field)})`
  const lines = [`{ const n = ${length}`]
  if (field.nullable) lines.push(`if (n < 0) ${target} = null`, 'else {')
  lines.push('const a = []')
  if (bytes > 0) lines.push(`let p = r.take(n * ${bytes})`, 'const v = r.view')
  let value = `read${field.plan?.id}(r)`
  if (bytes > 0) value = fixedAt(element, 0, mode)
  else if (element !== 'struct') value = `${method(methodOf[element] ?? element, field.compact, false)}()`
  lines.push(`for (let i = 0; i < n; i++${bytes > 0 ? `, p += ${bytes}` : ''}) a.push(${value})`)
  lines.push(`${target} = a`, '}')
  if (field.nullable) lines.push('}')
  return lines.join('\n')
}

function readTags(plan: Plan, mode: Mode, lines: string[]): void {
  if (plan.tagged.length === 0 && !mode.lossless) {
    lines.push('r.skipTags()')
    return
  }
  if (mode.lossless) lines.push('let extra')
  lines.push('let tags = r.tagCount()', 'if (tags > 0) {', 'let tag = -1, unknown = 0', 'do {')
  lines.push('tag = r.tag(tag)', 'const end = r.tagEnd()', 'switch (tag) {')
  for (const field of plan.tagged) {
    lines.push(`case ${field.tag}: {`, readField(field, local(plan, field), mode, true), 'break', '}')
  }
  if (mode.lossless) lines.push('default: (extra ??= []).push({ tag, data: r.bytesTo(end) })')
  else lines.push('default: r.skipTag(end, ++unknown)')
  lines.push('}', "if (r.pos !== end) throw r.fail('tagged field of another size than it says')")
  lines.push('} while (--tags > 0)', '}')
}
