/**
 * Stands between the connections of a test double and the brokers behind them: writes the journal and lets hooks act. One
 * serves all brokers of a cluster.
 */
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { Clock } from '../host/host.ts'
import type { Answer } from '../network/connection.ts'
import { CloseConnection, type Peer } from '../network/peer.ts'
import type { ApiName } from './bodies.ts'
import { Entry } from './exchange.ts'
import { fail } from './failures.ts'
import { type AnyHook, type HookList, Rule } from './hooks.ts'
import { Journal, type JournalLimits } from './journal.ts'
import { type Body, isBody, whole } from './parts.ts'
import type { Seat, Watch } from './seat.ts'
import type { VersionCaps } from './version-caps.ts'
import { Visit } from './visit.ts'
import type { Apis, Where } from './where.ts'

export interface InterceptorOptions {
  readonly clock: Clock
  readonly realClock: Clock
  /** Whose connections are watched; what brokers say to each other is not. */
  readonly listener: string
  readonly journal?: Partial<JournalLimits>
}

export class Interceptor implements HookList {
  readonly journal: Journal
  readonly realClock: Clock
  readonly #clock: Clock
  readonly #listener: string
  readonly #hooks: AnyHook[] = []
  #requests = 0
  #caps: VersionCaps | null = null
  /** Requests that will never be answered, and those that wait: what ends them. */
  readonly #waiting = new Set<(error: Error) => void>()

  constructor({ clock, realClock, listener, journal }: InterceptorOptions) {
    this.#clock = clock
    this.realClock = realClock
    this.#listener = listener
    this.journal = new Journal(realClock, journal)
  }

  /** Serves as an older Kafka does; null: all that there is. Clients ask for versions when they connect. */
  emulate(caps: VersionCaps | null): void {
    this.#caps = caps
  }

  /** A rule for requests that match. */
  on<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}): Rule<N> {
    return new Rule(this, { apis, where, skip: 0, times: Number.POSITIVE_INFINITY, isAfter: false })
  }

  add(hook: AnyHook): void {
    this.#hooks.push(hook)
  }

  remove(hook: AnyHook): void {
    const at = this.#hooks.indexOf(hook)
    if (at >= 0) this.#hooks.splice(at, 1)
  }

  /** Stops every hook, and ends the connections of requests that wait or will never be answered. */
  stopAll(): void {
    for (const end of [...this.#waiting]) end(new CloseConnection('the test let go of it'))
    for (const hook of [...this.#hooks]) hook.stop()
  }

  readonly watch: Watch = (seat, frame, peer, turn) => {
    if (peer.listener.name !== this.#listener) return seat.pass(frame, peer, turn)
    const entry = this.#enter(seat, frame, peer)
    const isServed = this.#caps?.serves(entry.apiKey, entry.version) ?? true
    const hook = isServed && entry.table && this.#hooks.find(each => each.takes(entry))
    this.journal.add(entry)
    try {
      if (!isServed) return this.#answered(entry, this.#caps?.refuse(entry) ?? null)
      const visit = () => new Visit(seat, entry, frame, peer, turn)
      let answer: Answer | Promise<Answer>
      if (hook) answer = this.#under(hook, visit())
      else if (this.#caps && entry.apiKey === apiVersions.key) answer = this.#versions(this.#caps, visit())
      else answer = seat.pass(frame, peer, turn)
      if (!(answer instanceof Promise)) return this.#answered(entry, answer)
      return answer.then(
        chunks => this.#answered(entry, chunks),
        error => this.#failed(entry, error),
      )
    } catch (error) {
      return this.#failed(entry, error)
    }
  }

  #enter(seat: Seat, frame: Buffer, peer: Peer): Entry {
    this.#requests += 1
    const entry = new Entry({
      number: this.#requests,
      // The broker keeps record batches and writes offsets into them.
      frame: Buffer.from(frame),
      peer,
      broker: seat.broker,
      receivedMs: this.#clock.now(),
      nameOf: seat.nameOf,
    })
    if (entry.apiKey === fetch.key && this.#hooks.length > 0) entry.follows(seat.followedBy)
    return entry
  }

  #answered(entry: Entry, answer: Answer): Answer {
    const before = entry.bytes
    entry.answered(answer, this.#clock.now())
    this.journal.grown(entry, entry.bytes - before)
    return answer
  }

  #failed(entry: Entry, error: unknown): never {
    // A hook's own answer may be one that cannot be sent: the journal tells why.
    if (!(error instanceof CloseConnection)) entry.intervention = `${entry.intervention ?? 'broker'}: ${String(error)}`
    entry.leftWithout('disconnected', this.#clock.now())
    throw error
  }

  async #versions(caps: VersionCaps, visit: Visit): Promise<Answer> {
    const told = visit.decoded(await visit.pass())
    return told && visit.encoded(caps.capped(told))
  }

  async #under(hook: AnyHook, visit: Visit): Promise<Answer> {
    const { action, isAfter, filter } = hook
    const real = isAfter ? await visit.pass() : undefined
    hook.cameUp(visit.entry)
    switch (action.kind) {
      case 'drop':
        visit.entry.leftWithout('unanswered', this.#clock.now())
        return this.#until(() => {})
      case 'disconnect':
        throw new CloseConnection('the test disconnects')
      case 'delay':
        await this.#until(done => this.#clock.after(action.delayMs, () => done(null)))
        return real === undefined ? visit.pass() : real
      case 'hold':
        await this.#until(done => {
          hook.held().then(() => done(null))
        })
        return real === undefined ? visit.pass() : real
      case 'fail':
        return fail(visit, filter, action, real)
      case 'answer':
        return visit.encoded(sketched(visit, action.make(visit.entry, real === undefined ? null : visit.decoded(real))))
    }
  }

  /** Waits for `done`, or for the end. */
  #until(begin: (done: (answer: Answer) => void) => unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const end = (error: Error) => {
        this.#waiting.delete(end)
        reject(error)
      }
      this.#waiting.add(end)
      begin(answer => {
        this.#waiting.delete(end)
        resolve(answer)
      })
    })
  }
}

function sketched({ api, entry }: Visit, made: unknown): Body {
  if (!isBody(made)) throw new TypeError(`${entry.api} cannot be answered with ${String(made)}`)
  return whole(api.response.fields, entry.version, made)
}
