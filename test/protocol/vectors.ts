/** The golden vectors, written by Apache Kafka's own classes, and the way between their JSON and our values. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { type Codec, compile, Reader, Writer } from '../../protocol/index.ts'
import type { AnyMessage, Field, Fields } from '../../protocol/schema.ts'

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

export interface Vector {
  api: number | null
  name: string
  module: string
  type: string
  version: number
  source: string
  flexible: boolean
  unstable?: boolean
  headerVersion?: number
  variant: string
  json: JsonObject
  hex: string
  framing?: 'version-prefix' | 'type-prefix' | 'api-message'
  framedHex?: string
}

function dataFile(name: string): Buffer {
  return readFileSync(new URL(`../../../test/data/vectors/${name}`, import.meta.url))
}

export function readVectors(name: 'requests' | 'responses' | 'records'): Vector[] {
  const text = gunzipSync(dataFile(`${name}.jsonl.gz`)).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

export interface Primitives {
  unsignedVarint: { value: number; hex: string }[]
  badVarint: { hex: string; readAs: string }[]
  longFormVarint: { hex: string; unsignedVarint: number }[]
  float64: { value: string; hex: string }[]
  uuid: { hex: string; text: string }[]
}

export function readPrimitives(): Primitives {
  return JSON.parse(dataFile('primitives.json').toString('utf8'))
}

type AnyField = Field<unknown, unknown, boolean>
type Values = Record<string, unknown>

const losslessCodecs = new Map<string, Codec>()

/** The codec that keeps all digits and unknown tagged fields. */
export function losslessCodec(message: AnyMessage, version: number): Codec {
  const key = `${message.name} ${version}`
  const codec = losslessCodecs.get(key) ?? compile(message, version, { lossless: true })
  losslessCodecs.set(key, codec)
  return codec
}

export function encodeWith(codec: Codec, value: unknown): string {
  const writer = new Writer()
  codec.write(writer, value)
  return Buffer.concat(writer.finish()).toString('hex')
}

/** Decodes and checks that nothing is left over. */
export function decodeWith(codec: Codec, hex: string): Values {
  const buffer = Buffer.from(hex, 'hex')
  const reader = new Reader(buffer)
  const value = codec.read(reader)
  if (reader.pos !== buffer.length) throw new Error(`${buffer.length - reader.pos} bytes left`)
  return value as Values
}

function eachField(fields: Fields, json: JsonObject, convert: (field: AnyField, value: Json) => unknown): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(json)) {
    if (name === '_unknownTaggedFields') {
      values[name] = (value as { tag: number; data: string }[]).map(each => ({
        tag: each.tag,
        data: Buffer.from(each.data, 'base64'),
      }))
    } else {
      const field = fields[name]
      if (field === undefined) throw new Error(`the table has no field ${name}`)
      values[name] = convert(field, value)
    }
  }
  return values
}

function scalarFromJson(kind: string, value: Json): unknown {
  if (kind === 'int64' || kind === 'bigInt64') return BigInt(value as string)
  if (kind === 'bytes' || kind === 'records') return Buffer.from(value as string, 'base64')
  if (kind === 'float64') return Number(value)
  return value
}

/** What the lossless codec takes and gives, out of a vector's JSON. */
export function fromJson(fields: Fields, json: JsonObject): Values {
  return eachField(fields, json, (field, value) => {
    if (value === null) return null
    const inner = field.fields
    if (field.kind === 'array') {
      return (value as Json[]).map(each =>
        inner === null ? scalarFromJson(field.element ?? '', each) : fromJson(inner, each as JsonObject),
      )
    }
    return inner === null ? scalarFromJson(field.kind, value) : fromJson(inner, value as JsonObject)
  })
}

/** What a field is in memory when it is not on the wire, as the lossless codec has it. */
function defaultOf(field: AnyField): unknown {
  const given = field.options.default
  if (given !== undefined) return field.kind.endsWith('nt64') && given !== null ? BigInt(given) : given
  switch (field.kind) {
    case 'array':
      return []
    case 'struct':
      return withDefaults(field.fields ?? {}, {})
    case 'string':
      return ''
    case 'uuid':
      return 'AAAAAAAAAAAAAAAAAAAAAA'
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'bool':
      return false
    default:
      return field.kind.endsWith('nt64') ? 0n : 0
  }
}

/** The value with every field that it lacks at its default: what decoding must give. */
export function withDefaults(fields: Fields, value: Values): Values {
  const complete: Values = {}
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name]
    const inner = field.fields
    if (given === undefined) complete[name] = defaultOf(field)
    else if (inner === null || given === null) complete[name] = given
    else if (Array.isArray(given)) complete[name] = given.map(each => withDefaults(inner, each))
    else complete[name] = withDefaults(inner, given as Values)
  }
  if (value._unknownTaggedFields !== undefined) complete._unknownTaggedFields = value._unknownTaggedFields
  return complete
}

/** Applies `change` to every int64 and drops unknown tagged fields. */
export function ordinary(value: unknown, change: (int64: bigint) => unknown): unknown {
  if (typeof value === 'bigint') return change(value)
  if (Array.isArray(value)) return value.map(each => ordinary(each, change))
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
  const result: Values = {}
  for (const [name, each] of Object.entries(value)) {
    if (name === '_unknownTaggedFields') continue
    // The only fields whose 64 bits the ordinary codec keeps too.
    result[name] = name === 'metadataHash' ? each : ordinary(each, change)
  }
  return result
}

const end = 2n ** 63n

/** A number can stand for this int64. */
export function isExact(value: bigint): boolean {
  return value === end - 1n || value === -end || Number.isSafeInteger(Number(value))
}

/** A value that a number can stand for, the same for the same input. */
export function makeExact(value: bigint): bigint {
  return isExact(value) ? value : BigInt.asIntN(48, value)
}
