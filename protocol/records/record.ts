/**
 * The records inside a batch of magic 2, read lazily from the decompressed bytes: one cursor per batch, no object per
 * record unless asked for. Every malformed record is a KafkaError INVALID_RECORD, never a wild read.
 */
import { Errors, KafkaError } from '../errors.ts'
import {
  baseOffset,
  baseTimestamp,
  codecId,
  isLogAppendTime,
  maxTimestamp,
  recordsCount,
  recordsView,
} from './batch.ts'
import { decompress, maxOutputBytes } from './compression.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record with its place in the log. Key, value and header values are views of the batch. */
export interface RecordData {
  readonly offset: number
  /** Milliseconds; -1 without timestamp. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

function invalid(detail: string): KafkaError {
  return new KafkaError(Errors.INVALID_RECORD, detail)
}

function cutOff(at: number): KafkaError {
  return invalid(`record cut off at ${at}`)
}

/** The smallest record: length 6, attributes, two deltas, null key, null value, no headers. */
export const recordBytesMin = 7

/**
 * Walks over records. After `next()` returned true the fields describe one record; lengths of -1 mean null. A record
 * is checked whole, headers included, before `next()` returns.
 */
export class RecordCursor {
  offsetDelta = 0
  /** Milliseconds, exact to 2^53. */
  timestampDelta = 0
  attributes = 0
  /** Where the record begins, at its length. */
  start = 0
  /** Where its offset delta begins: all from there to `end` is the same whatever the batch's base timestamp. */
  offsetDeltaAt = 0
  keyAt = 0
  keyBytes = -1
  valueAt = 0
  valueBytes = -1
  headersCount = 0
  readonly #bytes: Buffer
  #at: number
  #end: number
  #limit: number
  #headersAt = 0

  /** Reads the records in `bytes` from `from` up to `end`: decompressed, without batch header. */
  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = from
    this.#end = end
    this.#limit = end
  }

  /** Where the record that `next()` went to ends. */
  get end(): number {
    return this.#at
  }

  /** Bytes not yet read. */
  get remainingBytes(): number {
    return this.#end - this.#at
  }

  /** Goes to the next record; false at the end of the bytes. Throws KafkaError INVALID_RECORD. */
  next(): boolean {
    const start = this.#at
    if (start >= this.#end) return false
    this.start = start
    this.#limit = this.#end
    const length = this.#varint()
    const limit = this.#at + length
    if (length < recordBytesMin - 1 || limit > this.#end) throw invalid(`record of ${length} bytes at ${start}`)
    this.#limit = limit
    this.attributes = this.#bytes[this.#at++]
    this.timestampDelta = this.#varlong()
    this.offsetDeltaAt = this.#at
    this.offsetDelta = this.#varint()
    this.keyBytes = this.#length()
    this.keyAt = this.#at
    if (this.keyBytes > 0) this.#at += this.keyBytes
    this.valueBytes = this.#length()
    this.valueAt = this.#at
    if (this.valueBytes > 0) this.#at += this.valueBytes
    this.headersCount = this.#varint()
    this.#headersAt = this.#at
    if (this.headersCount !== 0) this.#skipHeaders()
    if (this.#at !== limit) throw invalid(`${limit - this.#at} bytes left over in the record at ${start}`)
    return true
  }

  /** A view of the key, null for none. */
  key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.#bytes.subarray(this.keyAt, this.keyAt + this.keyBytes)
  }

  /** A view of the value, null for a tombstone. */
  value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.#bytes.subarray(this.valueAt, this.valueAt + this.valueBytes)
  }

  /** The headers of this record; values are views. */
  headers(): RecordHeader[] {
    const headers: RecordHeader[] = []
    const after = this.#at
    this.#at = this.#headersAt
    for (let i = 0; i < this.headersCount; i++) {
      const keyEnd = this.#varint() + this.#at
      const key = this.#bytes.toString('utf8', this.#at, keyEnd)
      this.#at = keyEnd
      const bytes = this.#varint()
      headers.push({ key, value: bytes < 0 ? null : this.#bytes.subarray(this.#at, this.#at + bytes) })
      if (bytes > 0) this.#at += bytes
    }
    this.#at = after
    return headers
  }

  #skipHeaders(): void {
    // A header takes two bytes at least: a lying count ends here instead of in the loop.
    if (this.headersCount < 0 || this.headersCount * 2 > this.#limit - this.#at) {
      throw invalid(`${this.headersCount} headers in the record at ${this.start}`)
    }
    for (let i = 0; i < this.headersCount; i++) {
      const keyBytes = this.#length()
      if (keyBytes < 0) throw invalid(`header without key in the record at ${this.start}`)
      this.#at += keyBytes
      const valueBytes = this.#length()
      if (valueBytes > 0) this.#at += valueBytes
    }
  }

  /** A length that fits into the record, or -1. */
  #length(): number {
    const length = this.#varint()
    if (length < -1 || length > this.#limit - this.#at) {
      throw invalid(`length ${length} with ${this.#limit - this.#at} bytes left in the record at ${this.start}`)
    }
    return length
  }

  #varint(): number {
    const at = this.#at
    if (at >= this.#limit) throw cutOff(at)
    const byte = this.#bytes[at]
    // Most are one byte.
    if (byte > 0x7f) return this.#longVarint(at)
    this.#at = at + 1
    return (byte >>> 1) ^ -(byte & 1)
  }

  #longVarint(at: number): number {
    const from = at
    let byte = this.#bytes[at++]
    let zigzag = byte & 0x7f
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (at >= this.#limit) throw cutOff(at)
      byte = this.#bytes[at++]
      if (shift === 28 && byte > 0x0f) throw invalid(`varint beyond 32 bits at ${from}`)
      zigzag |= (byte & 0x7f) << shift
    }
    this.#at = at
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  #varlong(): number {
    const bytes = this.#bytes
    const from = this.#at
    let at = from
    let zigzag = 0
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= this.#limit) throw cutOff(at)
      const byte = bytes[at++]
      zigzag |= (byte & 0x7f) << shift
      if (byte <= 0x7f) {
        this.#at = at
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
    }
    return this.#wideVarlong(from, at)
  }

  /** Beyond 28 bits: floating point, and beyond 49 bits exact arithmetic, rounded only at the end. */
  #wideVarlong(from: number, at: number): number {
    const bytes = this.#bytes
    for (let byte = 0x80; byte > 0x7f; ) {
      if (at >= this.#limit) throw cutOff(at)
      byte = bytes[at++]
      if (at - from === 10 && byte > 0x01) throw invalid(`varlong beyond 64 bits at ${from}`)
    }
    this.#at = at
    if (at - from > 7) {
      let wide = 0n
      for (let i = at - 1; i >= from; i--) wide = (wide << 7n) | BigInt(bytes[i] & 0x7f)
      return Number((wide & 1n) === 0n ? wide >> 1n : -((wide + 1n) >> 1n))
    }
    let zigzag = 0
    for (let i = at - 1; i >= from; i--) zigzag = zigzag * 128 + (bytes[i] & 0x7f)
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  }
}

/** The decompressed record bytes of a batch: a view when it is not compressed. Throws CompressionError. */
export function recordsBytes(buffer: Buffer, at = 0, maxOutput = maxOutputBytes): Buffer {
  return decompress(codecId(buffer, at), recordsView(buffer, at), { maxOutput })
}

/**
 * The records of a batch one by one, decompressing it first (checked by `checkBatch` before). Stops with KafkaError
 * INVALID_RECORD on a malformed record or when there are more or fewer than the header says.
 */
export function* readRecords(buffer: Buffer, at = 0, maxOutput = maxOutputBytes): Generator<RecordData, void, void> {
  yield* readRecordBytes(buffer, at, recordsBytes(buffer, at, maxOutput))
}

/** As `readRecords`, with the record bytes already decompressed. */
export function* readRecordBytes(buffer: Buffer, at: number, bytes: Buffer): Generator<RecordData, void, void> {
  const cursor = new RecordCursor(bytes)
  const count = recordsCount(buffer, at)
  const firstOffset = baseOffset(buffer, at)
  const firstTimestamp = baseTimestamp(buffer, at)
  const appendTime = isLogAppendTime(buffer, at) ? maxTimestamp(buffer, at) : null
  let seen = 0
  while (cursor.next()) {
    if (++seen > count) break
    yield {
      offset: firstOffset + cursor.offsetDelta,
      timestampMs: appendTime ?? firstTimestamp + cursor.timestampDelta,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headersCount === 0 ? noHeaders : cursor.headers(),
    }
  }
  if (seen !== count) throw invalid(`${seen > count ? 'more' : 'fewer'} records than the ${count} of the batch header`)
}

const noHeaders: readonly RecordHeader[] = []
