/**
 * The vocabulary of the message tables, and the TypeScript types inferred from them.
 *
 * A table lists the fields of one message in wire order. Every field carries the range of versions that have it; `flexible`
 * says from which version on the message uses compact lengths and ends each structure with tagged fields (KIP-482). One
 * in-memory shape serves all versions: what a version lacks carries its default.
 */
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

export { zeroUuid } from './uuid.ts'

/** '3' one version, '3-5' a closed range, '3+' open upwards, 'none'. */
export type Versions = `${number}` | `${number}+` | `${number}-${number}` | 'none'

/** A parsed range, both ends included; empty when `high < low`. */
export interface Range {
  readonly low: number
  readonly high: number
}

export function parseVersions(text: string): Range {
  if (text === 'none') return { low: 0, high: -1 }
  const [low, high] = text.split('-')
  if (high !== undefined) return { low: Number(low), high: Number(high) }
  if (text.endsWith('+')) return { low: Number(text.slice(0, -1)), high: 32767 }
  return { low: Number(text), high: Number(text) }
}

export function inRange(range: Range, version: number): boolean {
  return version >= range.low && version <= range.high
}

/** What one element of each wire type is in memory. */
export interface ScalarTypes {
  bool: boolean
  int8: number
  int16: number
  int32: number
  /** Exact to 2^53; the two ends of the range map to themselves, other values beyond are refused. */
  int64: number
  /** All 64 bits, for values that are only compared, such as hashes. */
  bigInt64: bigint
  uint16: number
  uint32: number
  float64: number
  string: string
  /** 22 characters of base64url; zero is `zeroUuid`. */
  uuid: string
  /** A view of the frame it was read from. */
  bytes: Buffer
  /** A view of the frame it was read from: record batches, not looked into. */
  records: Buffer
}

export type ScalarKind = keyof ScalarTypes
export type Kind = ScalarKind | 'array' | 'struct'

export interface Options {
  /** The versions in which the field may be null. */
  readonly nullable?: Versions
  /** What the field is when absent. A field with a default, or a tag, may be omitted when encoding. */
  readonly default?: string | number | bigint | boolean | null
  /** The field's tag: it is then written only when it differs from its default. */
  readonly tag?: number
  /** The versions in which the field is a tagged one; all of its versions if not given. */
  readonly tagged?: Versions
  /** 'none' where a field keeps the old form of its length even in flexible versions. */
  readonly flexible?: 'none'
}

type Nullable<T, O> = O extends { nullable: Versions } ? T | null : T
/**
 * A field may be omitted when encoding if it has a default, is a tagged one, or is gone from the newest versions. Encoders
 * then write its default: 0, false, '', the zero uuid or no elements where the table names none.
 */
type Omittable<O, V> = O extends { default: unknown }
  ? true
  : O extends { tag: number }
    ? true
    : V extends `${number}+`
      ? false
      : true

/** One field of a table. The `$` members exist for the type checker only. */
export class Field<Out, In = Out, Omit extends boolean = boolean> {
  declare readonly $out: Out
  declare readonly $in: In
  declare readonly $omit: Omit
  readonly kind: Kind
  readonly versions: Range
  readonly nullable: Range
  readonly tagged: Range
  readonly tag: number
  readonly options: Options
  /** Of an array: the kind of its elements. */
  readonly element: ScalarKind | 'struct' | null
  /** Of a structure or an array of structures. */
  readonly fields: Fields | null

  constructor(
    kind: Kind,
    versions: Versions,
    options: Options,
    element: ScalarKind | 'struct' | null,
    fields: Fields | null,
  ) {
    this.kind = kind
    this.versions = parseVersions(versions)
    this.nullable = parseVersions(options.nullable ?? 'none')
    this.tag = options.tag ?? -1
    this.tagged = parseVersions(options.tag === undefined ? 'none' : (options.tagged ?? versions))
    this.options = options
    this.element = element
    this.fields = fields
  }
}

export interface Fields {
  readonly [name: string]: Field<unknown, unknown, boolean>
}

/** The shape of what a decoder returns: every field present. */
export type Decoded<F extends Fields> = { -readonly [K in keyof F]: F[K]['$out'] }

/** The shape of what an encoder takes: fields with a default, or a tag, may be omitted. */
export type Encodable<F extends Fields> = {
  -readonly [K in keyof F as F[K]['$omit'] extends true ? never : K]: F[K]['$in']
} & {
  -readonly [K in keyof F as F[K]['$omit'] extends true ? K : never]?: F[K]['$in'] | undefined
}

function scalar<Out, In = Out>(kind: ScalarKind) {
  return <const V extends Versions, const O extends Options>(
    versions: V,
    options?: O,
  ): Field<Nullable<Out, O>, Nullable<In, O>, Omittable<O, V>> => new Field(kind, versions, options ?? {}, null, null)
}

export const bool = scalar<boolean>('bool')
export const int8 = scalar<number>('int8')
export const int16 = scalar<number>('int16')
export const int32 = scalar<number>('int32')
export const int64 = scalar<number>('int64')
export const bigInt64 = scalar<bigint>('bigInt64')
export const uint16 = scalar<number>('uint16')
export const uint32 = scalar<number>('uint32')
export const float64 = scalar<number>('float64')
export const string = scalar<string>('string')
export const uuid = scalar<string>('uuid')
export const bytes = scalar<Buffer>('bytes')
/** Record batches. Encoding takes one buffer or a list of them, which are written one after the other without copying. */
export const records = scalar<Buffer, Buffer | readonly Buffer[]>('records')

type ElementOut<E> = E extends ScalarKind ? ScalarTypes[E] : E extends Fields ? Decoded<E> : never
type ElementIn<E> = E extends ScalarKind ? ScalarTypes[E] : E extends Fields ? Encodable<E> : never

/** `array('0+', 'int32')` or `array('0+', { ...fields of each element })`. */
export function array<const E extends ScalarKind | Fields, const V extends Versions, const O extends Options>(
  versions: V,
  element: E,
  options?: O,
): Field<Nullable<ElementOut<E>[], O>, Nullable<readonly ElementIn<E>[], O>, Omittable<O, V>> {
  if (typeof element === 'string') return new Field('array', versions, options ?? {}, element, null)
  return new Field('array', versions, options ?? {}, 'struct', element)
}

/** A structure of its own inside a message. */
export function struct<F extends Fields, const V extends Versions, const O extends Options>(
  versions: V,
  fields: F,
  options?: O,
): Field<Nullable<Decoded<F>, O>, Nullable<Encodable<F>, O>, Omittable<O, V>> {
  return new Field('struct', versions, options ?? {}, null, fields)
}

/** The functions compiled for one version of one message. */
export interface Codec {
  read(reader: Reader): unknown
  write(writer: Writer, value: unknown): void
}

/** One message: a request, a response, a header or a stored record. */
export class Message<F extends Fields, N extends string = string> {
  readonly name: N
  readonly versions: Range
  readonly flexible: Range
  /** The record type of a stored record, -1 for everything else. */
  readonly type: number
  readonly fields: F
  /** Compiled on first use, by version. */
  readonly codecs: (Codec | undefined)[] = []

  constructor(name: N, versions: Versions, flexible: Versions, type: number, fields: F) {
    this.name = name
    this.versions = parseVersions(versions)
    this.flexible = parseVersions(flexible)
    this.type = type
    this.fields = fields
  }
}

export type AnyMessage = Message<Fields>

/** A stored record or a structure outside of requests. */
export function message<const N extends string, F extends Fields>(
  name: N,
  versions: Versions,
  options: { readonly flexible: Versions; readonly type?: number },
  fields: F,
): Message<F, N> {
  return new Message(name, versions, options.flexible, options.type ?? -1, fields)
}

export type ListenerKind = 'broker' | 'controller'

export interface ApiOptions {
  readonly flexible: Versions
  /** Versions that Apache Kafka 4 no longer has; the tables still read and write them. */
  readonly legacy?: Versions
  /** Versions that are not final yet and are advertised only on demand. */
  readonly unstable?: Versions
  /** On which kind of listener the API is served. */
  readonly listeners: readonly ListenerKind[]
  /** A broker sends it on to the active controller. */
  readonly forwarded?: boolean
  /** Only for peers with the right of CLUSTER_ACTION. */
  readonly clusterAction?: boolean
}

/** One API: its key, its versions, its request and its response. */
export class Api<Req extends Fields, Res extends Fields, N extends string = string> {
  readonly key: number
  readonly name: N
  /** All versions the tables know, legacy and unstable ones included. */
  readonly versions: Range
  readonly flexible: Range
  readonly legacy: Range
  readonly unstable: Range
  readonly listeners: readonly ListenerKind[]
  readonly forwarded: boolean
  readonly clusterAction: boolean
  readonly request: Message<Req>
  readonly response: Message<Res>

  constructor(key: number, name: N, versions: Versions, options: ApiOptions, request: Req, response: Res) {
    this.key = key
    this.name = name
    this.versions = parseVersions(versions)
    this.flexible = parseVersions(options.flexible)
    this.legacy = parseVersions(options.legacy ?? 'none')
    this.unstable = parseVersions(options.unstable ?? 'none')
    this.listeners = options.listeners
    this.forwarded = options.forwarded ?? false
    this.clusterAction = options.clusterAction ?? false
    this.request = new Message(`${name}Request`, versions, options.flexible, -1, request)
    this.response = new Message(`${name}Response`, versions, options.flexible, -1, response)
  }
}

export type AnyApi = Api<Fields, Fields>

export function api<const N extends string, Req extends Fields, Res extends Fields>(
  key: number,
  name: N,
  versions: Versions,
  options: ApiOptions,
  tables: { readonly request: Req; readonly response: Res },
): Api<Req, Res, N> {
  return new Api(key, name, versions, options, tables.request, tables.response)
}

/** A request as a handler receives it: every field present. */
export type RequestOf<A extends AnyApi> = Decoded<A['request']['fields']>
/** A response as a handler returns it: fields with a default may be omitted. */
export type ResponseOf<A extends AnyApi> = Encodable<A['response']['fields']>
/** A request as a client writes it: fields with a default may be omitted. */
export type RequestInputOf<A extends AnyApi> = Encodable<A['request']['fields']>
/** A response as a client receives it: every field present. */
export type DecodedResponseOf<A extends AnyApi> = Decoded<A['response']['fields']>
/** A stored record as read: every field present. */
export type MessageOf<M extends AnyMessage> = Decoded<M['fields']>
/** A stored record as written: fields with a default may be omitted. */
export type MessageInputOf<M extends AnyMessage> = Encodable<M['fields']>
