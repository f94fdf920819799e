/**
 * A rate over a window of samples, as Apache Kafka counts it: the window is always taken as almost full, so that a burst after
 * a quiet time counts as what it is over the whole of it.
 */
export interface RateWindow {
  /** How many samples make the window. */
  readonly samples: number
  readonly sampleMs: number
}

interface Sample {
  readonly startMs: number
  value: number
}

export class WindowedRate {
  readonly #window: RateWindow
  readonly #samples: Sample[] = []

  constructor(window: RateWindow) {
    this.#window = window
  }

  /** Negative takes back. */
  record(value: number, nowMs: number): void {
    const last = this.#samples.at(-1)
    if (last && nowMs - last.startMs < this.#window.sampleMs) last.value += value
    else this.#samples.push({ startMs: nowMs, value })
    this.#forget(nowMs)
  }

  /** What the rate is taken over now, milliseconds. */
  windowMs(nowMs: number): number {
    this.#forget(nowMs)
    const { samples, sampleMs } = this.#window
    const elapsedMs = nowMs - (this.#samples[0]?.startMs ?? nowMs)
    // At first there are fewer samples than the window has: the time before counts as quiet, but for the last of it.
    const missing = Math.max(samples - 1 - Math.floor(elapsedMs / sampleMs), 0)
    return Math.max(elapsedMs + missing * sampleMs, 1)
  }

  perSecond(nowMs: number): number {
    const windowMs = this.windowMs(nowMs)
    return (this.#samples.reduce((sum, { value }) => sum + value, 0) * 1000) / windowMs
  }

  /** Nothing was recorded within the window. */
  isIdle(nowMs: number): boolean {
    this.#forget(nowMs)
    return this.#samples.length === 0
  }

  #forget(nowMs: number): void {
    const { samples, sampleMs } = this.#window
    const oldestMs = nowMs - samples * sampleMs
    while (this.#samples.length > samples || (this.#samples.length > 0 && this.#samples[0].startMs <= oldestMs)) {
      this.#samples.shift()
    }
  }
}
