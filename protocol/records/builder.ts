/** Builds record batches of magic 2: for coordinators, control records, the command line and tests. */
import {
  attributeBits,
  attributesAt,
  baseSequenceAt,
  baseTimestampAt,
  batchHeaderBytes,
  currentMagic,
  lastOffsetDeltaAt,
  lengthAt,
  logOverheadBytes,
  magicAt,
  maxTimestampAt,
  noPartitionLeaderEpoch,
  noProducerEpoch,
  noProducerId,
  noSequence,
  noTimestamp,
  partitionLeaderEpochAt,
  producerEpochAt,
  producerIdAt,
  recordsCountAt,
  storeCrc,
  writeInt16,
  writeInt32,
  writeInt64,
} from './batch.ts'
import { compress } from './compression.ts'
import type { RecordHeader } from './record.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

export interface NewRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
  /** Milliseconds; the batch's `baseTimestamp` unless given. */
  readonly timestampMs?: number
  /** Distance from the base offset; one more than the record before it unless given. */
  readonly offsetDelta?: number
}

export interface NewBatch {
  readonly records: readonly NewRecord[]
  /** Milliseconds: what the timestamp deltas count from. The first record's timestamp, or -1, unless given. */
  readonly baseTimestamp?: number
  /** Milliseconds. The largest of the records' unless given (the append time of a log-append-time batch). */
  readonly maxTimestamp?: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codecId?: number
  readonly compressionLevel?: number
  readonly logAppendTime?: boolean
  readonly transactional?: boolean
  readonly control?: boolean
  /** Milliseconds: goes where the base timestamp is and sets the flag (compaction only). */
  readonly deleteHorizon?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** Larger than the last record's when compaction has removed records; the last record's unless given. */
  readonly lastOffsetDelta?: number
}

/** One batch, checksum included. An empty list of records makes the empty batch that compaction leaves behind. */
export function buildBatch(batch: NewBatch): Buffer {
  const horizon = batch.deleteHorizon
  const base = horizon ?? batch.baseTimestamp ?? batch.records[0]?.timestampMs ?? noTimestamp
  const recordTimestamp = batch.baseTimestamp ?? batch.records[0]?.timestampMs ?? base
  const plan = planRecords(batch.records, base, recordTimestamp)
  const codecId = batch.codecId ?? 0
  let buffer: Buffer
  if (codecId === 0) {
    buffer = Buffer.allocUnsafe(batchHeaderBytes + plan.totalBytes)
    writeRecords(buffer, batchHeaderBytes, batch.records, plan, base, recordTimestamp)
  } else {
    const plain = Buffer.allocUnsafe(plan.totalBytes)
    writeRecords(plain, 0, batch.records, plan, base, recordTimestamp)
    const compressed = compress(codecId, plain, batch.compressionLevel)
    buffer = Buffer.allocUnsafe(batchHeaderBytes + compressed.length)
    compressed.copy(buffer, batchHeaderBytes)
  }
  writeHeader(buffer, {
    attributes: attributeBits({ ...batch, deleteHorizon: horizon !== undefined }),
    baseOffset: batch.baseOffset ?? 0,
    partitionLeaderEpoch: batch.partitionLeaderEpoch ?? noPartitionLeaderEpoch,
    lastOffsetDelta: batch.lastOffsetDelta ?? plan.lastOffsetDelta,
    baseTimestamp: base,
    maxTimestamp: batch.maxTimestamp ?? plan.maxTimestamp,
    producerId: batch.producerId ?? noProducerId,
    producerEpoch: batch.producerEpoch ?? noProducerEpoch,
    baseSequence: batch.baseSequence ?? noSequence,
    recordsCount: batch.records.length,
  })
  return buffer
}

export interface HeaderFields {
  readonly attributes: number
  readonly baseOffset: number
  readonly partitionLeaderEpoch: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordsCount: number
}

/** Writes the header of the one batch that fills `buffer`, whose records are already in place, and its checksum. */
export function writeHeader(buffer: Buffer, header: HeaderFields): void {
  writeInt64(buffer, 0, header.baseOffset)
  writeInt32(buffer, lengthAt, buffer.length - logOverheadBytes)
  writeInt32(buffer, partitionLeaderEpochAt, header.partitionLeaderEpoch)
  buffer[magicAt] = currentMagic
  writeInt16(buffer, attributesAt, header.attributes)
  writeInt32(buffer, lastOffsetDeltaAt, header.lastOffsetDelta)
  writeInt64(buffer, baseTimestampAt, header.baseTimestamp)
  writeInt64(buffer, maxTimestampAt, header.maxTimestamp)
  writeInt64(buffer, producerIdAt, header.producerId)
  writeInt16(buffer, producerEpochAt, header.producerEpoch)
  writeInt32(buffer, baseSequenceAt, header.baseSequence)
  writeInt32(buffer, recordsCountAt, header.recordsCount)
  storeCrc(buffer)
}

interface Plan {
  /** Length field of each record: the bytes after it. */
  readonly lengths: number[]
  readonly totalBytes: number
  readonly lastOffsetDelta: number
  readonly maxTimestamp: number
}

function planRecords(records: readonly NewRecord[], base: number, recordTimestamp: number): Plan {
  const lengths: number[] = []
  let totalBytes = 0
  let delta = -1
  let maxTimestamp = noTimestamp
  for (const record of records) {
    delta = record.offsetDelta ?? delta + 1
    const timestamp = record.timestampMs ?? recordTimestamp
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    let length = 1 + varlongBytes(timestamp - base) + varintBytes(delta)
    length += nullableBytes(record.key) + nullableBytes(record.value)
    const headers = record.headers ?? []
    length += varintBytes(headers.length)
    for (const { key, value } of headers) {
      const keyBytes = Buffer.byteLength(key)
      length += varintBytes(keyBytes) + keyBytes + nullableBytes(value)
    }
    lengths.push(length)
    totalBytes += varintBytes(length) + length
  }
  return { lengths, totalBytes, lastOffsetDelta: Math.max(delta, 0), maxTimestamp }
}

function nullableBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintBytes(bytes.length) + bytes.length
}

function writeRecords(
  buffer: Buffer,
  at: number,
  records: readonly NewRecord[],
  plan: Plan,
  base: number,
  recordTimestamp: number,
): void {
  let delta = -1
  for (let i = 0; i < records.length; i++) {
    const record = records[i]
    delta = record.offsetDelta ?? delta + 1
    at = writeVarint(buffer, at, plan.lengths[i])
    buffer[at++] = 0
    at = writeVarlong(buffer, at, (record.timestampMs ?? recordTimestamp) - base)
    at = writeVarint(buffer, at, delta)
    at = writeNullable(buffer, at, record.key)
    at = writeNullable(buffer, at, record.value)
    const headers = record.headers ?? []
    at = writeVarint(buffer, at, headers.length)
    for (const { key, value } of headers) {
      at = writeVarint(buffer, at, Buffer.byteLength(key))
      at += buffer.write(key, at)
      at = writeNullable(buffer, at, value)
    }
  }
}

function writeNullable(buffer: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(buffer, at, -1)
  at = writeVarint(buffer, at, bytes.length)
  return at + bytes.copy(buffer, at)
}
