/** A client of coordinators: finds them, and asks again what may go away by itself. */
import {
  type AnyApi,
  type DecodedResponseOf,
  Errors,
  findCoordinator,
  type RequestInputOf,
} from '../../../protocol/index.ts'
import type { Endpoint } from '../../../src/host/host.ts'
import { PeerError } from '../../../src/network/peers.ts'
import { Client } from './client.ts'

export type KeyType = 'group' | 'transaction'

/** What became of a request that was sent until it was answered for good, or given up. */
export interface Settled<T> {
  /** Of the last answer; null when there was none. */
  readonly errorCode: number | null
  readonly answer: T | null
  /** An attempt of it may have been carried out although it was not answered so. */
  readonly exposed: boolean
}

const coordinatorGone: ReadonlySet<number> = new Set([
  Errors.NOT_COORDINATOR,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
])

/** Refused, for now, before anything was done. */
const untouched: ReadonlySet<number> = new Set([
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.CONCURRENT_TRANSACTIONS,
  Errors.UNSTABLE_OFFSET_COMMIT,
])

const passing: ReadonlySet<number> = new Set([
  ...coordinatorGone,
  ...untouched,
  Errors.REQUEST_TIMED_OUT,
  Errors.NOT_ENOUGH_REPLICAS,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
])

const pauseMs = 40

export class CoordinatorClient extends Client {
  readonly #coordinators = new Map<string, Endpoint>()

  /** Null when nobody can tell now. */
  async coordinator(type: KeyType, key: string): Promise<Endpoint | null> {
    const known = this.#coordinators.get(`${type} ${key}`)
    if (known) return known
    try {
      const answer = await this.ask(
        this.anyone(),
        findCoordinator,
        { key, keyType: type === 'group' ? 0 : 1, coordinatorKeys: [key] },
        { minVersion: 4, lane: 'metadata' },
      )
      const [{ errorCode, host, port }] = answer.coordinators
      if (errorCode !== Errors.NONE) return null
      this.#coordinators.set(`${type} ${key}`, { host, port })
      return { host, port }
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return null
    }
  }

  /** Until there is an answer that waiting does not change, or the time is over. `errorsOf` finds the errors in an answer. */
  async insist<A extends AnyApi>(
    [type, key]: readonly [KeyType, string],
    api: A,
    body: () => RequestInputOf<A>,
    options: {
      readonly untilMs: number
      readonly lane: string
      readonly maxVersion?: number
      readonly minVersion?: number
      readonly errorsOf: (answer: DecodedResponseOf<A>) => readonly number[]
    },
  ): Promise<Settled<DecodedResponseOf<A>>> {
    const { untilMs, errorsOf, ...how } = options
    let exposed = false
    let errorCode: number | null = null
    let answer: DecodedResponseOf<A> | null = null
    while (this.host.clock.monotonic() < untilMs) {
      const to = await this.coordinator(type, key)
      if (to) {
        try {
          answer = await this.ask(to, api, body(), how)
          const errors = errorsOf(answer)
          errorCode =
            errors.find(code => code !== Errors.NONE && !passing.has(code)) ?? errors.find(code => code !== 0) ?? 0
          if (!passing.has(errorCode)) return { errorCode, answer, exposed }
          if (errors.some(code => coordinatorGone.has(code))) this.#coordinators.delete(`${type} ${key}`)
          if (!untouched.has(errorCode)) exposed = true
        } catch (error) {
          if (!(error instanceof PeerError)) throw error
          if (error.reason !== 'unreachable' && error.reason !== 'version') exposed = true
          this.#coordinators.delete(`${type} ${key}`)
        }
      }
      await this.sleep(pauseMs + this.host.random.below(pauseMs))
    }
    return { errorCode: null, answer, exposed }
  }
}
