/** What a table means in one version: which fields are on the wire, in which form, and how small an element can be. */
import type { Field, Fields, Kind, ScalarKind } from './schema.ts'
import { inRange } from './schema.ts'

export type TableField = Field<unknown, unknown, boolean>

export interface PlannedField {
  readonly name: string
  readonly kind: Kind
  readonly element: ScalarKind | 'struct' | null
  /** Null has a form on the wire in this version. */
  readonly nullable: boolean
  /** Null is a value in some version, so encoding may meet it. */
  readonly everNullable: boolean
  /** The length is an unsigned varint, one more than it counts. */
  readonly compact: boolean
  readonly default: string | number | bigint | boolean | null | undefined
  readonly tag: number
  /** Of structures and arrays of structures. */
  readonly plan: Plan | null
}

export interface Plan {
  /** Names this structure's functions in the generated source. */
  readonly id: number
  /** All fields of all versions, in the order of the table. */
  readonly fields: readonly PlannedField[]
  /** The fields that are on the wire without a tag, in order. */
  readonly plain: readonly PlannedField[]
  /** The fields that are tagged in this version, by tag. */
  readonly tagged: readonly PlannedField[]
  readonly flexible: boolean
  /** The fewest bytes that the structure can take. */
  readonly bytesMin: number
}

/** Bytes of the kinds that always take the same room, 0 for the others. */
export const fixedBytes: Readonly<Record<Kind, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  bigInt64: 8,
  uint16: 2,
  uint32: 4,
  float64: 8,
  uuid: 16,
  string: 0,
  bytes: 0,
  records: 0,
  array: 0,
  struct: 0,
}

/** The fewest bytes that a field of this kind takes, tag and size not counted. */
function bytesMin(kind: Kind, compact: boolean, nullable: boolean, plan: Plan | null): number {
  if (fixedBytes[kind] > 0) return fixedBytes[kind]
  if (kind === 'struct') return nullable || plan === null ? 1 : plan.bytesMin
  if (compact) return 1
  return kind === 'string' ? 2 : 4
}

/** The fewest bytes of one element of an array. */
export function elementBytesMin(field: PlannedField): number {
  const element = field.element
  if (element === null) return 0
  return bytesMin(element, field.compact, false, field.plan)
}

/** Plans a table and, depth first, the tables inside it. All plans are in `list`, the outermost one last. */
export function planTable(fields: Fields, version: number, flexible: boolean): { root: Plan; list: Plan[] } {
  const list: Plan[] = []
  const root = planFields(fields, version, flexible, list)
  return { root, list }
}

function planFields(fields: Fields, version: number, flexible: boolean, list: Plan[]): Plan {
  const planned: PlannedField[] = []
  const plain: PlannedField[] = []
  const tagged: PlannedField[] = []
  for (const [name, field] of Object.entries(fields)) {
    const each = planField(name, field, version, flexible, list)
    planned.push(each)
    if (!inRange(field.versions, version)) continue
    if (flexible && inRange(field.tagged, version)) tagged.push(each)
    else plain.push(each)
  }
  tagged.sort((a, b) => a.tag - b.tag)
  const bytes = plain.reduce((sum, each) => sum + bytesMin(each.kind, each.compact, each.nullable, each.plan), 0)
  const plan = { id: list.length, fields: planned, plain, tagged, flexible, bytesMin: bytes + (flexible ? 1 : 0) }
  list.push(plan)
  return plan
}

function planField(name: string, field: TableField, version: number, flexible: boolean, list: Plan[]): PlannedField {
  return {
    name,
    kind: field.kind,
    element: field.element,
    nullable: inRange(field.nullable, version),
    everNullable: field.nullable.high >= field.nullable.low,
    compact: flexible && field.options.flexible !== 'none',
    default: field.options.default,
    tag: field.tag,
    plan: field.fields === null ? null : planFields(field.fields, version, flexible, list),
  }
}

/** How the generated functions treat what the ordinary shape cannot hold. */
export interface Mode {
  /** int64 is a bigint, and unknown tagged fields are kept as `_unknownTaggedFields: { tag, data }[]`. */
  readonly lossless: boolean
}

/** Source of the field's default. Arrays and structures are made anew by each evaluation. */
export function defaultSource(field: PlannedField, mode: Mode): string {
  const given = field.default
  if (given === null) return 'null'
  switch (field.kind) {
    case 'array':
      return '[]'
    case 'struct':
      return `default${field.plan?.id}()`
    case 'bytes':
    case 'records':
      return 'empty'
    case 'string':
      return JSON.stringify(given ?? '')
    case 'uuid':
      return given === undefined ? 'zeroUuid' : JSON.stringify(given)
    case 'bool':
      return String(given ?? false)
    case 'int64':
      return mode.lossless ? `${BigInt(given ?? 0)}n` : String(Number(given ?? 0))
    case 'bigInt64':
      return `${BigInt(given ?? 0)}n`
    default:
      return String(given ?? 0)
  }
}
