/**
 * A simulated world: machines with disks, the network between them, and one heap of events, all from one seed. What runs
 * on the machines is real code on a simulated host.
 */
import { compressionReady } from '../../protocol/records/compression.ts'
import type { Host } from '../../src/host/host.ts'
import { SimClock } from './clock.ts'
import { SimDisk } from './disk.ts'
import { Fabric, type LinkOptions, type SimNetwork } from './network.ts'
import { ProcessClock } from './process-clock.ts'
import { SimRandom } from './random.ts'
import { Trace, TraceLogger } from './trace.ts'

export interface WorldOptions {
  readonly links?: Partial<LinkOptions>
  /** How far clocks may be off: a rate of 0.02 is two per cent either way. */
  readonly clockDrift?: number
  readonly wallSkewMaxMs?: number
  readonly print?: (line: string) => void
}

/** Something that must never be. The first one ends the run. */
export interface Violation {
  readonly what: string
  readonly atMs: number
}

export interface ProcessHost extends Host {
  readonly clock: ProcessClock
  readonly random: SimRandom
  readonly disk: SimDisk
  readonly network: SimNetwork
}

const stepMs = 10

export class World {
  readonly seed: number
  readonly clock = new SimClock()
  readonly random: SimRandom
  readonly fabric: Fabric
  readonly trace: Trace
  readonly options: WorldOptions
  readonly #machines = new Map<string, Machine>()
  violation: Violation | null = null

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed
    this.options = options
    this.random = new SimRandom(seed)
    this.trace = new Trace(this.clock, options.print)
    this.fabric = new Fabric(this.clock, this.random.fork(), options.links)
    this.fabric.arrived = bytes => this.trace.mix(bytes)
  }

  /** Runs `play` in a new world; what nobody caught anywhere is a violation. */
  static async play<T>(world: World, play: () => Promise<T>): Promise<T> {
    await compressionReady
    const unhandled = (error: unknown) => world.violate(`a rejection that nobody handled: ${stackOf(error)}`)
    process.on('unhandledRejection', unhandled)
    try {
      return await play()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  }

  machine(name: string): Machine {
    let machine = this.#machines.get(name)
    if (!machine) {
      machine = new Machine(this, name)
      this.#machines.set(name, machine)
    }
    return machine
  }

  /** Of all machines, in the order in which they were made. */
  get machineNames(): string[] {
    return [...this.#machines.keys()]
  }

  get nowMs(): number {
    return this.clock.monotonic()
  }

  violate(what: string): void {
    if (this.violation) return
    this.violation = { what, atMs: this.nowMs }
    this.trace.say('VIOLATION', what)
  }

  /** Lets time pass until `done`, a violation, or so long. `every` is called every few milliseconds. True if done. */
  async run(forMs: number, every: () => void = () => {}, done: () => boolean = () => false): Promise<boolean> {
    const untilMs = this.nowMs + forMs
    while (this.nowMs < untilMs && !this.violation) {
      if (done()) return true
      await this.clock.advance(Math.min(stepMs, untilMs - this.nowMs))
      every()
    }
    return done()
  }
}

/** A computer: a disk, and at most one process. */
export class Machine {
  readonly name: string
  readonly #world: World
  readonly #random: SimRandom
  #disk: SimDisk
  #host: ProcessHost | null = null
  #clockRate: number
  #wallSkewMs: number

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.#random = world.random.fork()
    this.#disk = new SimDisk(this.#random.below(2 ** 32))
    const { clockDrift = 0, wallSkewMaxMs = 0 } = world.options
    this.#clockRate = 1 + clockDrift * (this.#random.below(2001) / 1000 - 1)
    this.#wallSkewMs = wallSkewMaxMs === 0 ? 0 : this.#random.below(2 * wallSkewMaxMs) - wallSkewMaxMs
  }

  /** The host of the process that runs now. */
  get host(): ProcessHost | null {
    return this.#host
  }

  get isUp(): boolean {
    return this.#host !== null
  }

  get isPaused(): boolean {
    return this.#host?.clock.paused ?? false
  }

  /** Of the process that runs, or as the next one will find it. */
  get disk(): SimDisk {
    return this.#disk
  }

  /** A new process starts. */
  boot(): ProcessHost {
    if (this.#host) throw new Error(`${this.name} runs already`)
    const { clock: world, trace, fabric } = this.#world
    const number = this.#random.below(2 ** 16)
    const clock = new ProcessClock(world, {
      rate: this.#clockRate,
      wallSkewMs: this.#wallSkewMs,
      monotonicStartMs: this.#random.below(1_000_000),
      ran: () => trace.mix(number),
      crashed: error => this.#world.violate(`${this.name} ended with an exception: ${stackOf(error)}`),
    })
    const { capacityBytes, slowness, fault } = this.#disk
    this.#disk = Object.assign(this.#disk.reopened(clock), { capacityBytes, slowness, fault })
    const random = this.#random.fork()
    const log = new TraceLogger(trace, this.name)
    this.#host = { clock, random, disk: this.#disk, network: fabric.attach(this.name, clock), log }
    return this.#host
  }

  /** The process dies, the machine lives: what it had written is still there, and connections are ended. */
  kill(): void {
    this.#end(false)
  }

  /** The power fails: what was not synced is lost in part, and nobody is told. */
  cutPower(): void {
    this.#end(true)
    this.#disk = this.#disk.afterPowerLoss(this.#random.below(2 ** 32))
  }

  pause(): void {
    this.#host?.clock.pause()
  }

  resume(): void {
    this.#host?.clock.resume()
  }

  #end(power: boolean): void {
    this.#host?.clock.die()
    this.#host = null
    this.#disk.stop()
    this.#world.fabric.detach(this.name, power)
  }
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
