/**
 * The clock of the quorum: one timer, and a time that does not count pauses of this process. A node that was stopped for
 * a while reads what has arrived before it holds anybody for dead.
 */
import type { Cancel, Clock } from '../host/host.ts'

export interface TimerLimits {
  /** A timer that is so late means that the process stood still. */
  readonly pauseMs: number
  /** How long what has arrived meanwhile gets, before anything is overdue. */
  readonly graceMs: number
  /** A process that is always late must go on somehow. */
  readonly pausesInRowMax: number
}

const shortestMs = 0.01

export class RaftTimer {
  readonly #clock: Clock
  readonly #limits: TimerLimits
  readonly #run: () => void
  #cancel: Cancel = () => {}
  /** When the timer should run, by the clock; null when none is set. */
  #dueMs: number | null = null
  #setForMs = Number.POSITIVE_INFINITY
  /** Time that did not count. */
  #pausedMs = 0
  #pausesInRow = 0

  constructor(clock: Clock, limits: TimerLimits, run: () => void) {
    this.#clock = clock
    this.#limits = limits
    this.#run = run
  }

  /** Monotonic milliseconds without the pauses. */
  now(): number {
    const nowMs = this.#clock.monotonic()
    if (this.#dueMs !== null) {
      const lateMs = nowMs - this.#dueMs
      if (lateMs > this.#limits.pauseMs && this.#pausesInRow < this.#limits.pausesInRowMax) {
        this.#pausesInRow++
        this.#pausedMs += lateMs + this.#limits.graceMs
        const setForMs = this.#setForMs
        this.clear()
        this.set(setForMs)
      }
    }
    return nowMs - this.#pausedMs
  }

  /** In milliseconds of `now`; infinite for never. */
  set(atMs: number): void {
    if (atMs === this.#setForMs) return
    this.clear()
    if (atMs === Number.POSITIVE_INFINITY) return
    const nowMs = this.#clock.monotonic()
    this.#setForMs = atMs
    this.#dueMs = Math.max(nowMs, atMs + this.#pausedMs)
    // Sums are rounded: what `now` does not call due yet must not be due at once, again and again.
    const delayMs = this.#dueMs - nowMs
    const isDue = nowMs - this.#pausedMs >= atMs
    this.#cancel = this.#clock.after(isDue ? delayMs : Math.max(delayMs, shortestMs), () => this.#fired())
  }

  clear(): void {
    this.#cancel()
    this.#cancel = () => {}
    this.#dueMs = null
    this.#setForMs = Number.POSITIVE_INFINITY
  }

  #fired(): void {
    const lateMs = this.#clock.monotonic() - (this.#dueMs ?? 0)
    if (lateMs > this.#limits.pauseMs && this.#pausesInRow < this.#limits.pausesInRowMax) {
      this.now()
      return
    }
    this.#pausesInRow = 0
    // What the network has already brought comes first.
    let cancelled = false
    this.#cancel = () => {
      cancelled = true
    }
    this.#clock.soon(() => {
      if (cancelled) return
      this.clear()
      this.#run()
    })
  }
}
