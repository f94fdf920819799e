/** The first walk of a compaction: over what was appended since the last one, noting the latest offset of each key. */
import { KafkaError } from '../../../protocol/errors.ts'
import { baseOffset, isControl, lastOffset, nextOffset, recordsCount } from '../../../protocol/records/batch.ts'
import { RecordCursor } from '../../../protocol/records/record.ts'
import type { LogReader } from '../log-reader.ts'
import type { Segment } from '../segment.ts'
import type { OffsetMap } from './offset-map.ts'
import { openRecords } from './records.ts'
import { WalkedTransactions } from './transactions.ts'
import { walkSegment } from './walk.ts'
import { Uncleanable, type Work } from './work.ts'

export interface DirtyRange {
  readonly segments: readonly Segment[]
  readonly startOffset: number
  /** Nothing at or beyond it may be looked at. */
  readonly endOffset: number
}

export interface WalkedRange {
  /** Where the walk ended: below the end of the range when the map was full. */
  readonly endOffset: number
  /** The offset after the last batch before that; null when there was none. */
  readonly lastBatchEnd: number | null
}

export class KeyWalk {
  readonly #range: DirtyRange
  readonly #map: OffsetMap
  readonly #work: Work
  readonly #transactions = new WalkedTransactions()
  #lastBatchEnd: number | null = null

  constructor(range: DirtyRange, map: OffsetMap, work: Work) {
    this.#range = range
    this.#map = map
    this.#work = work
  }

  /** Throws Cancelled, Damaged, Uncleanable, DiskError. */
  async run(reader: LogReader): Promise<WalkedRange> {
    const { segments, startOffset, endOffset } = this.#range
    for (const segment of segments) {
      this.#transactions.expect(
        await reader.abortedBetween(Math.max(startOffset, segment.baseOffset), segment.nextOffset),
      )
      const position = segment.baseOffset < startOffset ? await reader.positionOf(segment, startOffset) : 0
      const isWhole = await walkSegment(segment, position, this.#work, (buffer, at) => this.#visit(buffer, at))
      if (!isWhole) break
    }
    const isFull = this.#isFull
    if (isFull && this.#lastBatchEnd === null) {
      throw new Uncleanable(
        `the first batch has more keys than fit into log.cleaner.dedupe.buffer.size (${this.#map.capacity})`,
      )
    }
    return { endOffset: isFull ? (this.#lastBatchEnd ?? startOffset) : endOffset, lastBatchEnd: this.#lastBatchEnd }
  }

  #isFull = false

  async #visit(buffer: Buffer, at: number): Promise<boolean> {
    const { startOffset, endOffset } = this.#range
    if (lastOffset(buffer, at) >= endOffset) return false
    if (lastOffset(buffer, at) < startOffset) return true
    if (isControl(buffer, at)) this.#transactions.meetControl(buffer, at)
    else if (!this.#transactions.meetData(buffer, at) && recordsCount(buffer, at) > 0) {
      if (this.#map.size + recordsCount(buffer, at) > this.#map.capacity) {
        // A batch counts whole or not at all; most of its keys may be known already, but that is not known yet.
        this.#isFull = true
        return false
      }
      await this.#note(buffer, at)
    }
    this.#lastBatchEnd = nextOffset(buffer, at)
    return true
  }

  async #note(buffer: Buffer, at: number): Promise<void> {
    const records = await openRecords(buffer, at, this.#work)
    if (records === null) return
    const first = baseOffset(buffer, at)
    const cursor = new RecordCursor(records.bytes, records.from, records.end)
    try {
      for (let left = recordsCount(buffer, at); left > 0 && cursor.next(); left--) {
        const offset = first + cursor.offsetDelta
        if (cursor.keyBytes >= 0 && offset >= this.#range.startOffset) {
          this.#map.put(records.bytes, cursor.keyAt, cursor.keyBytes, offset)
        }
        if (this.#work.isDue) await this.#work.breathe()
      }
    } catch (error) {
      // Whatever follows in this batch is kept by the second walk, whole.
      if (!(error instanceof KafkaError)) throw error
    }
  }
}
