/**
 * Compacts the logs of a broker in the background: the dirtiest first, a bounded number at a time, in the time that the
 * rest of the broker leaves. What one round does to one log is compactable.ts's business.
 */
import { type Cancel, DiskError, type Host } from '../../host/host.ts'
import type { Log } from '../log.ts'
import type { LogServices } from '../log-services.ts'
import type { Cleanable } from './compactable.ts'
import type { CleanerSettings } from './settings.ts'
import { Throttle } from './throttle.ts'
import { Cancelled, Damaged, type RoundCounts, Uncleanable, Work } from './work.ts'

export interface CleanerLinks {
  readonly host: Host
  /** Asked again before each round: settings may be altered at any time. */
  readonly settings: () => CleanerSettings
  readonly logs: () => Iterable<Log>
  readonly servicesOf: (log: Log) => LogServices
  /** Where compaction stopped is durable when it resolves. Rejects with DiskError. */
  readonly saveCleaned: (log: Log) => Promise<void>
}

/** One round, for those who watch. */
export interface Round extends Readonly<Omit<RoundCounts, never>> {
  readonly topic: string
  readonly partition: number
  /** Offsets that were dirty, and are not any more. */
  readonly startOffset: number
  readonly endOffset: number
  readonly durationMs: number
  /** Longest time that it kept the event loop. */
  readonly longestSliceMs: number
}

/** What all rounds together came to, under names like those of Kafka's metrics. */
export interface CleanerTotals {
  rounds: number
  cancelled: number
  bytesRead: number
  bytesWritten: number
  longestSliceMs: number
  longestRoundMs: number
  uncleanablePartitions: number
  last: Round | null
}

export class Cleaner {
  readonly totals: CleanerTotals = {
    rounds: 0,
    cancelled: 0,
    bytesRead: 0,
    bytesWritten: 0,
    longestSliceMs: 0,
    longestRoundMs: 0,
    uncleanablePartitions: 0,
    last: null,
  }
  readonly #links: CleanerLinks
  readonly #throttle: Throttle
  readonly #running = new Set<Promise<unknown>>()
  #timer: Cancel | null = null
  #choosing: Promise<void> | null = null
  #closed = false

  constructor(links: CleanerLinks) {
    this.#links = links
    this.#throttle = new Throttle(links.host.clock, () => links.settings().ioBytesPerSecondMax)
  }

  /** Begins to look for work. */
  start(): void {
    this.#look()
  }

  /** Ends when the rounds under way have stopped. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    await this.#choosing?.catch(() => {})
    await Promise.all(this.#running)
  }

  /**
   * One round over whatever of this log may be compacted now, however little it is; null when there is nothing, or it was
   * cancelled. Never rejects for what the log or its disk do.
   */
  async compact(log: Log): Promise<Round | null> {
    const cleanable = await this.#cleanable(log)
    if (cleanable === null || log.compaction.isRunning || this.#closed) return null
    return this.#track(this.#round(log, cleanable))
  }

  #look(): void {
    if (this.#closed || this.#choosing) return
    this.#timer?.()
    this.#timer = null
    this.#choosing = this.#startRounds().finally(() => {
      this.#choosing = null
      if (this.#closed) return
      const delayMs = Math.max(1, Math.min(this.#links.settings().backoffMs, 0x7fffffff))
      this.#timer = this.#links.host.clock.after(delayMs, () => this.#look())
    })
  }

  async #startRounds(): Promise<void> {
    const { isEnabled, threads } = this.#links.settings()
    while (isEnabled && this.#running.size < threads && !this.#closed) {
      const next = await this.#dirtiest()
      if (next === null || this.#closed) return
      void this.#track(this.#round(next.log, next.cleanable)).then(round => {
        // One that was cancelled, or failed, waits for the next look.
        if (round !== null) this.#look()
      })
    }
  }

  /** The log with the largest part of its bytes dirty, of those that have enough or have waited too long. */
  async #dirtiest(): Promise<{ log: Log; cleanable: Cleanable } | null> {
    let best: { log: Log; cleanable: Cleanable; ratio: number } | null = null
    for (const log of [...this.#links.logs()]) {
      if (!log.config.cleanupPolicy.compact || log.compaction.isRunning) continue
      const cleanable = await this.#cleanable(log)
      if (cleanable === null || log.compaction.isRunning || cleanable.dirtyBytes === 0) continue
      const ratio = cleanable.dirtyBytes / (cleanable.cleanBytes + cleanable.dirtyBytes)
      const isDirty = ratio > log.config.minCleanableDirtyRatio || cleanable.overdueMs > 0
      if (isDirty && (best === null || ratio > best.ratio)) best = { log, cleanable, ratio }
    }
    return best
  }

  async #cleanable(log: Log): Promise<Cleanable | null> {
    try {
      await log.rollOverdue()
      return await log.compaction.cleanable(this.#links.host.clock.now())
    } catch (error) {
      this.#failed(log, error)
      return null
    }
  }

  #track<T>(round: Promise<T>): Promise<T> {
    const tracked = round.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
    return tracked
  }

  async #round(log: Log, cleanable: Cleanable): Promise<Round | null> {
    const { host, settings, servicesOf, saveCleaned } = this.#links
    const work = new Work(servicesOf(log), settings(), this.#throttle, () => log.compaction.isWanted && !this.#closed)
    const fromMs = host.clock.monotonic()
    try {
      await log.compaction.run(cleanable, work)
      await saveCleaned(log)
    } catch (error) {
      this.#failed(log, error)
      return null
    }
    const round = {
      ...work.counts,
      topic: log.topic,
      partition: log.partition,
      startOffset: cleanable.startOffset,
      endOffset: log.compaction.cleanedOffset ?? cleanable.startOffset,
      durationMs: host.clock.monotonic() - fromMs,
      longestSliceMs: work.pacer.longestSliceMs,
    }
    this.#count(round)
    return round
  }

  #count(round: Round): void {
    const { totals } = this
    totals.rounds++
    totals.bytesRead += round.bytesRead
    totals.bytesWritten += round.bytesWritten
    totals.longestSliceMs = Math.max(totals.longestSliceMs, round.longestSliceMs)
    totals.longestRoundMs = Math.max(totals.longestRoundMs, round.durationMs)
    totals.last = round
    const { log } = this.#links.host
    log.info({ ...round, durationMs: Math.round(round.durationMs) }, 'a log has been compacted')
    if (round.unreadableBatches > 0) {
      const { topic, partition, unreadableBatches } = round
      log.warn({ topic, partition, unreadableBatches }, 'batches whose records cannot be read were kept whole')
    }
  }

  #failed(log: Log, error: unknown): void {
    const names = { topic: log.topic, partition: log.partition }
    if (error instanceof Cancelled || log.failure !== null) {
      this.totals.cancelled++
    } else if (error instanceof Damaged) {
      this.#links.servicesOf(log).suspect(log)
      this.#links.host.log.warn(
        { ...names, reason: error.message },
        'compaction found damage, which is looked at first',
      )
    } else if (error instanceof Uncleanable) {
      this.totals.uncleanablePartitions++
      log.compaction.giveUp(error.message)
      this.#links.host.log.error({ ...names, reason: error.message }, 'a log cannot be compacted: it is left alone')
    } else if (error instanceof DiskError && isPassing(error)) {
      this.#links.host.log.warn({ ...names, err: error }, 'compaction of a log was given up for now')
    } else if (error instanceof DiskError) {
      log.fail(error)
    } else throw error
  }
}

/** A full disk, too many open files, a segment that retention has removed: all that may be different next time. */
function isPassing(error: DiskError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EMFILE' || error.code === 'ENOENT'
}
