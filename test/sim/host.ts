/** A simulated host: everything a broker meets comes from one seed, and time passes only when a test says so. */
import type { Host, Logger } from '../../src/host/host.ts'
import { SimClock } from './clock.ts'
import { SimDisk, type SimDiskOptions } from './disk.ts'
import { SimNetwork } from './network.ts'
import { SimRandom } from './random.ts'

export interface SimHost extends Host {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly disk: SimDisk
  readonly network: SimNetwork
  readonly log: SimLogger
}

export interface SimHostOptions {
  /** Several hosts share one clock. */
  readonly clock?: SimClock
  readonly network?: SimNetwork
  /** What an earlier host left behind. */
  readonly disk?: SimDisk
  /** Disk operations take simulated time; off, they end within the same event. On by default. */
  readonly slowDisk?: boolean
  readonly diskOptions?: Omit<SimDiskOptions, 'clock'>
}

export function simHost(seed: number, options: SimHostOptions = {}): SimHost {
  const random = new SimRandom(seed)
  const clock = options.clock ?? new SimClock()
  const diskSeed = random.below(2 ** 32)
  const diskClock = options.slowDisk === false ? undefined : clock
  return {
    clock,
    random,
    disk: options.disk ?? new SimDisk(diskSeed, { ...options.diskOptions, clock: diskClock }),
    network: options.network ?? SimNetwork.alone(clock, random.fork()),
    log: new SimLogger(),
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: object
}

/** Keeps what was logged, for tests of what people are told. */
export class SimLogger implements Logger {
  readonly lines: LogLine[]
  readonly #fields: object

  constructor(lines: LogLine[] = [], fields: object = {}) {
    this.lines = lines
    this.#fields = fields
  }

  debug(fields: object, message: string): void {
    this.#add('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#add('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#add('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#add('error', fields, message)
  }

  child(fields: object): Logger {
    return new SimLogger(this.lines, { ...this.#fields, ...fields })
  }

  /** Messages of this level or above it. */
  at(level: 'warn' | 'error'): string[] {
    return this.lines.filter(line => line.level === 'error' || line.level === level).map(line => line.message)
  }

  #add(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } })
  }
}
