/** Until when an answer is waited for. */
import type { Clock } from '../host/host.ts'

export class Deadline {
  readonly #clock: Clock
  readonly #atMs: number
  readonly budgetMs: number

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock
    this.#atMs = clock.monotonic() + budgetMs
    this.budgetMs = budgetMs
  }

  get leftMs(): number {
    return Math.max(0, this.#atMs - this.#clock.monotonic())
  }

  get passed(): boolean {
    return this.leftMs === 0
  }

  /** Waits, but not beyond the deadline. */
  pause(delayMs: number): Promise<void> {
    return pause(this.#clock, Math.min(delayMs, this.leftMs))
  }
}

export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(delayMs, resolve)
  })
}
