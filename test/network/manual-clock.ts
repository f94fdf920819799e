import type { Cancel, Clock } from '../../src/host/host.ts'

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

/** Time stands still until a test moves it. `soon` runs in the next turn of the real event loop. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000
  readonly #timers = new Set<Timer>()

  now(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  soon(run: () => void): void {
    setImmediate(run)
  }

  /** Timers wait until `advance` comes to them. */
  get timers(): number {
    return this.#timers.size
  }

  /** Moves time, running each timer at its moment, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(timer => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#nowMs = due.atMs
      due.run()
    }
    this.#nowMs = untilMs
  }
}
