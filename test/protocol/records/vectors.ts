/** The golden vectors of record batches and primitives, written by Apache Kafka's own classes. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const directory = new URL('../../../../test/data/vectors/', import.meta.url)

export interface VectorRecord {
  offset: string
  timestamp: string
  key: string | null
  value: string | null
  headers: { key: string; value: string | null }[]
  offsetDelta: number
  timestampDelta: string
  sequence: number
  sizeInBytes: number
  control?: { type: string; typeId: number; coordinatorEpoch?: number; message?: { version: number } }
}

export interface VectorBatch {
  magic: number
  valid: boolean
  baseOffset: string
  lastOffset: string
  batchLength: number
  sizeInBytes: number
  partitionLeaderEpoch: number
  crc: number
  attributes: number
  compression: string
  timestampType: string
  isTransactional: boolean
  isControl: boolean
  deleteHorizonMs: string | null
  lastOffsetDelta: number
  baseTimestamp: string
  maxTimestamp: string
  producerId: string
  producerEpoch: number
  baseSequence: number
  lastSequence: number
  recordCount: number
  uncompressedLength?: number
  uncompressedCrc32c?: number
  records: VectorRecord[]
  /** Magic 0 and 1. */
  offset?: string
}

export interface Vector {
  variant: string
  magic: number
  json: { batches: VectorBatch[]; trailingBytes: number }
  hex: string
}

export const vectors: Vector[] = gunzipSync(readFileSync(new URL('batches.jsonl.gz', directory)))
  .toString()
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))

export function vector(variant: string): { buffer: Buffer; batches: VectorBatch[] } {
  const found = vectors.find(one => one.variant === variant)
  if (!found) throw new Error(`no vector ${variant}`)
  return { buffer: Buffer.from(found.hex, 'hex'), batches: found.json.batches }
}

export interface Primitives {
  crc: { inputHex: string; crc32c: number; crc32: number }[]
  varint: { value: number; hex: string }[]
  varlong: { value: string; hex: string }[]
  badVarint: { hex: string; readAs: string }[]
  longFormVarint: { hex: string; asInt32: number }[]
}

export const primitives: Primitives = JSON.parse(readFileSync(new URL('primitives.json', directory), 'utf8'))

export function fromBase64(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}

export function toBase64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64')
}
