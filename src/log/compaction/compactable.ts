/**
 * The compaction of one log, as the log sees it: how far it has come, what there is to do, and the promise that none is
 * under way while the log is cut, closed or deleted.
 */
import type { KafkaError } from '../../../protocol/errors.ts'
import type { LogParts } from '../log-parts.ts'
import type { Segment } from '../segment.ts'
import { groupSegments } from './groups.ts'
import { KeyWalk } from './key-walk.ts'
import { OffsetMap } from './offset-map.ts'
import { SegmentRewrite } from './segment-rewrite.ts'
import { WalkedTransactions } from './transactions.ts'
import type { Work } from './work.ts'

/** What compaction needs to know of its log from moment to moment. */
export interface CompactedLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly failure: KafkaError | null
  lastStableOffset(highWatermark: number): number
}

/** What a round would have to do. */
export interface Cleanable {
  /** Everything below was compacted before. */
  readonly startOffset: number
  /** Nothing at or above may be touched yet. */
  readonly endOffset: number
  readonly cleanBytes: number
  readonly dirtyBytes: number
  /** How much longer than `max.compaction.lag.ms` the oldest record waits, milliseconds; 0 when none does. */
  readonly overdueMs: number
}

export class Compactable {
  readonly #log: CompactedLog
  readonly #parts: LogParts
  /** What was compacted last time ended here; null when nothing ever was. */
  #cleanedOffset: number | null
  /** Reasons to let the log alone for now. */
  #holds = 0
  #running: Promise<void> | null = null
  #unfit: string | null = null

  constructor(log: CompactedLog, parts: LogParts) {
    this.#log = log
    this.#parts = parts
    this.#cleanedOffset = parts.state.cleanedOffset
  }

  /** Offsets below were compacted, as the checkpoint keeps it; null when none were. */
  get cleanedOffset(): number | null {
    return this.#cleanedOffset
  }

  /** Why this log is not compacted any more until the next start; null while it is. */
  get unfit(): string | null {
    return this.#unfit
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Whether a round may go on. */
  get isWanted(): boolean {
    return this.#holds === 0 && this.#log.failure === null && this.#parts.store.config.cleanupPolicy.compact
  }

  /** Stops what is under way and lets none begin, until the function that is returned is called. */
  async hold(): Promise<() => void> {
    this.#holds++
    await this.#running?.catch(() => {})
    return () => {
      this.#holds--
    }
  }

  /** The log ends at `offset` now. */
  truncated(offset: number): void {
    if (this.#cleanedOffset !== null) this.#cleanedOffset = Math.min(this.#cleanedOffset, offset)
  }

  /** No more compaction of this log: it holds what nobody can compact. */
  giveUp(reason: string): void {
    this.#unfit = reason
  }

  /** What there is to do; null when nothing may be done. Throws DiskError. */
  async cleanable(nowMs: number): Promise<Cleanable | null> {
    if (!this.isWanted || this.#unfit !== null) return null
    const all = [...this.#parts.state.segments.all]
    if (all.length === 1) return null
    const startOffset = this.#startOffset
    const endOffset = await this.#endOffset(all, startOffset, nowMs)
    if (endOffset <= startOffset) return null
    // What is damaged must stay as it is, for those who can mend it.
    if (all.some(segment => segment.baseOffset < endOffset && segment.corrupt.length > 0)) return null
    let cleanBytes = 0
    let dirtyBytes = 0
    for (const segment of all) {
      if (segment.nextOffset <= startOffset) cleanBytes += segment.sizeBytes
      else if (segment.baseOffset < endOffset) dirtyBytes += segment.sizeBytes
    }
    const overdueMs = await this.#overdueMs(all, startOffset, endOffset, nowMs)
    return { startOffset, endOffset, cleanBytes, dirtyBytes, overdueMs }
  }

  /**
   * One round. Until it resolves, everything that changes the segments from their end waits for it, or has it cancelled.
   * Throws Cancelled, Damaged, Uncleanable, DiskError; then the log holds all that it held before, compacted in part.
   */
  run({ startOffset, endOffset }: Cleanable, work: Work): Promise<void> {
    const round = this.#round(startOffset, endOffset, work)
    this.#running = round
    return round.finally(() => {
      this.#running = null
    })
  }

  async #round(startOffset: number, endOffset: number, work: Work): Promise<void> {
    const { state, reader, store, tail } = this.#parts
    const nowMs = state.services.host.clock.now()
    const { random } = state.services.host
    const all = [...state.segments.all].filter(segment => segment.baseOffset < endOffset)
    const dirty = all.filter(segment => segment.nextOffset > startOffset)
    const map = new OffsetMap(random.bytes(16), {
      bytesMax: work.mapBytesMax,
      loadFactor: work.settings.loadFactor,
      keysMax: endOffset - startOffset,
    })
    const range = { segments: dirty, startOffset, endOffset }
    const walked = await new KeyWalk(range, map, work).run(reader)
    work.counts.keys = map.size
    work.counts.keysMax = map.capacity
    if (walked.lastBatchEnd !== null) {
      const transactions = new WalkedTransactions()
      const { config } = store
      for (const group of groupSegments(
        all.filter(segment => segment.baseOffset < walked.endOffset),
        config,
      )) {
        const rules = {
          map,
          transactions,
          producers: state.producers,
          config,
          nowMs,
          lastBatchEnd: walked.lastBatchEnd,
        }
        const rewrite = new SegmentRewrite(group, walked.endOffset, rules, { state, reader, store, tail }, work)
        await rewrite.run()
      }
    }
    this.#cleanedOffset = walked.endOffset
  }

  get #startOffset(): number {
    const { logStartOffset, logEndOffset } = this.#log
    const cleaned = this.#cleanedOffset ?? 0
    // A checkpoint beyond the end speaks of another history.
    return cleaned > logEndOffset ? logStartOffset : Math.max(cleaned, logStartOffset)
  }

  async #endOffset(all: readonly Segment[], startOffset: number, nowMs: number): Promise<number> {
    const { state, store, reader } = this.#parts
    const stable = this.#log.lastStableOffset(this.#log.highWatermark)
    let endOffset = Math.min(state.segments.active.baseOffset, stable)
    // A segment is complete, and synced, when the one after it has its file.
    for (let at = 1; at < all.length; at++) {
      if (!all[at].onDisk) endOffset = Math.min(endOffset, all[at - 1].baseOffset)
    }
    const lagMs = store.config.minCompactionLagMs
    if (lagMs <= 0) return endOffset
    for (const segment of all) {
      if (segment.nextOffset <= startOffset) continue
      if (segment.baseOffset >= endOffset) break
      const largest = await reader.largestTimestamp(segment)
      if ((largest >= 0 ? largest : segment.createdMs) > nowMs - lagMs) return Math.min(endOffset, segment.baseOffset)
    }
    return endOffset
  }

  async #overdueMs(all: readonly Segment[], startOffset: number, endOffset: number, nowMs: number): Promise<number> {
    const { store, reader } = this.#parts
    const lagMs = store.config.maxCompactionLagMs
    if (lagMs >= Number.MAX_SAFE_INTEGER) return 0
    let earliest = nowMs
    for (const segment of all) {
      if (segment.nextOffset <= startOffset || segment.baseOffset >= endOffset) continue
      const first = await reader.firstTimestamp(segment)
      if (first > 0) earliest = Math.min(earliest, first)
    }
    return Math.max(0, nowMs - lagMs - earliest)
  }
}
