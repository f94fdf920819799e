/** The second walk of a compaction: a group of segments becomes one, with what is still wanted of it. */
import { lastOffset } from '../../../protocol/records/batch.ts'
import type { File } from '../../host/host.ts'
import { DiskError } from '../../host/host.ts'
import type { LogParts } from '../log-parts.ts'
import type { Segment } from '../segment.ts'
import type { AbortedTransaction } from '../transaction-index.ts'
import { BatchFilter, type FilterRules } from './batch-filter.ts'
import { SegmentWriter } from './segment-writer.ts'
import { removeCleaned, writeCleanedIndexes } from './swap.ts'
import { walkSegment } from './walk.ts'
import { Cancelled, type Work } from './work.ts'

export class SegmentRewrite {
  readonly #group: readonly Segment[]
  readonly #endOffset: number
  readonly #rules: FilterRules
  readonly #parts: LogParts
  readonly #work: Work
  readonly #filter: BatchFilter
  /** Nothing of the group has changed so far. */
  #isSame = true

  /** Batches at or beyond `endOffset` stay as they are. */
  constructor(group: readonly Segment[], endOffset: number, rules: FilterRules, parts: LogParts, work: Work) {
    this.#group = group
    this.#endOffset = endOffset
    this.#rules = rules
    this.#parts = parts
    this.#work = work
    this.#filter = new BatchFilter(rules, work)
  }

  /** Throws Cancelled, Damaged, Uncleanable, DiskError. */
  async run(): Promise<void> {
    const { state, store } = this.#parts
    const { disk } = state.services.host
    const { baseOffset } = this.#group[0]
    await removeCleaned(disk, state.directory, baseOffset)
    const cleaned = store.newCleaned(baseOffset, this.#group[this.#group.length - 1])
    const file = await cleaned.file.acquire()
    let isInPlace = false
    try {
      cleaned.aborted = await this.#write(file, cleaned)
      if (this.#group.length > 1 || !this.#isSame) {
        await this.#putInPlace(cleaned)
        isInPlace = true
      }
    } finally {
      cleaned.file.release()
      if (!isInPlace) {
        await cleaned.file.end()
        await this.#discard(baseOffset)
      }
    }
  }

  /** Aborted transactions that still matter to readers of the new segment. */
  async #write(file: File, cleaned: Segment): Promise<AbortedTransaction[]> {
    const { reader, store } = this.#parts
    const writer = new SegmentWriter(file, cleaned, store.config.indexIntervalBytes, this.#work)
    const aborted: AbortedTransaction[] = []
    for (const segment of this.#group) {
      this.#rules.transactions.expect(await reader.abortedBetween(segment.baseOffset, segment.nextOffset))
      const markers = new Set<number>()
      await walkSegment(segment, 0, this.#work, async (buffer, at) => {
        const offset = lastOffset(buffer, at)
        if (offset >= this.#endOffset) {
          await writer.add(buffer, at)
          return true
        }
        const left = await this.#filter.leftOf(buffer, at)
        if (this.#rules.transactions.endedWithData) markers.add(offset)
        if (left === 'same') await writer.add(buffer, at)
        else {
          this.#isSame = false
          if (left !== 'gone') await writer.add(left, 0)
        }
        return true
      })
      for (const transaction of await reader.abortedIn(segment)) {
        const { lastOffset: marker } = transaction
        if (marker >= this.#endOffset || markers.has(marker)) aborted.push(transaction)
      }
    }
    await writer.finish()
    return aborted
  }

  /** Unless one of the segments has been removed meanwhile. */
  async #putInPlace(cleaned: Segment): Promise<void> {
    const { state, store, tail, reader } = this.#parts
    await writeCleanedIndexes(state.services.host.disk, state.directory, cleaned)
    // Recovery takes what lies below the recovery point as it is; leader epochs without batches are known from their file.
    await state.services.saveRecoveryPoints()
    await store.exclusively(async () => {
      this.#work.check()
      const isGood = (segment: Segment) => state.segments.has(segment) && segment.corrupt.length === 0
      if (!this.#group.every(isGood)) throw new Cancelled()
      // What was copied without being opened is still to be verified by readers.
      if (this.#group.some(segment => segment.uncheckedBytes > 0)) cleaned.uncheckedBytes = cleaned.sizeBytes
      const { counts } = this.#work
      for (const segment of this.#group) counts.bytesBefore += segment.sizeBytes
      counts.bytesAfter += cleaned.sizeBytes
      const swapped = store.replace(this.#group, cleaned, () => {
        tail.dropBefore(cleaned.nextOffset)
        reader.forget()
      })
      // Half-way through, what the disk holds is known only after a start.
      await swapped.catch(error => {
        if (error instanceof DiskError) state.services.directory.fail(error)
        throw error
      })
    })
  }

  /** What was written is of no use. */
  async #discard(baseOffset: number): Promise<void> {
    const { state } = this.#parts
    await removeCleaned(state.services.host.disk, state.directory, baseOffset).catch(error => {
      if (!(error instanceof DiskError)) throw error
    })
  }
}
