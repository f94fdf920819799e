/**
 * What a test has decided to do to requests. A rule says which and how often; its last word says what, and makes a hook of it.
 * Of several hooks that match a request the oldest acts, and the others do not count it: two that fail once each make two
 * requests fail, one after the other.
 */
import { type ErrorName, Errors } from '../../protocol/errors.ts'
import type { Clock } from '../host/host.ts'
import type { ApiName, NewResponse, ResponseBody } from './bodies.ts'
import type { Entry, Exchange } from './exchange.ts'
import { shown, type WaitOptions, waitTimeoutMs } from './journal.ts'
import { type Apis, Filter, type Where } from './where.ts'

export type Action =
  | { readonly kind: 'fail'; readonly error: ErrorName; readonly message: string | null }
  | { readonly kind: 'answer'; readonly make: (entry: Entry, real: ResponseBody | null) => unknown }
  | { readonly kind: 'drop' }
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'hold' }

/** How a hook came to be, and when it acts. */
interface Plan<N extends ApiName> {
  readonly apis: Apis<N>
  readonly where: Where<N>
  readonly skip: number
  readonly times: number
  readonly isAfter: boolean
}

/** Where hooks are, in the order in which they act. */
export interface HookList {
  readonly realClock: Clock
  add(hook: AnyHook): void
  remove(hook: AnyHook): void
}

export interface FailOptions {
  /** What the error message of the answer says, where its version has one. */
  readonly message?: string
}

/** Which requests, how often and when; nothing happens before one of `fail`, `answer`, `drop`, `disconnect`, `delay`, `hold`. */
export class Rule<N extends ApiName, Real extends ResponseBody<N> | null = null> {
  readonly #list: HookList
  readonly #plan: Plan<N>

  constructor(list: HookList, plan: Plan<N>) {
    this.#list = list
    this.#plan = plan
  }

  /** Only the first request that matches. */
  once(): Rule<N, Real> {
    return this.times(1)
  }

  /** Only so many requests that match; without it every one, until the hook is stopped. */
  times(times: number): Rule<N, Real> {
    return new Rule(this.#list, { ...this.#plan, times })
  }

  /** Leaves so many requests that match alone first. */
  skip(requests: number): Rule<N, Real> {
    return new Rule(this.#list, { ...this.#plan, skip: requests })
  }

  /** The broker serves the request, and the hook acts on its answer: the records are written, but the client is told otherwise. */
  afterActing(): Rule<N, ResponseBody<N>> {
    return new Rule(this.#list, { ...this.#plan, isAfter: true })
  }

  /**
   * Answers with this error, where an answer of the request's version has its place: at partitions, at topics, or as a whole.
   * With `topic` or `partition` in the rule only those fail, and the broker serves the rest of the request.
   */
  fail(error: ErrorName, { message }: FailOptions = {}): Hook<N> {
    if (Errors[error] === undefined) throw new TypeError(`Kafka has no error ${error}`)
    return this.#hook({ kind: 'fail', error, message: message ?? null })
  }

  /** Answers with this; a function makes it of the request and, after acting, of the broker's own answer. */
  answer(body: NewResponse<N> | ((exchange: Exchange<N>, real: Real) => NewResponse<N>)): Hook<N> {
    const filter = new Filter(this.#plan.apis, {})
    const make = (entry: Entry, real: ResponseBody | null): unknown => {
      if (typeof body !== 'function') return body
      return filter.matches(entry) && isReal<Real>(real) ? body(entry, real) : undefined
    }
    return this.#hook({ kind: 'answer', make })
  }

  /**
   * No answer, ever. Since answers come in order, nothing behind it on its connection is answered either, as when a network
   * swallows everything; the client gives up on the connection.
   */
  drop(): Hook<N> {
    return this.#hook({ kind: 'drop' })
  }

  /** Closes the connection instead of answering. */
  disconnect(): Hook<N> {
    return this.#hook({ kind: 'disconnect' })
  }

  /** Waits so long by the broker's clock. What is behind it on its connection waits with it. */
  delay(delayMs: number): Hook<N> {
    return this.#hook({ kind: 'delay', delayMs })
  }

  /** Waits until the test says `release()`. */
  hold(): Hook<N> {
    return this.#hook({ kind: 'hold' })
  }

  #hook(action: Action): Hook<N> {
    const hook = new Hook<N>(this.#list, this.#plan, action)
    this.#list.add(hook)
    return hook
  }
}

/** Which of the two a rule speaks of was settled by `afterActing`. */
function isReal<Real extends ResponseBody | null>(_response: ResponseBody | null): _response is Real {
  return true
}

export type AnyHook = Pick<Hook<ApiName>, 'action' | 'isAfter' | 'takes' | 'filter' | 'held' | 'stop' | 'cameUp'>

export class Hook<N extends ApiName = ApiName> implements Disposable {
  readonly #list: HookList
  readonly #plan: Plan<N>
  readonly filter: Filter<N>
  readonly action: Action
  readonly #hits: Exchange<N>[] = []
  #left: number
  #skips: number
  #isActive = true
  readonly #held = new Set<() => void>()
  readonly #whenHit = new Set<() => void>()

  constructor(list: HookList, plan: Plan<N>, action: Action) {
    this.#list = list
    this.#plan = plan
    this.action = action
    this.filter = new Filter(plan.apis, plan.where)
    this.#left = plan.times
    this.#skips = plan.skip
  }

  get isAfter(): boolean {
    return this.#plan.isAfter
  }

  /** Whether it will act on further requests. */
  get isActive(): boolean {
    return this.#isActive
  }

  /** The requests that it has acted on, or is acting on. */
  get hits(): readonly Exchange<N>[] {
    return this.#hits
  }

  /** Resolves with the request when the hook has acted on the first, or on that of a number. A held one counts at once. */
  async whenHit(number = 1, { timeoutMs = waitTimeoutMs }: WaitOptions = {}): Promise<Exchange<N>> {
    if (this.#hits.length < number) {
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          if (this.#hits.length < number) return
          cancel()
          this.#whenHit.delete(look)
          resolve()
        }
        const cancel = this.#list.realClock.after(timeoutMs, () => {
          this.#whenHit.delete(look)
          reject(new Error(`${this} was hit ${this.#hits.length} times within ${timeoutMs} ms, not ${number}`))
        })
        this.#whenHit.add(look)
      })
    }
    return this.#hits[number - 1]
  }

  /** Lets the requests go that it holds now. */
  release(): void {
    for (const run of [...this.#held]) run()
  }

  /** Leaves further requests alone, and lets go of those that it holds. */
  stop(): void {
    this.#isActive = false
    this.#list.remove(this)
    this.release()
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  toString(): string {
    const { apis, isAfter } = this.#plan
    return `hook on ${shown(apis)}: ${isAfter ? 'after acting ' : ''}${describe(this.action)}`
  }

  /** The double: whether it acts on a request; if so it counts. */
  takes(entry: Entry): boolean {
    if (!this.#isActive || !this.filter.matches(entry)) return false
    if (this.#skips > 0) {
      this.#skips -= 1
      return false
    }
    this.#left -= 1
    if (this.#left <= 0) {
      this.#isActive = false
      this.#list.remove(this)
    }
    return true
  }

  /** The double: its moment has come. */
  cameUp(entry: Entry): void {
    if (!new Filter<N>(this.#plan.apis, {}).matches(entry)) return
    entry.intervention = `${this.isAfter ? 'after acting ' : ''}${describe(this.action)}`
    this.#hits.push(entry)
    for (const look of [...this.#whenHit]) look()
  }

  /** The double: resolves when the request may go on. */
  held(): Promise<void> {
    return new Promise(resolve => {
      const run = () => {
        this.#held.delete(run)
        resolve()
      }
      this.#held.add(run)
    })
  }
}

function describe(action: Action): string {
  switch (action.kind) {
    case 'fail':
      return `fail ${action.error}`
    case 'delay':
      return `delay ${action.delayMs} ms`
    default:
      return action.kind
  }
}
