/**
 * Record batches of magic 2, read and patched where they lie: every function takes a buffer and the position at which
 * a batch begins, and allocates nothing. None of them checks bounds: call `checkBatch` (or `wholeBatchBytes`) once before
 * the others. Layout: https://kafka.apache.org/documentation/#recordbatch (KIP-98).
 *
 * Offsets, timestamps and producer ids are numbers, exact up to 2^53; `checkBatch` does not refuse larger ones, those
 * who accept batches from clients do.
 */
import { crc32c } from './crc.ts'

export const baseOffsetAt = 0
export const lengthAt = 8
export const partitionLeaderEpochAt = 12
export const magicAt = 16
export const crcAt = 17
export const attributesAt = 21
export const lastOffsetDeltaAt = 23
export const baseTimestampAt = 27
export const maxTimestampAt = 35
export const producerIdAt = 43
export const producerEpochAt = 51
export const baseSequenceAt = 53
export const recordsCountAt = 57
export const recordsAt = 61

/** Bytes of base offset and length, which the length field does not count. */
export const logOverheadBytes = 12
/** Bytes of a whole batch header: the smallest possible batch. */
export const batchHeaderBytes = 61
/** The magic of the only format that is written today. */
export const currentMagic = 2

export const noTimestamp = -1
export const noProducerId = -1
export const noProducerEpoch = -1
export const noSequence = -1
export const noPartitionLeaderEpoch = -1

const codecMask = 0x07
const logAppendTimeFlag = 0x08
const transactionalFlag = 0x10
const controlFlag = 0x20
const deleteHorizonFlag = 0x40

// Plain byte arithmetic: V8 inlines it, while Buffer.readInt32BE stays a call and a DataView an allocation per buffer.
export function readInt16(buffer: Buffer, at: number): number {
  return ((buffer[at] << 24) >> 16) | buffer[at + 1]
}

export function readInt32(buffer: Buffer, at: number): number {
  return (buffer[at] << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]
}

/** Exact up to 2^53, rounded beyond. */
export function readInt64(buffer: Buffer, at: number): number {
  return readInt32(buffer, at) * 4294967296 + (readInt32(buffer, at + 4) >>> 0)
}

export function writeInt16(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >> 8
  buffer[at + 1] = value
}

export function writeInt32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >> 24
  buffer[at + 1] = value >> 16
  buffer[at + 2] = value >> 8
  buffer[at + 3] = value
}

/** Exact up to 2^53; 2^63 and more becomes the largest int64. */
export function writeInt64(buffer: Buffer, at: number, value: number): void {
  if (value >= 2 ** 63) {
    writeInt32(buffer, at, 0x7fffffff)
    writeInt32(buffer, at + 4, -1)
    return
  }
  writeInt32(buffer, at, Math.floor(value / 4294967296))
  writeInt32(buffer, at + 4, value >>> 0)
}

/** Offset of the first record (also when compaction has removed that record). */
export function baseOffset(buffer: Buffer, at = 0): number {
  return readInt64(buffer, at)
}

/** Size of the whole batch as its length field claims, header included. Not more than a claim before `checkBatch`. */
export function batchBytes(buffer: Buffer, at = 0): number {
  return readInt32(buffer, at + lengthAt) + logOverheadBytes
}

export function partitionLeaderEpoch(buffer: Buffer, at = 0): number {
  return readInt32(buffer, at + partitionLeaderEpochAt)
}

export function magic(buffer: Buffer, at = 0): number {
  return (buffer[at + magicAt] << 24) >> 24
}

/** The stored checksum, unsigned. */
export function crc(buffer: Buffer, at = 0): number {
  return readInt32(buffer, at + crcAt) >>> 0
}

export function attributes(buffer: Buffer, at = 0): number {
  return readInt16(buffer, at + attributesAt)
}

/** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 mean nothing. */
export function codecId(buffer: Buffer, at = 0): number {
  return buffer[at + attributesAt + 1] & codecMask
}

/** True when the timestamps are those of the broker's append (all records then have `maxTimestamp`). */
export function isLogAppendTime(buffer: Buffer, at = 0): boolean {
  return (buffer[at + attributesAt + 1] & logAppendTimeFlag) !== 0
}

export function isTransactional(buffer: Buffer, at = 0): boolean {
  return (buffer[at + attributesAt + 1] & transactionalFlag) !== 0
}

/** True for batches that carry a marker of the broker instead of the application's records. */
export function isControl(buffer: Buffer, at = 0): boolean {
  return (buffer[at + attributesAt + 1] & controlFlag) !== 0
}

/** True when compaction set the time at which tombstones or markers may go; `baseTimestamp` is that time (KIP-534). */
export function hasDeleteHorizon(buffer: Buffer, at = 0): boolean {
  return (buffer[at + attributesAt + 1] & deleteHorizonFlag) !== 0
}

/** Milliseconds, or null when compaction has set none. */
export function deleteHorizon(buffer: Buffer, at = 0): number | null {
  return hasDeleteHorizon(buffer, at) ? baseTimestamp(buffer, at) : null
}

export function lastOffsetDelta(buffer: Buffer, at = 0): number {
  return readInt32(buffer, at + lastOffsetDeltaAt)
}

/** Offset of the last record as produced; compaction keeps it even when that record is gone. */
export function lastOffset(buffer: Buffer, at = 0): number {
  return readInt64(buffer, at) + readInt32(buffer, at + lastOffsetDeltaAt)
}

/** The offset that follows this batch. */
export function nextOffset(buffer: Buffer, at = 0): number {
  return lastOffset(buffer, at) + 1
}

/** Milliseconds; what the records' timestamp deltas count from. */
export function baseTimestamp(buffer: Buffer, at = 0): number {
  return readInt64(buffer, at + baseTimestampAt)
}

/** Milliseconds. */
export function maxTimestamp(buffer: Buffer, at = 0): number {
  return readInt64(buffer, at + maxTimestampAt)
}

/** As `maxTimestamp`, -1 in a batch that compaction has emptied: no record has that timestamp any more. */
export function largestRecordTimestamp(buffer: Buffer, at = 0): number {
  return recordsCount(buffer, at) === 0 ? noTimestamp : maxTimestamp(buffer, at)
}

/** -1 when the producer is not idempotent. */
export function producerId(buffer: Buffer, at = 0): number {
  return readInt64(buffer, at + producerIdAt)
}

export function hasProducerId(buffer: Buffer, at = 0): boolean {
  return producerId(buffer, at) > noProducerId
}

export function producerEpoch(buffer: Buffer, at = 0): number {
  return readInt16(buffer, at + producerEpochAt)
}

export function baseSequence(buffer: Buffer, at = 0): number {
  return readInt32(buffer, at + baseSequenceAt)
}

/** Sequence of the last record, -1 without sequences. */
export function lastSequence(buffer: Buffer, at = 0): number {
  const first = baseSequence(buffer, at)
  return first === noSequence ? noSequence : addToSequence(first, lastOffsetDelta(buffer, at))
}

/** Sequences run from 0 to 2^31-1 and then begin at 0 again. */
export function addToSequence(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > 0x7fffffff ? sum - 0x80000000 : sum
}

/** The sequence before this one: 2^31-1 comes before 0. */
export function previousSequence(sequence: number): number {
  return sequence === 0 ? 0x7fffffff : sequence - 1
}

/** How many records the header claims (0 after compaction has emptied the batch). */
export function recordsCount(buffer: Buffer, at = 0): number {
  return readInt32(buffer, at + recordsCountAt)
}

/** The batch as a view. */
export function batchView(buffer: Buffer, at = 0): Buffer {
  return buffer.subarray(at, at + batchBytes(buffer, at))
}

/** The records as a view, compressed if the batch is. */
export function recordsView(buffer: Buffer, at = 0): Buffer {
  return buffer.subarray(at + recordsAt, at + batchBytes(buffer, at))
}

/** Outside the checksum: the leader writes it in place. */
export function setBaseOffset(buffer: Buffer, at: number, offset: number): void {
  writeInt64(buffer, at, offset)
}

/** Sets the base offset so that the last record gets `offset`. */
export function setLastOffset(buffer: Buffer, at: number, offset: number): void {
  writeInt64(buffer, at, offset - lastOffsetDelta(buffer, at))
}

/** Outside the checksum: the leader writes it in place. */
export function setPartitionLeaderEpoch(buffer: Buffer, at: number, epoch: number): void {
  writeInt32(buffer, at + partitionLeaderEpochAt, epoch)
}

/** Writes timestamp type and largest timestamp, and the checksum when either changed. */
export function setMaxTimestamp(buffer: Buffer, at: number, logAppendTime: boolean, timestampMs: number): void {
  if (isLogAppendTime(buffer, at) === logAppendTime && maxTimestamp(buffer, at) === timestampMs) return
  const low = buffer[at + attributesAt + 1]
  buffer[at + attributesAt + 1] = logAppendTime ? low | logAppendTimeFlag : low & ~logAppendTimeFlag
  writeInt64(buffer, at + maxTimestampAt, timestampMs)
  storeCrc(buffer, at)
}

/** Sets the 16 attribute bits and the checksum. */
export function setAttributes(buffer: Buffer, at: number, bits: number): void {
  writeInt16(buffer, at + attributesAt, bits)
  storeCrc(buffer, at)
}

/** The checksum that the batch should have: CRC-32C from the attributes to its end. */
export function computeCrc(buffer: Buffer, at = 0): number {
  return crc32c(buffer.subarray(at + attributesAt, at + batchBytes(buffer, at)))
}

export function storeCrc(buffer: Buffer, at = 0): void {
  writeInt32(buffer, at + crcAt, computeCrc(buffer, at))
}

export interface AttributeBits {
  readonly codecId?: number
  readonly logAppendTime?: boolean
  readonly transactional?: boolean
  readonly control?: boolean
  readonly deleteHorizon?: boolean
}

export function attributeBits(bits: AttributeBits): number {
  return (
    (bits.codecId ?? 0) |
    (bits.logAppendTime ? logAppendTimeFlag : 0) |
    (bits.transactional ? transactionalFlag : 0) |
    (bits.control ? controlFlag : 0) |
    (bits.deleteHorizon ? deleteHorizonFlag : 0)
  )
}

/**
 * Size of the batch (or message of magic 0 or 1) at `at` when all of it lies before `end`, otherwise 0: an incomplete
 * tail, or a length field that cannot be true.
 */
export function wholeBatchBytes(buffer: Buffer, at = 0, end = buffer.length): number {
  if (end - at < logOverheadBytes) return 0
  const size = batchBytes(buffer, at)
  return size > logOverheadBytes && size <= end - at ? size : 0
}

/** Bytes of the whole batches at the beginning of `buffer`: what is left after cutting an incomplete tail. */
export function wholeBatchesBytes(buffer: Buffer, at = 0, end = buffer.length): number {
  const from = at
  for (let size = wholeBatchBytes(buffer, at, end); size > 0; size = wholeBatchBytes(buffer, at, end)) at += size
  return at - from
}

/** Positions of the whole batches; stops before an incomplete tail. Yields sizes unchecked beyond that. */
export function* iterateBatches(buffer: Buffer, at = 0, end = buffer.length): Generator<number, void, void> {
  for (let size = wholeBatchBytes(buffer, at, end); size > 0; size = wholeBatchBytes(buffer, at, end)) {
    yield at
    at += size
  }
}

/**
 * `ok`; `incomplete`: the batch goes on after `end` (a torn tail, or a lying length); `bad-size`: a length too small for
 * a header; `old-magic`: a message of magic 0 or 1 (see legacy.ts), not checked further; `bad-magic`; `bad-crc`.
 */
export type BatchCheck = 'ok' | 'incomplete' | 'bad-size' | 'old-magic' | 'bad-magic' | 'bad-crc'

/** Checks size, magic and checksum of one batch: what makes the accessors above safe. Looks at no record. */
export function checkBatch(buffer: Buffer, at = 0, end = buffer.length): BatchCheck {
  const shape = checkBatchShape(buffer, at, end)
  if (shape !== 'ok') return shape
  return computeCrc(buffer, at) === crc(buffer, at) ? 'ok' : 'bad-crc'
}

/** As `checkBatch`, without the checksum. */
export function checkBatchShape(buffer: Buffer, at = 0, end = buffer.length): BatchCheck {
  if (end - at <= magicAt) return 'incomplete'
  const size = batchBytes(buffer, at)
  const version = magic(buffer, at)
  if (version < 0 || version > currentMagic) return 'bad-magic'
  if (version < currentMagic) return 'old-magic'
  if (size < batchHeaderBytes) return 'bad-size'
  return size > end - at ? 'incomplete' : 'ok'
}
