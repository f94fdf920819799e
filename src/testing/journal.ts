/** What clients asked and what they were told, in the order in which it came. */
import type { Clock } from '../host/host.ts'
import type { ApiName } from './bodies.ts'
import type { Entry, Exchange } from './exchange.ts'
import { type Apis, Filter, type Where } from './where.ts'

export interface JournalLimits {
  /** The oldest requests are let go when there are more. */
  readonly requestsMax: number
  /** And when all together are larger. */
  readonly bytesMax: number
}

export const journalLimits: JournalLimits = { requestsMax: 10_000, bytesMax: 64 << 20 }

/** How long waiting takes before it fails, milliseconds of real time. */
export const waitTimeoutMs = 5000

export interface WaitOptions {
  /** Default 5000; real time, whatever the broker's clock does. */
  readonly timeoutMs?: number
}

interface Waiting {
  readonly filter: { matches(entry: Entry): boolean }
  readonly found: (entry: Entry) => void
}

export class Journal implements Iterable<Exchange> {
  readonly #limits: JournalLimits
  readonly #realClock: Clock
  #entries: Entry[] = []
  /** Those before it are let go. */
  #first = 0
  #bytes = 0
  #dropped = 0
  /** The number of the last that was let go. */
  #lastGone = 0
  readonly #waiting = new Set<Waiting>()

  constructor(realClock: Clock, limits: Partial<JournalLimits> = {}) {
    this.#realClock = realClock
    this.#limits = { ...journalLimits, ...limits }
  }

  /** How many requests it holds. */
  get length(): number {
    return this.#entries.length - this.#first
  }

  /** How many it has let go to stay within its limits, since it was last cleared. */
  get dropped(): number {
    return this.#dropped
  }

  *[Symbol.iterator](): Iterator<Exchange> {
    for (let at = this.#first; at < this.#entries.length; at++) yield this.#entries[at]
  }

  /** The requests that match, oldest first. */
  requests<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}): Exchange<N>[] {
    const filter = new Filter(apis, where)
    return this.#held().filter(entry => filter.matches(entry))
  }

  /** The last request that matches; undefined when none did. */
  last<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}): Exchange<N> | undefined {
    return this.requests(apis, where).at(-1)
  }

  /** How many requests match. */
  count<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}): number {
    return this.requests(apis, where).length
  }

  /** The first request that matches, once it has its answer: one that has come already, or the next. */
  waitFor<const N extends ApiName>(
    apis: Apis<N>,
    where: Where<N> = {},
    options: WaitOptions = {},
  ): Promise<Exchange<N>> {
    const filter = new Filter(apis, where)
    const found = this.#held().find(entry => filter.matches(entry))
    return this.#wait(apis, filter, options, found)
  }

  /** The next request that matches, once it has its answer; those that have come already do not count. */
  next<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}, options: WaitOptions = {}): Promise<Exchange<N>> {
    return this.#wait(apis, new Filter(apis, where), options)
  }

  /** Forgets what it holds. */
  clear(): void {
    this.#lastGone = this.#entries.at(-1)?.number ?? this.#lastGone
    this.#entries = []
    this.#first = 0
    this.#bytes = 0
    this.#dropped = 0
  }

  /** The double: a request has come. */
  add(entry: Entry): void {
    this.#entries.push(entry)
    this.#count(entry.bytes)
    for (const waiting of [...this.#waiting]) {
      if (waiting.filter.matches(entry)) waiting.found(entry)
    }
  }

  /** The double: an entry holds more, now that its answer is there. */
  grown(entry: Entry, bytes: number): void {
    if (entry.number > this.#lastGone) this.#count(bytes)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    const { requestsMax, bytesMax } = this.#limits
    while (this.length > requestsMax || (this.#bytes > bytesMax && this.length > 1)) {
      const { bytes: gone, number } = this.#entries[this.#first]
      this.#bytes -= gone
      this.#lastGone = number
      this.#first += 1
      this.#dropped += 1
    }
    if (this.#first > requestsMax) {
      this.#entries = this.#held()
      this.#first = 0
    }
  }

  #held(): Entry[] {
    return this.#entries.slice(this.#first)
  }

  #wait<N extends ApiName>(
    apis: Apis<N>,
    filter: Filter<N>,
    { timeoutMs = waitTimeoutMs }: WaitOptions,
    before?: Entry,
  ): Promise<Exchange<N>> {
    return new Promise((resolve, reject) => {
      let came = false
      const found = (entry: Entry) => {
        if (!filter.matches(entry)) return
        came = true
        this.#waiting.delete(waiting)
        entry.finished.then(() => {
          cancel()
          resolve(entry)
        })
      }
      const waiting = { filter, found }
      const cancel = this.#realClock.after(timeoutMs, () => {
        this.#waiting.delete(waiting)
        const what = came ? 'came, but was not answered' : 'came'
        reject(new Error(`no request of ${shown(apis)} that matches ${what} within ${timeoutMs} ms; ${this.#lately()}`))
      })
      if (before) found(before)
      else this.#waiting.add(waiting)
    })
  }

  /** What a test that waited in vain wants to know. */
  #lately(): string {
    const last = this.#held().slice(-10)
    return last.length === 0 ? 'there was none at all' : `the last were:\n  ${last.join('\n  ')}`
  }
}

export function shown(apis: Apis<ApiName>): string {
  if (apis === '*') return 'any API'
  return typeof apis === 'string' ? apis : apis.join(', ')
}
