/** Keeps what all compactions read and write together below a number of bytes a second. */
import type { Clock } from '../../host/host.ts'

/** So much may be ahead of the rate before somebody waits, milliseconds. */
const aheadMs = 100

/** No single pause is longer, so that whoever waits can be told to stop. */
const pauseMaxMs = 250

export class Throttle {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  /** When the bytes so far will have been due. */
  #paidUntilMs: number

  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#paidUntilMs = clock.monotonic()
  }

  /** Counts `bytes`. How long to pause now, milliseconds; to be asked again with 0 after the pause, until it answers 0. */
  pauseAfter(bytes: number): number {
    const rate = this.#bytesPerSecond()
    const nowMs = this.#clock.monotonic()
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs)
    if (rate > 0 && rate < Number.MAX_SAFE_INTEGER) this.#paidUntilMs += (bytes / rate) * 1000
    const ahead = this.#paidUntilMs - nowMs - aheadMs
    return ahead <= 0 ? 0 : Math.min(ahead, pauseMaxMs)
  }
}
