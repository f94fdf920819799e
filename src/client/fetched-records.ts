/** The records in what a leader answered to a fetch: every format and codec, without markers and aborted transactions. */
import {
  baseOffset,
  batchBytes,
  checkBatch,
  isControl,
  isLogAppendTime,
  isTransactional,
  iterateBatches,
  lastOffset,
  nextOffset,
  producerId,
} from '../../protocol/records/batch.ts'
import { ControlType, controlType } from '../../protocol/records/control.ts'
import { readMessages } from '../../protocol/records/legacy.ts'
import { type RecordData, readRecords } from '../../protocol/records/record.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './limits.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface ReadRecord extends RecordData {
  readonly topic: string
  readonly partition: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface FetchedRecords {
  readonly topic: string
  readonly partition: number
  /** Records before it were not asked for. */
  readonly from: number
  /** Records from it on are not wanted; null for no end. */
  readonly until: number | null
  /** The offset to read on from when these are done with. */
  readonly next: number
  readonly bytes: Buffer
  /** Null: aborted records are wanted too. */
  readonly aborted: readonly AbortedTransaction[] | null
}

/** The offset after the last whole batch; null when there is none. Throws ClientError. */
export function offsetAfter(bytes: Buffer, { topic, partition }: TopicPartition): number | null {
  let after: number | null = null
  for (const at of iterateBatches(bytes)) {
    const check = checkBatch(bytes, at)
    // Of an old message, wrapper or not, the offset is that of the last record in it.
    if (check === 'old-magic') after = baseOffset(bytes, at) + 1
    else if (check === 'ok') after = nextOffset(bytes, at)
    else
      throw new ClientError(
        'refused',
        `partition ${partition} of ${topic}: a damaged batch (${check}) at ${baseOffset(bytes, at)}`,
      )
  }
  return after
}

/** In the order of their offsets. Key, value and header values are views. */
export function* recordsOf(fetched: FetchedRecords): Generator<ReadRecord, void, void> {
  const { topic, partition, bytes, from, until } = fetched
  for (const at of dataBatches(fetched)) {
    const old = checkIsOld(bytes, at)
    const timestampType = !old && isLogAppendTime(bytes, at) ? 'LogAppendTime' : 'CreateTime'
    for (const record of old ? oldRecords(bytes, at) : readRecords(bytes, at, clientLimits.decompressedBytesMax)) {
      if (record.offset < from) continue
      if (until !== null && record.offset >= until) return
      yield { topic, partition, timestampType, ...record }
    }
  }
}

/** Where the batches begin that have records for applications. */
function* dataBatches({ bytes, aborted }: FetchedRecords): Generator<number, void, void> {
  const pending = aborted === null ? [] : [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  const abortedNow = new Set<number>()
  for (const at of iterateBatches(bytes)) {
    if (checkIsOld(bytes, at)) {
      yield at
      continue
    }
    while (pending.length > 0 && pending[0].firstOffset <= lastOffset(bytes, at)) {
      const [begun] = pending.splice(0, 1)
      abortedNow.add(begun.producerId)
    }
    if (isControl(bytes, at)) {
      if (endsAborted(bytes, at)) abortedNow.delete(producerId(bytes, at))
      continue
    }
    if (aborted !== null && isTransactional(bytes, at) && abortedNow.has(producerId(bytes, at))) continue
    yield at
  }
}

function checkIsOld(bytes: Buffer, at: number): boolean {
  return bytes[at + 16] < 2
}

function endsAborted(bytes: Buffer, at: number): boolean {
  for (const { key } of readRecords(bytes, at)) return controlType(key) === ControlType.ABORT
  return false
}

function* oldRecords(bytes: Buffer, at: number): Generator<RecordData, void, void> {
  const end = at + batchBytes(bytes, at)
  for (const message of readMessages(bytes, at, end, clientLimits.decompressedBytesMax))
    yield { ...message, headers: [] }
}
