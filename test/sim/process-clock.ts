/**
 * The clock of one process on a simulated machine: its own rate and wall time, and the gate through which everything
 * reaches the process. Paused, nothing of it runs, and all that came up meanwhile happens when it goes on: first the
 * timers, then the input and output, as in an event loop that was asleep. Dead, nothing of it ever runs again.
 */
import type { Cancel, Clock } from '../../src/host/host.ts'
import type { SimClock } from './clock.ts'

export interface ProcessClockOptions {
  /** How fast its time passes: 1.01 gains ten milliseconds a second. */
  readonly rate: number
  readonly wallSkewMs: number
  /** What its monotonic clock shows at the beginning of the world. */
  readonly monotonicStartMs: number
  /** Hears of everything that runs, for the hash of the trace. */
  readonly ran?: () => void
  /** What a callback throws ends the process in real life. */
  readonly crashed?: (error: unknown) => void
}

const timerMinMs = 0.001

interface Held {
  run: (() => void) | null
}

export class ProcessClock implements Clock {
  readonly #world: SimClock
  readonly #options: ProcessClockOptions
  #wallJumpMs = 0
  #alive = true
  #paused = false
  #timers: Held[] = []
  #input: Held[] = []
  constructor(world: SimClock, options: ProcessClockOptions) {
    this.#world = world
    this.#options = options
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  now(): number {
    return Math.floor(this.#world.now() + this.#options.wallSkewMs + this.#wallJumpMs)
  }

  monotonic(): number {
    return this.#options.monotonicStartMs + this.#world.monotonic() * this.#options.rate
  }

  after(delayMs: number, run: () => void): Cancel {
    const held: Held = { run }
    // No timer is so exact that time would not move until it ends.
    const worldMs = delayMs > 0 ? Math.max(delayMs / this.#options.rate, timerMinMs) : 0
    this.#world.after(worldMs, () => this.#enter(held, this.#timers))
    return () => {
      held.run = null
    }
  }

  soon(run: () => void): void {
    const held: Held = { run }
    this.#world.after(0, () => this.#enter(held, this.#input))
  }

  /** Something that happens outside reaches the process: now, or when it goes on. */
  enter(run: () => void): void {
    this.#enter({ run }, this.#input)
  }

  /** For disks: input and output take the time of the world. */
  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      this.#world.after(delayMs, () => this.enter(resolve))
    })
  }

  jump(byMs: number): void {
    this.#wallJumpMs += byMs
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const held = [...this.#timers, ...this.#input]
    this.#timers = []
    this.#input = []
    for (const one of held) this.#world.after(0, () => this.#enter(one, this.#input))
  }

  die(): void {
    this.#alive = false
    this.#timers = []
    this.#input = []
  }

  #enter(held: Held, kept: Held[]): void {
    if (!this.#alive || held.run === null) return
    if (this.#paused) {
      kept.push(held)
      return
    }
    const { run } = held
    held.run = null
    this.#options.ran?.()
    try {
      run()
    } catch (error) {
      if (!this.#options.crashed) throw error
      this.#options.crashed(error)
    }
  }
}
