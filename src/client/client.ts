/**
 * A client of any Kafka cluster: finds who is to be asked, asks, and asks again where that is safe, until the deadline.
 * Bootstrap addresses are only for the beginning, and for when all brokers that were told of are gone.
 */
import { Errors } from '../../protocol/errors.ts'
import { metadata } from '../../protocol/messages/03-metadata.ts'
import { findCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { Endpoint, Host } from '../host/host.ts'
import { PeerError, Peers } from '../network/peers.ts'
import { ClientError, refusal } from './client-error.ts'
import { type BrokerView, ClusterView, type MetadataAnswer } from './cluster-view.ts'
import { Deadline } from './deadline.ts'
import { clientLimits } from './limits.ts'
import { sinceKafka } from './since.ts'

export type Target =
  | 'any'
  | 'controller'
  | { readonly broker: number }
  | { readonly group: string }
  | { readonly transactionalId: string }

export interface ClientOptions {
  readonly bootstrap: readonly Endpoint[]
  /** For one operation, retries included. */
  readonly timeoutMs: number
  readonly clientId: string
  readonly softwareVersion?: string
}

export interface AskOptions<A extends AnyApi> {
  /** Codes in the answer that say whether it is worth asking again; only those that hold for the whole of it. */
  readonly codes?: (answer: DecodedResponseOf<A>) => readonly number[]
  /** Asking twice would do harm: after a lost connection it is not asked again. */
  readonly once?: boolean
  readonly minVersion?: number
  readonly maxVersion?: number
  readonly lane?: string
  readonly deadline?: Deadline
}

type ClientHost = Pick<Host, 'clock' | 'network' | 'random' | 'log'>

/** Codes after which somebody else is asked, or the same one a little later; nothing was done. */
const moving: ReadonlySet<number> = new Set([
  Errors.NOT_CONTROLLER,
  Errors.NOT_COORDINATOR,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.BROKER_NOT_AVAILABLE,
  Errors.CONCURRENT_TRANSACTIONS,
  Errors.UNSTABLE_OFFSET_COMMIT,
])

export class Client {
  readonly host: ClientHost
  readonly view = new ClusterView()
  readonly #options: ClientOptions
  readonly #peers: Peers
  readonly #coordinators = new Map<string, Endpoint>()
  /** Endpoints that did not answer last time; asked again when there is nobody else. */
  readonly #silent = new Set<string>()
  #turn = 0

  constructor(host: ClientHost, options: ClientOptions) {
    this.host = host
    this.#options = options
    const { clientId, softwareVersion } = options
    this.#peers = new Peers(host, { clientId, softwareVersion, legacyVersions: true, limits: clientLimits.peers })
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs
  }

  get bootstrap(): readonly Endpoint[] {
    return this.#options.bootstrap
  }

  deadline(budgetMs = this.#options.timeoutMs): Deadline {
    return new Deadline(this.host.clock, budgetMs)
  }

  close(): Promise<void> {
    return this.#peers.close()
  }

  /**
   * Asks until there is an answer that is worth having. An answer whose codes say "not here, not now" to the very end is
   * returned as it is. Throws ClientError.
   */
  async ask<A extends AnyApi>(
    target: Target,
    api: A,
    body: RequestInputOf<A>,
    options: AskOptions<A> = {},
  ): Promise<DecodedResponseOf<A>> {
    const deadline = options.deadline ?? this.deadline()
    let answer: DecodedResponseOf<A> | null = null
    let problem: unknown = null
    for (let attempt = 0; ; attempt++) {
      const to = await this.#endpoint(target, deadline)
      try {
        answer = await this.#once(to, api, body, deadline, options)
        const codes = options.codes?.(answer) ?? []
        if (codes.length === 0 || !codes.every(code => moving.has(code))) return answer
      } catch (error) {
        this.#judge(error, to, api, deadline, options.once ?? false)
        problem = error
      }
      if (deadline.passed) return this.#gaveUp(api, to, answer, problem)
      this.#forget(target)
      await deadline.pause(backoffMs(attempt))
      if (target !== 'any') await this.refresh([], deadline)
    }
  }

  /** Brings the view up to date: brokers, and these topics. Returns the answer. */
  async refresh(topics: readonly string[] | 'all', deadline = this.deadline()): Promise<MetadataAnswer> {
    const asked = topics === 'all' ? null : topics.map(name => ({ name, topicId: zeroUuid }))
    const answer = await this.ask(
      'any',
      metadata,
      { topics: asked, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false },
      { deadline, minVersion: asked?.length === 0 ? 1 : 0, codes: ({ errorCode }) => [errorCode] },
    )
    this.view.learn(answer)
    return answer
  }

  /** The broker of an id, from what is known or by asking. Throws ClientError. */
  async broker(id: number, deadline = this.deadline()): Promise<BrokerView> {
    const known = this.view.brokers.get(id)
    if (known) return known
    await this.refresh([], deadline)
    const found = this.view.brokers.get(id)
    if (found) return found
    const ids = [...this.view.brokers.keys()].sort((a, b) => a - b).join(', ')
    throw new ClientError('not-found', `there is no broker ${id} that is up`, { hints: [`brokers now: ${ids}`] })
  }

  /** One attempt. Throws PeerError as it comes. */
  #once<A extends AnyApi>(
    to: Endpoint,
    api: A,
    body: RequestInputOf<A>,
    deadline: Deadline,
    { lane = 'client', minVersion, maxVersion }: AskOptions<A>,
  ): Promise<DecodedResponseOf<A>> {
    return this.#peers
      .request(to, api, body, { lane, timeoutMs: Math.max(1, deadline.leftMs), minVersion, maxVersion })
      .then(answer => {
        this.#silent.delete(shownEndpoint(to))
        return answer
      })
  }

  /** One attempt only: for those who find out anew whom to ask. Throws ClientError. */
  async askOnce<A extends AnyApi>(
    target: Target,
    api: A,
    body: RequestInputOf<A>,
    options: AskOptions<A> = {},
  ): Promise<DecodedResponseOf<A>> {
    const deadline = options.deadline ?? this.deadline()
    const to = await this.#endpoint(target, deadline)
    try {
      return await this.#once(to, api, body, deadline, options)
    } catch (error) {
      throw this.#failedOnce(error, to, api, deadline)
    }
  }

  /** Hands a request over without waiting for an answer: produce with acks=0 has none. Throws ClientError. */
  async tell<A extends AnyApi>(
    target: Target,
    api: A,
    body: RequestInputOf<A>,
    options: AskOptions<A> = {},
  ): Promise<void> {
    const deadline = options.deadline ?? this.deadline()
    const to = await this.#endpoint(target, deadline)
    const { lane = 'client', minVersion, maxVersion } = options
    try {
      await this.#peers.tell(to, api, body, { lane, timeoutMs: Math.max(1, deadline.leftMs), minVersion, maxVersion })
    } catch (error) {
      throw this.#failedOnce(error, to, api, deadline)
    }
  }

  #failedOnce(error: unknown, to: Endpoint, api: AnyApi, deadline: Deadline): Error {
    try {
      this.#judge(error, to, api, deadline, false)
    } catch (judged) {
      return judged as Error
    }
    const failure = error instanceof PeerError && error.reason === 'unreachable' ? 'connection' : 'timeout'
    return new ClientError(failure, `${api.name}: ${(error as Error).message}`)
  }

  /** Returns when asking again makes sense; throws ClientError otherwise. */
  #judge(error: unknown, to: Endpoint, api: AnyApi, deadline: Deadline, once: boolean): void {
    if (error instanceof RangeError) throw new ClientError('invalid', `${api.name}: ${error.message}`)
    if (!(error instanceof PeerError)) throw error
    const shown = shownEndpoint(to)
    switch (error.reason) {
      case 'version':
        throw new ClientError('unsupported', `${shown} does not support ${api.name} in a version that this needs`, {
          hints: api.name in sinceKafka ? [`Apache Kafka has ${api.name} since ${sinceKafka[api.name]}.`] : [],
        })
      case 'unreachable':
        this.#silent.add(shown)
        if (deadline.passed || (isFinal(error) && this.#nobodyEver())) throw this.#unreachable(error)
        return
      case 'closed':
      case 'timeout':
        this.#silent.add(shown)
        if (once)
          throw new ClientError('timeout', `${api.name} was sent, but there was no answer (${error.message})`, {
            hints: ['It may or may not have been done: look before you try again.'],
          })
        return
    }
  }

  /** Nobody has ever answered, and there is no other address to try. */
  #nobodyEver(): boolean {
    return this.view.brokers.size === 0 && this.bootstrap.every(each => this.#silent.has(shownEndpoint(each)))
  }

  #unreachable(error: PeerError): ClientError {
    const told = [...this.view.brokers.values()].map(shownEndpoint)
    if (told.length > 0) {
      return new ClientError('connection', `cannot reach a broker that the cluster tells of (${error.message})`, {
        hints: [
          `The cluster advertises ${told.join(', ')}: are they up, and are these addresses right, seen from here? See advertised.listeners of the brokers.`,
        ],
      })
    }
    const tried = this.bootstrap.map(shownEndpoint).join(', ')
    return new ClientError('connection', `cannot connect to ${tried}: ${reasonOf(error)}`, {
      hints: [
        error.refused
          ? 'Is a broker running there? `ottla start` or `ottla dev` runs one; --bootstrap or OTTLA_BOOTSTRAP names another address.'
          : 'Is the address right, and can it be reached from here? --bootstrap or OTTLA_BOOTSTRAP names another.',
      ],
    })
  }

  #gaveUp<A extends AnyApi>(
    api: A,
    to: Endpoint,
    answer: DecodedResponseOf<A> | null,
    problem: unknown,
  ): DecodedResponseOf<A> {
    if (answer !== null) return answer
    if (problem instanceof PeerError && this.view.brokers.size === 0) throw this.#unreachable(problem)
    throw new ClientError('timeout', `no answer to ${api.name} from ${shownEndpoint(to)} within ${this.timeoutMs} ms`, {
      hints: ['A larger --timeout gives it more time.'],
    })
  }

  /** What was known of who is to be asked may be out of date. */
  #forget(target: Target): void {
    if (typeof target !== 'string' && !('broker' in target)) this.#coordinators.delete(coordinatorName(target))
  }

  async #endpoint(target: Target, deadline: Deadline): Promise<Endpoint> {
    if (target === 'any') return this.#anybody()
    if (target === 'controller') {
      if (this.view.brokers.size === 0) await this.refresh([], deadline)
      return this.view.brokers.get(this.view.controllerId) ?? this.#anybody()
    }
    if ('broker' in target) return this.broker(target.broker, deadline)
    return this.#coordinator(target, deadline)
  }

  /** Somebody who answered last time, in turns; bootstrap addresses while nobody else is known. */
  #anybody(): Endpoint {
    const known = [...this.view.brokers.values()]
    const all: Endpoint[] = known.length > 0 ? known : [...this.bootstrap]
    let candidates = all.filter(each => !this.#silent.has(shownEndpoint(each)))
    if (candidates.length === 0) candidates = known.length > 0 ? [...this.bootstrap, ...known] : all
    return candidates[this.#turn++ % candidates.length]
  }

  async #coordinator(target: CoordinatorTarget, deadline: Deadline): Promise<Endpoint> {
    const name = coordinatorName(target)
    const known = this.#coordinators.get(name)
    if (known) return known
    const [keyType, key] = 'group' in target ? [0, target.group] : [1, target.transactionalId]
    const answer = await this.ask(
      'any',
      findCoordinator,
      { key, keyType, coordinatorKeys: [key] },
      {
        deadline,
        codes: ({ errorCode, coordinators }) =>
          coordinators.length > 0 ? coordinators.map(each => each.errorCode) : [errorCode],
      },
    )
    const [found = answer] = answer.coordinators
    if (found.errorCode !== Errors.NONE) {
      throw refusal(
        `coordinator of ${'group' in target ? 'group' : 'transactional id'} ${key}`,
        found.errorCode,
        found.errorMessage,
      )
    }
    this.#coordinators.set(name, { host: found.host, port: found.port })
    return found
  }
}

type CoordinatorTarget = Exclude<Target, string | { readonly broker: number }>

function coordinatorName(target: CoordinatorTarget): string {
  return 'group' in target ? `group ${target.group}` : `transaction ${target.transactionalId}`
}

export function shownEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** A growing pause between attempts. */
export function backoffMs(attempt: number): number {
  return Math.min(clientLimits.backoffMaxMs, clientLimits.backoffMs * 2 ** Math.min(attempt, 10))
}

/** Another attempt would find the same: nobody listens there, or the name means nothing. */
function isFinal({ refused, message }: PeerError): boolean {
  return refused || /ENOTFOUND|EAI_AGAIN/.test(message)
}

/** Without the address, which is said anyway. */
function reasonOf({ message }: PeerError): string {
  const at = message.indexOf(': ')
  return at < 0 ? message : message.slice(at + 2)
}
