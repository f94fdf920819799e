/**
 * Batches of which compaction keeps a part. Offsets, sequences, epochs and the last offset delta stay what they were, so
 * that nobody who counts on them notices; the checksum is made anew.
 */
import {
  attributes,
  attributesAt,
  baseTimestamp,
  baseTimestampAt,
  batchHeaderBytes,
  lengthAt,
  logOverheadBytes,
  maxTimestampAt,
  noTimestamp,
  recordsCountAt,
  storeCrc,
  writeInt16,
  writeInt32,
  writeInt64,
} from './batch.ts'
import { RecordCursor } from './record.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

const codecMask = 0x07
const deleteHorizonFlag = 0x40

export interface KeptRecords {
  /** The records as they are stored: compressed with the codec of the batch. */
  readonly stored: Buffer
  readonly count: number
  /** Milliseconds. */
  readonly maxTimestamp: number
  /** Milliseconds: the records' timestamps count from it already. Null leaves the base timestamp as it is. */
  readonly deleteHorizon: number | null
}

/** The batch at `at` around other record bytes. */
export function batchWithRecords(buffer: Buffer, at: number, kept: KeptRecords): Buffer {
  const batch = Buffer.allocUnsafe(batchHeaderBytes + kept.stored.length)
  buffer.copy(batch, 0, at, at + batchHeaderBytes)
  kept.stored.copy(batch, batchHeaderBytes)
  writeInt32(batch, lengthAt, batch.length - logOverheadBytes)
  if (kept.deleteHorizon !== null) {
    writeInt16(batch, attributesAt, attributes(batch) | deleteHorizonFlag)
    writeInt64(batch, baseTimestampAt, kept.deleteHorizon)
  }
  writeInt64(batch, maxTimestampAt, kept.maxTimestamp)
  writeInt32(batch, recordsCountAt, kept.count)
  storeCrc(batch)
  return batch
}

/** The batch at `at` without any record: what is left of it are its offsets and its producer's sequence. */
export function emptiedBatch(buffer: Buffer, at: number): Buffer {
  const batch = Buffer.from(buffer.subarray(at, at + batchHeaderBytes))
  writeInt32(batch, lengthAt, batch.length - logOverheadBytes)
  writeInt16(batch, attributesAt, attributes(batch) & ~(codecMask | deleteHorizonFlag))
  writeInt64(batch, baseTimestampAt, noTimestamp)
  writeInt32(batch, recordsCountAt, 0)
  storeCrc(batch)
  return batch
}

/** Ranges of records in the decompressed bytes of a batch: start and end of one after the other, ascending. */
export type RecordRanges = readonly number[]

/** The records in `ranges` of `bytes`, one after the other. */
export function joinRecords(bytes: Buffer, ranges: RecordRanges): Buffer {
  let total = 0
  for (let i = 0; i < ranges.length; i += 2) total += ranges[i + 1] - ranges[i]
  const joined = Buffer.allocUnsafe(total)
  let to = 0
  for (let i = 0; i < ranges.length; i += 2) to += bytes.copy(joined, to, ranges[i], ranges[i + 1])
  return joined
}

/** As `joinRecords`, with timestamps that count from `base` instead of from the base timestamp of the batch at `at`. */
export function rebaseRecords(buffer: Buffer, at: number, bytes: Buffer, ranges: RecordRanges, base: number): Buffer {
  const shift = baseTimestamp(buffer, at) - base
  let total = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const cursor = new RecordCursor(bytes, ranges[i], ranges[i + 1])
    while (cursor.next()) {
      const length = rebasedLength(cursor, shift)
      total += varintBytes(length) + length
    }
  }
  const rebased = Buffer.allocUnsafe(total)
  let to = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const cursor = new RecordCursor(bytes, ranges[i], ranges[i + 1])
    while (cursor.next()) {
      to = writeVarint(rebased, to, rebasedLength(cursor, shift))
      rebased[to++] = cursor.attributes
      to = writeVarlong(rebased, to, cursor.timestampDelta + shift)
      to += bytes.copy(rebased, to, cursor.offsetDeltaAt, cursor.end)
    }
  }
  return rebased
}

function rebasedLength(cursor: RecordCursor, shift: number): number {
  return 1 + varlongBytes(cursor.timestampDelta + shift) + cursor.end - cursor.offsetDeltaAt
}
