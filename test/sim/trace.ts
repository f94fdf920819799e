/** What happened in a simulated world: a hash of all of it, and readable lines of what matters. */
import type { Logger } from '../../src/host/host.ts'
import type { SimClock } from './clock.ts'

const linesMax = 20_000

export class Trace {
  readonly #clock: SimClock
  readonly #print: ((line: string) => void) | null
  #hash = 0x811c9dc5
  #lines: string[] = []
  #events = 0

  constructor(clock: SimClock, print: ((line: string) => void) | null = null) {
    this.#clock = clock
    this.#print = print
  }

  /** The same for two runs of a seed, or something is not deterministic. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  get events(): number {
    return this.#events
  }

  /** The last lines. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** An event without words. */
  mix(value: number): void {
    this.#events += 1
    const at = Math.floor(this.#clock.monotonic() * 1000)
    let hash = Math.imul(this.#hash ^ (at & 0xffffff), 0x01000193)
    hash = Math.imul(hash ^ value, 0x01000193)
    this.#hash = hash ^ (hash >>> 15)
  }

  say(who: string, what: string): void {
    for (let at = 0; at < what.length; at++) this.#hash = Math.imul(this.#hash ^ what.charCodeAt(at), 0x01000193)
    const line = `${this.#clock.monotonic().toFixed(1).padStart(9)} ${who.padEnd(10)} ${what}`
    this.#print?.(line)
    this.#lines.push(line)
    if (this.#lines.length > linesMax) this.#lines = this.#lines.slice(linesMax / 2)
  }
}

/** What a process logs, from `info` up, goes into the trace. */
export class TraceLogger implements Logger {
  readonly #trace: Trace
  readonly #who: string
  readonly #fields: object

  constructor(trace: Trace, who: string, fields: object = {}) {
    this.#trace = trace
    this.#who = who
    this.#fields = fields
  }

  debug(): void {}

  info(fields: object, message: string): void {
    this.#say('', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#say('! ', fields, message)
  }

  error(fields: object, message: string): void {
    this.#say('!! ', fields, message)
  }

  child(fields: object): Logger {
    return new TraceLogger(this.#trace, this.#who, { ...this.#fields, ...fields })
  }

  #say(mark: string, fields: object, message: string): void {
    const all = Object.entries({ ...this.#fields, ...fields })
    const shown = all.map(([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`)
    this.#trace.say(this.#who, `${mark}${message}${shown.length > 0 ? ` (${shown.join(' ')})` : ''}`)
  }
}
