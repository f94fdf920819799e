/**
 * How compaction shares the event loop: it works in slices of bounded time, lets everything else run after each, and
 * rests when the others turn out to have work.
 */
import type { Clock } from '../../host/host.ts'

export interface PacerLimits {
  /** Longest time without letting others run, milliseconds, as far as single steps allow. */
  readonly cleanerSliceMs: number
  /** Pause after a slice when the event loop is busy with others, milliseconds. */
  readonly cleanerRestMs: number
}

/** When others kept the event loop this long after a slice, it is busy, milliseconds. */
const busyMs = 0.5

export class Pacer {
  readonly #clock: Clock
  readonly #limits: PacerLimits
  #sliceStartMs: number
  #longestSliceMs = 0

  constructor(clock: Clock, limits: PacerLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#sliceStartMs = clock.monotonic()
  }

  /** The longest time that this kept the event loop, milliseconds. */
  get longestSliceMs(): number {
    return this.#longestSliceMs
  }

  /** Whether it is time for the others. */
  get isDue(): boolean {
    return this.#clock.monotonic() - this.#sliceStartMs >= this.#limits.cleanerSliceMs
  }

  /** Lets the others run. */
  async breathe(): Promise<void> {
    const fromMs = this.#endSlice()
    await new Promise<void>(resolve => this.#clock.soon(resolve))
    if (this.#clock.monotonic() - fromMs > busyMs) await this.rest(this.#limits.cleanerRestMs)
    this.#sliceStartMs = this.#clock.monotonic()
  }

  /** Waits for something that leaves the event loop to others. */
  async awaiting<T>(work: Promise<T>): Promise<T> {
    const fromMs = this.#endSlice()
    const usedMs = fromMs - this.#sliceStartMs
    try {
      return await work
    } finally {
      const nowMs = this.#clock.monotonic()
      // Waiting makes up for working, but what comes back at once does not begin a new slice.
      this.#sliceStartMs = nowMs - Math.max(0, usedMs - (nowMs - fromMs))
    }
  }

  rest(pauseMs: number): Promise<void> {
    return new Promise(resolve => {
      this.#clock.after(pauseMs, resolve)
    })
  }

  #endSlice(): number {
    const nowMs = this.#clock.monotonic()
    this.#longestSliceMs = Math.max(this.#longestSliceMs, nowMs - this.#sliceStartMs)
    return nowMs
  }
}
