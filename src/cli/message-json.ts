/** Stored records as JSON text, in the form that Kafka's own tools print: fields in order, tagged ones only when set. */
import type { AnyMessage, Field, Fields, ScalarKind } from '../../protocol/schema.ts'
import { inRange, zeroUuid } from '../../protocol/schema.ts'

type TableField = Field<unknown, unknown, boolean>

/** Text for one field's value in place of its own, or null to leave it: for bytes that hold another message. */
export type Substitute = (name: string, value: unknown) => string | null

/** `value` is what a decoder, lossless or not, returned for this version of the message. */
export function messageJson(message: AnyMessage, version: number, value: object, substitute?: Substitute): string {
  const context = { version, flexible: inRange(message.flexible, version), substitute }
  return structJson(message.fields, value as Readonly<Record<string, unknown>>, context)
}

interface Context {
  readonly version: number
  readonly flexible: boolean
  readonly substitute: Substitute | undefined
}

function structJson(fields: Fields, value: Readonly<Record<string, unknown>>, context: Context): string {
  const { version, flexible, substitute } = context
  const members: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!inRange(field.versions, version)) continue
    if (flexible && inRange(field.tagged, version) && isDefault(field, value[name])) continue
    members.push(`${JSON.stringify(name)}:${substitute?.(name, value[name]) ?? fieldJson(field, value[name], context)}`)
  }
  return `{${members.join(',')}}`
}

function fieldJson(field: TableField, value: unknown, context: Context): string {
  if (value === null || value === undefined) return 'null'
  if (field.kind === 'array') {
    const elements = value as readonly unknown[]
    return `[${elements.map(each => elementJson(field, each, context)).join(',')}]`
  }
  return field.kind === 'struct' ? elementJson(field, value, context) : scalarJson(field.kind, value)
}

function elementJson(field: TableField, value: unknown, context: Context): string {
  if (field.fields !== null) return structJson(field.fields, value as Readonly<Record<string, unknown>>, context)
  return scalarJson(field.element as ScalarKind, value)
}

function scalarJson(kind: ScalarKind, value: unknown): string {
  switch (kind) {
    case 'int64':
    case 'bigInt64':
      return int64Text(value as number | bigint)
    case 'float64':
      return Number.isInteger(value) ? `${value}.0` : String(value)
    case 'bytes':
    case 'records':
      return JSON.stringify((value as Buffer).toString('base64'))
    default:
      return JSON.stringify(value)
  }
}

/** The ends of the range, which numbers hold rounded, in full. */
export function int64Text(value: number | bigint): string {
  if (typeof value === 'bigint') return value.toString()
  if (value >= 2 ** 63) return '9223372036854775807'
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString()
}

function isDefault(field: TableField, value: unknown): boolean {
  const given = field.options.default
  if (value === null || given === null) return value === null && given === null
  if (field.kind === 'array') return (value as readonly unknown[]).length === 0
  if (field.kind === 'bytes' || field.kind === 'records') return (value as Buffer).length === 0
  if (field.fields !== null) {
    const members = value as Readonly<Record<string, unknown>>
    return Object.entries(field.fields).every(([name, each]) => isDefault(each, members[name]))
  }
  if (typeof value === 'bigint') return value === BigInt(given ?? 0)
  if (given !== undefined) return value === given
  return value === 0 || value === false || value === '' || value === zeroUuid
}
