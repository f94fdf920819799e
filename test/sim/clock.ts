/**
 * Time of a simulated host: a heap of (time, sequence, function). Nothing happens unless a test lets time pass, and
 * between two events all promises settle, so ordinary async code runs the same way each time.
 */
import type { Cancel, Clock } from '../../src/host/host.ts'

interface Event {
  readonly atMs: number
  readonly sequence: number
  run: (() => void) | null
}

/** Kept small and readable in traces: the first of January 2026. */
const epochMs = Date.UTC(2026, 0, 1)

export class SimClock implements Clock {
  #nowMs = 0
  #sequence = 0
  readonly #heap: Event[] = []
  #wallOffsetMs = epochMs

  now(): number {
    return Math.floor(this.#wallOffsetMs + this.#nowMs)
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Cancel {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run }
    this.#push(event)
    return () => {
      event.run = null
    }
  }

  soon(run: () => void): void {
    this.after(0, run)
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      this.after(delayMs, resolve)
    })
  }

  /** The wall clock jumps, monotonic time does not. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** Lets time pass: everything due within `byMs` happens, in order. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settle()
    while (this.#heap.length > 0 && this.#heap[0].atMs <= untilMs) await this.#step()
    this.#nowMs = untilMs
  }

  /**
   * Lets time pass until `work` is done, and answers what it gave. Throws when nothing is left that could happen, or
   * when `limitMs` pass without an end.
   */
  async run<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    work.then(done, done)
    const untilMs = this.#nowMs + limitMs
    await settle()
    while (!settled) {
      if (this.#heap.length === 0) throw new Error(`stuck at ${this.#nowMs} ms: nothing is left that could happen`)
      if (this.#heap[0].atMs > untilMs) throw new Error(`no end within ${limitMs} simulated ms`)
      await this.#step()
    }
    return work
  }

  async #step(): Promise<void> {
    const event = this.#pop()
    if (!event.run) return
    this.#nowMs = Math.max(this.#nowMs, event.atMs)
    event.run()
    await settle()
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (before(heap[parent], heap[at])) break
      swap(heap, parent, at)
      at = parent
    }
  }

  #pop(): Event {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()!
    if (heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && before(heap[child], heap[least])) least = child
      }
      if (least === at) return first
      swap(heap, least, at)
      at = least
    }
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}

function swap(heap: Event[], a: number, b: number): void {
  const event = heap[a]
  heap[a] = heap[b]
  heap[b] = event
}

/** Every promise that can settle without a new event has settled, with all that follows from it. */
export function settle(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
