/** What is counted of clients that are limited: found by user and client id, kept as long as it says anything. */
import { getOrCreate } from '../lib/get-or-create.ts'
import type { LimitOf } from './quota-limits.ts'

export interface ScopedOptions<T> {
  make(limit: number, nowMs: number): T
  /** As if it were new: need not be kept. */
  isForgettable(counted: T, nowMs: number): boolean
}

export interface ScopedEntry<T> {
  readonly limit: number
  readonly counted: T
}

/** With more clients or scopes than this those that are quiet are forgotten; then with twice what is left. */
const sweepAtLeast = 1000

export class Scoped<T> {
  readonly #options: ScopedOptions<T>
  /** By scope. */
  readonly #counted = new Map<string, T>()
  /** By user and client id; null for those without a limit. */
  readonly #known = new Map<string, Map<string, ScopedEntry<T> | null>>()
  #knownCount = 0
  #sweepAt = sweepAtLeast

  constructor(options: ScopedOptions<T>) {
    this.#options = options
  }

  /** Limits have changed: they are asked for again. */
  forgetLimits(): void {
    this.#known.clear()
    this.#knownCount = 0
  }

  /** Null for a client without a limit. */
  entryOf(user: string, clientId: string, nowMs: number, limitOf: () => LimitOf | null): ScopedEntry<T> | null {
    const known = this.#known.get(user)?.get(clientId)
    if (known !== undefined) return known
    if (this.#knownCount + this.#counted.size >= this.#sweepAt) this.#sweep(nowMs)
    const found = limitOf()
    const entry = found && {
      limit: found.limit,
      counted: getOrCreate(this.#counted, found.scope, () => this.#options.make(found.limit, nowMs)),
    }
    getOrCreate(this.#known, user, () => new Map<string, ScopedEntry<T> | null>()).set(clientId, entry)
    this.#knownCount += 1
    return entry
  }

  #sweep(nowMs: number): void {
    this.forgetLimits()
    for (const [scope, counted] of this.#counted) {
      if (this.#options.isForgettable(counted, nowMs)) this.#counted.delete(scope)
    }
    this.#sweepAt = Math.max(sweepAtLeast, this.#counted.size * 2)
  }
}
