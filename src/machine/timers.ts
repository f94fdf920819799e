/**
 * Named timers of one shard. A session that is renewed with every heartbeat only moves its deadline: the host's timer
 * stays armed, and looks at the deadline again when it fires.
 */
import type { Cancel, Clock } from '../host/host.ts'
import type { Timer } from './machine.ts'

interface Entry<Event> {
  event: Event
  /** Monotonic milliseconds. */
  deadlineMs: number
  /** When the host's timer fires. */
  armedMs: number
  cancel: Cancel
}

export class Timers<Event> {
  readonly #clock: Clock
  readonly #run: (name: string, event: Event) => void
  readonly #entries = new Map<string, Entry<Event>>()

  constructor(clock: Clock, run: (name: string, event: Event) => void) {
    this.#clock = clock
    this.#run = run
  }

  get size(): number {
    return this.#entries.size
  }

  set(name: string, timer: Timer<Event>): void {
    const deadlineMs = this.#clock.monotonic() + timer.delayMs
    const known = this.#entries.get(name)
    if (known && timer.isKept) return
    if (known && known.armedMs <= deadlineMs) {
      known.event = timer.event
      known.deadlineMs = deadlineMs
      return
    }
    known?.cancel()
    const entry: Entry<Event> = { event: timer.event, deadlineMs, armedMs: deadlineMs, cancel: () => {} }
    this.#entries.set(name, entry)
    this.#arm(name, entry, timer.delayMs)
  }

  cancel(name: string): void {
    this.#entries.get(name)?.cancel()
    this.#entries.delete(name)
  }

  clear(): void {
    for (const entry of this.#entries.values()) entry.cancel()
    this.#entries.clear()
  }

  #arm(name: string, entry: Entry<Event>, delayMs: number): void {
    entry.armedMs = this.#clock.monotonic() + delayMs
    entry.cancel = this.#clock.after(delayMs, () => {
      const remainingMs = entry.deadlineMs - this.#clock.monotonic()
      // A host timer may fire a fraction of a millisecond early.
      if (remainingMs >= 1) return this.#arm(name, entry, remainingMs)
      this.#entries.delete(name)
      this.#run(name, entry.event)
    })
  }
}
