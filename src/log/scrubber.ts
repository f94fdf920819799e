/**
 * Goes over the segments of all logs, in all directories, one after the other: after the start, and again after each
 * interval. Slowly: a fixed rate of bytes, in pieces so small that nobody notices. A log about which a reader wonders comes
 * first.
 */
import type { Cancel, Clock, Host } from '../host/host.ts'
import { DiskError } from '../host/host.ts'
import type { LogLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { CheckpointedLog } from './log-services.ts'
import type { Pace } from './scrub.ts'

export interface ScrubberOptions {
  readonly host: Pick<Host, 'clock' | 'log'>
  readonly limits: LogLimits
  /** Nothing is scrubbed with 0, except what a reader wonders about. */
  readonly bytesPerSecond: number
  /** From the end of one round to the beginning of the next. */
  readonly intervalMs: number
  readonly logs: () => readonly Log[]
  /** There is new damage in this log. */
  readonly damaged: (log: Log) => void
}

export class Scrubber {
  readonly #options: ScrubberOptions
  /** By name, in order. */
  readonly #suspects = new Set<string>()
  /** When a suspect was scrubbed last, monotonic milliseconds. */
  readonly #cleared = new Map<string, number>()
  #round: Log[] = []
  #running: Promise<void> | null = null
  #cancelTimer: Cancel = () => {}
  #stopped = false

  constructor(options: ScrubberOptions) {
    this.#options = options
  }

  /** The first round begins. */
  start(): void {
    const { bytesPerSecond, intervalMs, host, logs } = this.#options
    if (bytesPerSecond === 0 || this.#stopped) return
    this.#round = [...logs()]
    this.#run(() => {
      const delayMs = Math.min(intervalMs, 0x7fffffff)
      this.#cancelTimer = host.clock.after(delayMs, () => this.start())
    })
  }

  suspect({ topic, partition }: CheckpointedLog): void {
    const name = `${topic}-${partition}`
    const { clock } = this.#options.host
    const before = this.#cleared.get(name)
    if (before !== undefined && clock.monotonic() - before < this.#options.limits.suspicionPauseMs) return
    this.#suspects.add(name)
    this.#run(() => {})
  }

  /** Nothing is read any more when it resolves. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer()
    await this.#running
  }

  #run(done: () => void): void {
    if (this.#running || this.#stopped) return
    this.#running = this.#work().finally(() => {
      this.#running = null
      if (!this.#stopped) done()
    })
  }

  async #work(): Promise<void> {
    const paced = new Throttle(this.#options.host.clock, this.#options.bytesPerSecond, () => this.#stopped)
    const urgent: Pace = { take: async () => {}, stopped: false }
    for (;;) {
      if (this.#stopped) return
      const suspect = this.#nextSuspect()
      const log = suspect ?? this.#round.pop()
      if (!log) return
      if (log.failure === null) await this.#scrub(log, suspect ? urgent : paced)
    }
  }

  #nextSuspect(): Log | undefined {
    for (const name of this.#suspects) {
      this.#suspects.delete(name)
      const log = this.#options.logs().find(({ topic, partition }) => `${topic}-${partition}` === name)
      if (!log) continue
      this.#cleared.set(name, this.#options.host.clock.monotonic())
      return log
    }
    return undefined
  }

  async #scrub(log: Log, pace: Pace): Promise<void> {
    try {
      const found = await log.scrub.run(pace)
      if (found.length > 0) this.#options.damaged(log)
    } catch (error) {
      if (log.failure !== null) return
      if (!(error instanceof DiskError)) throw error
      this.#options.host.log.error({ err: error, directory: log.directory }, 'segments could not be read to be checked')
    }
  }
}

/** So many bytes a second, and never more than one piece without a pause. */
class Throttle implements Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  readonly #isStopped: () => boolean
  #freeAtMs: number

  constructor(clock: Clock, bytesPerSecond: number, isStopped: () => boolean) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#isStopped = isStopped
    this.#freeAtMs = clock.monotonic()
  }

  get stopped(): boolean {
    return this.#isStopped()
  }

  async take(bytes: number): Promise<void> {
    const clock = this.#clock
    await new Promise<void>(resolve => clock.soon(resolve))
    const freeAtMs = this.#freeAtMs
    this.#freeAtMs = Math.max(freeAtMs, clock.monotonic()) + (bytes / this.#bytesPerSecond) * 1000
    for (let waitMs = freeAtMs - clock.monotonic(); waitMs >= 1; waitMs = freeAtMs - clock.monotonic()) {
      if (this.stopped) return
      await new Promise<void>(resolve => clock.after(Math.min(waitMs, pauseMaxMs), resolve))
    }
  }
}

/** So that a scrubber that is to stop does not sleep for long. */
const pauseMaxMs = 200
