/**
 * The time of a test double: real time, which a test can move forward, stop and let go on. Sockets and the waits of a test
 * itself do not go by it.
 */
import type { Cancel, Clock } from '../host/host.ts'

interface Timer {
  readonly dueMs: number
  readonly run: () => void
  /** Of the real timer behind it; null while time is stopped. */
  cancel: Cancel | null
}

/**
 * A long way is gone in so many steps at most. What is due within one runs in its order at its end, and then what follows from
 * it gets its turns.
 */
const stepsMax = 250

/** Times are sums of fractions. */
const roundingMs = 0.001

export class TestClock implements Clock {
  readonly #real: Clock
  /** What follows a timer gets so many turns of the event loop before the next one runs. */
  readonly #turns: number
  readonly #timers = new Set<Timer>()
  /** What the clock is ahead of the real one. */
  #aheadMs = 0
  #wallAheadMs = 0
  /** Both real clocks when time was stopped; null while it goes on. */
  #stopped: { readonly monotonic: number; readonly now: number } | null = null
  #stopsAgain = false
  #advancing: Promise<void> = Promise.resolve()

  constructor(real: Clock, turns: number) {
    this.#real = real
    this.#turns = turns
  }

  /** Milliseconds since the epoch, whole ones. */
  now(): number {
    return Math.floor((this.#stopped?.now ?? this.#real.now()) + this.#wallAheadMs)
  }

  monotonic(): number {
    return (this.#stopped?.monotonic ?? this.#real.monotonic()) + this.#aheadMs
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer: Timer = { dueMs: this.monotonic() + Math.max(0, delayMs), run, cancel: null }
    this.#timers.add(timer)
    if (this.#stopped === null) this.#arm(timer)
    return () => this.#drop(timer)
  }

  soon(run: () => void): void {
    this.#real.soon(run)
  }

  /** Time goes on only by `advance`. */
  stop(): void {
    if (this.#stopped !== null) return
    this.#stopped = { monotonic: this.#real.monotonic(), now: this.#real.now() }
    for (const timer of this.#timers) {
      timer.cancel?.()
      timer.cancel = null
    }
  }

  /** Time goes on by itself again, from where it is. */
  start(): void {
    if (this.#stopped === null) return
    this.#aheadMs -= this.#real.monotonic() - this.#stopped.monotonic
    this.#wallAheadMs -= this.#real.now() - this.#stopped.now
    this.#stopped = null
    for (const timer of this.#timers) this.#arm(timer)
  }

  /** Whether time goes on only by `advance`. */
  get isStopped(): boolean {
    return this.#stopped !== null
  }

  /**
   * Moves time forward. Whatever becomes due on the way happens at its time and in its order, with what follows from it.
   * Resolves when the broker has come to rest again.
   */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time does not go back: ${ms}`)
    return this.#follow(() => this.#advance(ms, ms))
  }

  /** The double: what waits for time to pass has it, while the wall clock stays as it is. */
  hurry(ms: number): Promise<void> {
    return this.#follow(() => this.#advance(ms, 0))
  }

  #follow(step: () => Promise<void>): Promise<void> {
    this.#advancing = this.#advancing.then(step)
    return this.#advancing
  }

  /** Time goes on by itself during a step that needs it, even when it is stopped before and after. */
  async whileGoing<T>(step: () => Promise<T>): Promise<T> {
    if (!this.isStopped) return step()
    this.start()
    this.#stopsAgain = true
    try {
      return await step()
    } finally {
      if (this.#stopsAgain) this.stop()
    }
  }

  /** The wall clock shows real time again; what is due in some time is still due in that time. */
  reset(): void {
    this.start()
    this.#stopsAgain = false
    this.#wallAheadMs = 0
  }

  async #advance(ms: number, wallMs: number): Promise<void> {
    const wasStopped = this.isStopped
    this.stop()
    const fromMs = this.monotonic()
    const untilMs = fromMs + ms
    const fromWallMs = this.#wallAheadMs
    const moveTo = (monotonicMs: number) => {
      this.#aheadMs += Math.max(0, monotonicMs - this.monotonic())
      this.#wallAheadMs = fromWallMs + (ms === 0 ? 0 : (wallMs * (this.monotonic() - fromMs)) / ms)
    }
    for (;;) {
      const next = this.#next()
      if (next === null || next.dueMs > untilMs + roundingMs) break
      moveTo(Math.min(untilMs, Math.max(next.dueMs, this.monotonic() + ms / stepsMax)))
      for (let due = this.#next(); due !== null && due.dueMs <= this.monotonic() + roundingMs; due = this.#next()) {
        this.#timers.delete(due)
        due.run()
      }
      await this.#rest()
    }
    moveTo(untilMs)
    await this.#rest()
    if (!wasStopped) this.start()
  }

  #next(): Timer | null {
    let next: Timer | null = null
    for (const timer of this.#timers) if (next === null || timer.dueMs < next.dueMs) next = timer
    return next
  }

  async #rest(): Promise<void> {
    for (let turn = 0; turn < this.#turns; turn++) await new Promise<void>(resolve => this.#real.soon(resolve))
  }

  #arm(timer: Timer): void {
    timer.cancel = this.#real.after(Math.max(0, timer.dueMs - this.monotonic()), () => {
      this.#timers.delete(timer)
      timer.run()
    })
  }

  #drop(timer: Timer): void {
    timer.cancel?.()
    this.#timers.delete(timer)
  }
}
