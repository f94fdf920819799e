/** What compaction leaves of one batch, by the rules of Apache Kafka. Pure but for letting others run. */
import { KafkaError } from '../../../protocol/errors.ts'
import {
  baseOffset,
  baseTimestamp,
  batchBytes,
  codecId,
  deleteHorizon,
  hasProducerId,
  isControl,
  isLogAppendTime,
  lastOffset,
  maxTimestamp,
  nextOffset,
  producerEpoch,
  producerId,
  recordsAt,
  recordsCount,
} from '../../../protocol/records/batch.ts'
import { RecordCursor } from '../../../protocol/records/record.ts'
import { batchWithRecords, emptiedBatch, joinRecords, rebaseRecords } from '../../../protocol/records/rewrite.ts'
import type { LogConfig } from '../log-config.ts'
import type { ProducerState } from '../producer-state.ts'
import type { OffsetMap } from './offset-map.ts'
import { type OpenedRecords, openRecords, storeRecords } from './records.ts'
import type { WalkedTransactions } from './transactions.ts'
import type { Work } from './work.ts'

/** `same`: as it is. A buffer: this instead. `gone`: nothing. */
export type Left = 'same' | 'gone' | Buffer

export interface FilterRules {
  readonly map: OffsetMap
  readonly transactions: WalkedTransactions
  readonly producers: ProducerState
  readonly config: LogConfig
  /** Wall clock at the beginning of the round, milliseconds. */
  readonly nowMs: number
  /** The offset after the last batch of the round: it stays, if only as a header, since it says where the log goes on. */
  readonly lastBatchEnd: number
}

/** Records in one range that is copied in one step. */
const rangeRecordsMax = 512

/** The records of a batch that stay. */
class Kept {
  /** Start and end of one range after the other. */
  readonly ranges: number[] = []
  count = 0
  maxTimestampDelta = Number.NEGATIVE_INFINITY
  hasTombstones = false
  #inRange = 0

  add(cursor: RecordCursor): void {
    const { ranges } = this
    if (ranges.length > 0 && ranges[ranges.length - 1] === cursor.start && this.#inRange < rangeRecordsMax) {
      ranges[ranges.length - 1] = cursor.end
      this.#inRange++
    } else {
      ranges.push(cursor.start, cursor.end)
      this.#inRange = 1
    }
    this.count++
    this.maxTimestampDelta = Math.max(this.maxTimestampDelta, cursor.timestampDelta)
    if (cursor.valueBytes < 0) this.hasTombstones = true
  }
}

export class BatchFilter {
  readonly #rules: FilterRules
  readonly #work: Work

  constructor(rules: FilterRules, work: Work) {
    this.#rules = rules
    this.#work = work
  }

  /** Batches come in the order of the log. Throws Cancelled, and Damaged for a wrong checksum. */
  async leftOf(buffer: Buffer, at: number): Promise<Left> {
    if (isControl(buffer, at)) return this.#leftOfControl(buffer, at)
    const isAborted = this.#rules.transactions.meetData(buffer, at)
    const count = recordsCount(buffer, at)
    this.#work.counts.recordsRead += count
    const bare = this.#mustStay(buffer, at) ? (count === 0 ? 'same' : emptiedBatch(buffer, at)) : 'gone'
    if (isAborted || count === 0) return bare
    const records = await openRecords(buffer, at, this.#work)
    const kept = records === null ? null : await this.#kept(buffer, at, records)
    if (records === null || kept === null) {
      this.#work.counts.unreadableBatches++
      this.#work.counts.recordsKept += count
      return 'same'
    }
    this.#work.counts.recordsKept += kept.count
    if (kept.count === 0) return bare
    const horizon = deleteHorizon(buffer, at)
    const newHorizon = kept.hasTombstones && horizon === null ? this.#horizon : null
    if (kept.count === count && newHorizon === null) return 'same'
    return this.#rewritten(buffer, at, records, kept, newHorizon)
  }

  #leftOfControl(buffer: Buffer, at: number): Left {
    const { transactions, nowMs } = this.#rules
    const isDone = transactions.meetControl(buffer, at)
    // The last marker of a producer says its epoch, which fences older ones.
    if (!isDone || this.#isLastOfProducer(buffer, at)) return 'same'
    const isLastOfRound = nextOffset(buffer, at) === this.#rules.lastBatchEnd
    if (recordsCount(buffer, at) === 0) return isLastOfRound ? 'same' : 'gone'
    const horizon = deleteHorizon(buffer, at)
    if (horizon === null) return this.#markerWithHorizon(buffer, at)
    if (nowMs < horizon) return 'same'
    return isLastOfRound ? emptiedBatch(buffer, at) : 'gone'
  }

  /** When what is on its way out from now on may go, milliseconds. */
  get #horizon(): number {
    return this.#rules.nowMs + this.#rules.config.deleteRetentionMs
  }

  #mustStay(buffer: Buffer, at: number): boolean {
    return nextOffset(buffer, at) === this.#rules.lastBatchEnd || this.#isLastOfProducer(buffer, at)
  }

  #isLastOfProducer(buffer: Buffer, at: number): boolean {
    if (!hasProducerId(buffer, at)) return false
    const isMarker = isControl(buffer, at)
    return this.#rules.producers.isLastBatch(
      producerId(buffer, at),
      producerEpoch(buffer, at),
      isMarker ? null : lastOffset(buffer, at),
    )
  }

  /** Null when a record cannot be read: then the batch stays as it is. */
  async #kept(buffer: Buffer, at: number, { bytes, from, end }: OpenedRecords): Promise<Kept | null> {
    const kept = new Kept()
    const first = baseOffset(buffer, at)
    const horizon = deleteHorizon(buffer, at)
    const keepsTombstones = horizon === null || this.#rules.nowMs < horizon
    const cursor = new RecordCursor(bytes, from, end)
    let left = recordsCount(buffer, at)
    try {
      for (; left > 0 && cursor.next(); left--) {
        if (this.#isKept(bytes, cursor, first + cursor.offsetDelta, keepsTombstones)) kept.add(cursor)
        if (this.#work.isDue) await this.#work.breathe()
      }
    } catch (error) {
      if (error instanceof KafkaError) return null
      throw error
    }
    return left === 0 && cursor.remainingBytes === 0 ? kept : null
  }

  /** A record without key cannot be superseded, and so has no place in a compacted log. */
  #isKept(bytes: Buffer, cursor: RecordCursor, offset: number, keepsTombstones: boolean): boolean {
    if (cursor.keyBytes < 0) return false
    if (cursor.valueBytes < 0 && !keepsTombstones) return false
    return offset >= this.#rules.map.get(bytes, cursor.keyAt, cursor.keyBytes)
  }

  async #rewritten(
    buffer: Buffer,
    at: number,
    { bytes }: OpenedRecords,
    kept: Kept,
    newHorizon: number | null,
  ): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let i = 0; i < kept.ranges.length; i += 2) {
      const range = kept.ranges.slice(i, i + 2)
      parts.push(newHorizon === null ? joinRecords(bytes, range) : rebaseRecords(buffer, at, bytes, range, newHorizon))
      if (this.#work.pacer.isDue) await this.#work.breathe()
    }
    const codec = codecId(buffer, at)
    const level = levelOf(codec, this.#rules.config)
    const stored = await storeRecords(codec, Buffer.concat(parts), level, this.#work)
    const largest = baseTimestamp(buffer, at) + kept.maxTimestampDelta
    return batchWithRecords(buffer, at, {
      stored,
      count: kept.count,
      maxTimestamp: isLogAppendTime(buffer, at) ? maxTimestamp(buffer, at) : largest,
      deleteHorizon: newHorizon,
    })
  }

  /** Control batches are never compressed. */
  #markerWithHorizon(buffer: Buffer, at: number): Buffer {
    const stored = rebaseRecords(buffer, at, buffer, [at + recordsAt, nextBatchAt(buffer, at)], this.#horizon)
    return batchWithRecords(buffer, at, {
      stored,
      count: recordsCount(buffer, at),
      maxTimestamp: maxTimestamp(buffer, at),
      deleteHorizon: this.#horizon,
    })
  }
}

function nextBatchAt(buffer: Buffer, at: number): number {
  return at + batchBytes(buffer, at)
}

function levelOf(codec: number, config: LogConfig): number | undefined {
  return [undefined, config.compressionGzipLevel, undefined, config.compressionLz4Level, config.compressionZstdLevel][
    codec
  ]
}
