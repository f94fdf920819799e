/** What is looked at before a batch gets a place in the log. Nothing here changes any state. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import {
  baseOffset,
  baseSequence,
  batchBytes,
  checkBatch,
  hasProducerId,
  isControl,
  isTransactional,
  lastOffset,
  lastOffsetDelta,
  lastSequence,
  maxTimestamp,
  partitionLeaderEpoch,
  producerEpoch,
  producerId,
} from '../../protocol/records/batch.ts'
import { ControlType, controlType, markerCoordinatorEpoch } from '../../protocol/records/control.ts'
import { RecordCursor, recordsBytes } from '../../protocol/records/record.ts'
import type { AppendInfo } from './log-state.ts'
import type { CachedBatch, ProducerBatch, TransactionMarker } from './producer-state.ts'

/** What producer state looks at; null for a batch without producer id, and for control batches that end nothing. */
export function producerBatchOf(buffer: Buffer, at = 0): ProducerBatch | null {
  if (!hasProducerId(buffer, at)) return null
  const control = isControl(buffer, at)
  const marker = control ? transactionMarker(buffer, at) : null
  if (control && marker === null) return null
  return {
    producerId: producerId(buffer, at),
    producerEpoch: producerEpoch(buffer, at),
    baseSequence: baseSequence(buffer, at),
    lastSequence: lastSequence(buffer, at),
    maxTimestampMs: maxTimestamp(buffer, at),
    isTransactional: isTransactional(buffer, at),
    marker,
  }
}

/** What the producer of a batch is told that was appended before. */
export function duplicateOf(known: CachedBatch, logStartOffset: number): AppendInfo {
  return {
    firstOffset: known.lastOffset - known.offsetDelta,
    lastOffset: known.lastOffset,
    logAppendTimeMs: known.timestampMs,
    logStartOffset,
    duplicate: true,
  }
}

/** Null for a control batch of another kind, and for one that compaction has emptied. */
function transactionMarker(buffer: Buffer, at: number): TransactionMarker | null {
  try {
    const cursor = new RecordCursor(recordsBytes(buffer, at))
    if (!cursor.next()) return null
    const type = controlType(cursor.key())
    if (type !== ControlType.COMMIT && type !== ControlType.ABORT) return null
    return { commit: type === ControlType.COMMIT, coordinatorEpoch: markerCoordinatorEpoch(cursor.value()) }
  } catch (error) {
    // Its checksum is right, so this is what was written: no marker that anyone could read.
    if (error instanceof KafkaError) return null
    throw error
  }
}

/**
 * Positions of the batches that a leader sent, checked: whole (an incomplete last one is left out, a fetch may end in
 * one), with right checksums, offsets that go on from `nextOffset`, and epochs not above the leader's own, which stop
 * the walk (KAFKA-18723). Throws KafkaError CORRUPT_MESSAGE, or OFFSET_OUT_OF_RANGE for offsets that do not follow.
 */
export function checkReplicated(records: Buffer, nextOffset: number, leaderEpoch: number): number[] {
  const positions: number[] = []
  for (let at = 0; at < records.length; at += batchBytes(records, at)) {
    const check = checkBatch(records, at)
    if (check === 'incomplete') break
    if (check !== 'ok') throw new KafkaError(Errors.CORRUPT_MESSAGE, `replicated batch: ${check}`)
    if (partitionLeaderEpoch(records, at) > leaderEpoch) break
    const first = baseOffset(records, at)
    if (first < nextOffset || lastOffsetDelta(records, at) < 0 || !Number.isSafeInteger(lastOffset(records, at))) {
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE, `replicated batch at ${first}, the log ends at ${nextOffset}`)
    }
    positions.push(at)
    nextOffset = lastOffset(records, at) + 1
  }
  return positions
}
