/** What time does to a log: segments that retention takes away, and those that must be closed to be compacted in time. */
import type { KafkaError } from '../../protocol/errors.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { LogParts } from './log-parts.ts'
import type { LogProgress } from './log-progress.ts'
import { expiredSegments } from './retention.ts'
import { final } from './storage-errors.ts'
import type { WriteLoop } from './write-loop.ts'

/** What aging needs to know of its log from moment to moment. */
export interface AgingLog {
  readonly end: Watermark
  readonly durable: Watermark
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly failure: KafkaError | null
  fail(error: Error): void
}

export interface AgingParts extends LogParts {
  readonly loop: WriteLoop
  readonly progress: LogProgress
}

export interface AgingEffects {
  logStartsAt(offset: number): void
  /** Throws what a failed read means to those who asked. */
  readFailed(error: unknown): never
}

export class LogAging {
  readonly #log: AgingLog
  readonly #parts: AgingParts
  readonly #effects: AgingEffects
  #retention: Promise<number> | null = null

  constructor(log: AgingLog, parts: AgingParts, effects: AgingEffects) {
    this.#log = log
    this.#parts = parts
    this.#effects = effects
  }

  /** How many segments went. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  enforceRetention(): Promise<number> {
    this.#retention ??= this.#parts.store
      .exclusively(() => this.#removeExpired())
      .finally(() => {
        this.#retention = null
      })
    return this.#retention
  }

  /** Resolves when no retention is under way. Never rejects. */
  async idle(): Promise<void> {
    await this.#retention?.catch(() => {})
  }

  /** Rolls an active segment that is older than `max.compaction.lag.ms`: only closed ones are compacted. */
  async rollOverdue(): Promise<void> {
    const { store, loop, progress, state } = this.#parts
    const { cleanupPolicy, maxCompactionLagMs } = store.config
    if (!cleanupPolicy.compact || maxCompactionLagMs >= Number.MAX_SAFE_INTEGER) return
    await store.exclusively(async () => {
      const { active } = state.segments
      const nowMs = state.services.host.clock.now()
      const sinceMs = active.firstTimestamp >= 0 ? active.firstTimestamp : active.createdMs
      if (active.sizeBytes === 0 || nowMs - sinceMs <= maxCompactionLagMs) return
      if (this.#log.failure || progress.isStalled) return
      await loop.ensure(store.roll(this.#log.end.value, nowMs))
    })
  }

  async #removeExpired(): Promise<number> {
    const { store, reader, loop, progress, state } = this.#parts
    const { segments } = state
    const log = this.#log
    if (log.failure) throw log.failure
    const nowMs = state.services.host.clock.now()
    const endOffset = log.end.value
    let count = await expiredSegments(segments, {
      config: store.config,
      nowMs,
      logStartOffset: log.logStartOffset,
      highWatermark: Math.min(log.highWatermark, log.durable.value),
      largestTimestamp: segment => reader.largestTimestamp(segment),
    }).catch(error => this.#effects.readFailed(error))
    if (log.failure) throw log.failure
    if (count === segments.all.length) {
      // Not with what was appended while ages were looked up, and only for another one in its place.
      const idle = endOffset === log.end.value && !progress.isStalled
      if (!idle || !(await loop.ensure(store.roll(endOffset, nowMs)))) count--
    }
    if (count === 0) return 0
    const gone = segments.removeOldest(count)
    this.#effects.logStartsAt(segments.first.baseOffset)
    await store.retire(gone).catch(error => final(error, failure => log.fail(failure)))
    return count
  }
}
