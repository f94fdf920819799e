/** A number that only grows, and those who wait for it: the one waiting primitive of the broker. */
import { assert } from './assert.ts'

export interface Waiter {
  /** Stop waiting; the callback will not run. */
  cancel(): void
}

interface Parked {
  readonly offset: number
  readonly run: (failure: Error | null) => void
}

export class Watermark {
  #value: number
  #parked: Parked[] = []
  #failure: Error | null = null

  constructor(value: number) {
    this.#value = value
  }

  get value(): number {
    return this.#value
  }

  /** Moves forward and runs those that waited for this value or less, in the order in which they came. */
  advance(value: number): void {
    assert(value >= this.#value, `watermark went back from ${this.#value} to ${value}`)
    if (value === this.#value) return
    this.#value = value
    if (this.#parked.length > 0) this.#release(null)
  }

  /** For truncation only: nobody may be waiting for what is cut off without being told. */
  reset(value: number): void {
    this.#value = value
  }

  /** Fails everyone who waits now; who comes later waits as before. */
  interrupt(failure: Error): void {
    if (this.#parked.length > 0) this.#release(failure)
  }

  /** Fails everyone who waits, and everyone who comes later. */
  fail(failure: Error): void {
    this.#failure = failure
    if (this.#parked.length > 0) this.#release(failure)
  }

  /**
   * Runs `run(null)` once the value is at least `offset` (at once when it is), or `run(failure)` when the watermark
   * failed. The callback must not throw.
   */
  reached(offset: number, run: (failure: Error | null) => void): Waiter {
    if (this.#failure || this.#value >= offset) {
      run(this.#failure)
      return { cancel() {} }
    }
    const parked: Parked = { offset, run }
    this.#parked.push(parked)
    return {
      cancel: () => {
        const at = this.#parked.indexOf(parked)
        if (at >= 0) this.#parked.splice(at, 1)
      },
    }
  }

  /** Resolves once the value is at least `offset`; rejects when the watermark failed. For those who need not stop waiting. */
  whenReached(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.reached(offset, failure => (failure ? reject(failure) : resolve()))
    })
  }

  #release(failure: Error | null): void {
    const ready: Parked[] = []
    const waiting: Parked[] = []
    for (const parked of this.#parked) (failure || parked.offset <= this.#value ? ready : waiting).push(parked)
    this.#parked = waiting
    for (const parked of ready) parked.run(failure)
  }
}
