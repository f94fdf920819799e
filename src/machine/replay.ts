/** Walks over raw record batches as they stand in a log, for a machine that is being loaded. */

import { KafkaError } from '../../protocol/errors.ts'
import { ParseError } from '../../protocol/reader.ts'
import {
  baseOffset,
  currentMagic,
  isControl,
  isTransactional,
  iterateBatches,
  magic,
  maxTimestamp,
  nextOffset,
  partitionLeaderEpoch,
  producerEpoch,
  producerId,
} from '../../protocol/records/batch.ts'
import { CompressionError } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { Position } from './machine.ts'

export interface ReplayVisitor {
  /** Key and value are views that die with the chunk. */
  record(key: Buffer | null, value: Buffer | null, at: Position): void
  endTransaction(commit: boolean, at: Position): void
  /** A record, or the rest of a batch, that cannot be read. */
  unreadable(offset: number, reason: string): void
}

/** The type in the key of a control record that ends a transaction. */
const abortType = 0
const commitType = 1

/** Visits every record of `chunk` at `from` or later, and returns the offset after the last whole batch in it. */
export function replayBatches(chunk: Buffer, from: number, visitor: ReplayVisitor): number {
  let next = from
  for (const at of iterateBatches(chunk)) {
    if (nextOffset(chunk, at) <= from) continue
    if (magic(chunk, at) === currentMagic) replayBatch(chunk, at, from, visitor)
    else visitor.unreadable(baseOffset(chunk, at), `message format ${magic(chunk, at)}`)
    next = nextOffset(chunk, at)
  }
  return next
}

function replayBatch(chunk: Buffer, at: number, from: number, visitor: ReplayVisitor): void {
  const transactional = isTransactional(chunk, at)
  const place = {
    timestampMs: maxTimestamp(chunk, at),
    leaderEpoch: partitionLeaderEpoch(chunk, at),
    producerId: transactional ? producerId(chunk, at) : -1,
    producerEpoch: transactional ? producerEpoch(chunk, at) : -1,
  }
  const control = isControl(chunk, at)
  let offset = baseOffset(chunk, at)
  try {
    for (const record of readRecords(chunk, at)) {
      offset = record.offset
      if (offset < from) continue
      if (control) replayControl(record.key, { ...place, offset }, visitor)
      else visitRecord(record.key, record.value, { ...place, offset }, visitor)
    }
  } catch (error) {
    visitor.unreadable(offset, reasonOf(error))
  }
}

/** One record that makes no sense does not hide those after it. */
function visitRecord(key: Buffer | null, value: Buffer | null, at: Position, visitor: ReplayVisitor): void {
  try {
    visitor.record(key, value, at)
  } catch (error) {
    visitor.unreadable(at.offset, reasonOf(error))
  }
}

function replayControl(key: Buffer | null, at: Position, visitor: ReplayVisitor): void {
  if (!key || key.length < 4) return
  const type = key.readInt16BE(2)
  if (type === abortType || type === commitType) visitor.endTransaction(type === commitType, at)
}

/** The errors that bad bytes raise; everything else is a bug and goes on. */
function reasonOf(error: unknown): string {
  if (error instanceof ParseError || error instanceof KafkaError || error instanceof CompressionError)
    return error.message
  throw error
}
