/** Asking the brokers of a double without a socket: nothing of it is in the journal, and no hook is in its way. */
import { Errors, errorName, isRetriable } from '../../protocol/errors.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import { loopback } from '../api/loopback.ts'
import type { Broker } from '../broker.ts'
import type { Clock } from '../host/host.ts'
import type { MetadataState } from '../metadata/state.ts'

/** The brokers that are running. */
export interface Inside {
  /** Throws Error when none is running. */
  anyone(): Broker
  /** Throws Error when it is not running. */
  broker(id: number): Broker
}

/** How long a test waits until brokers agree on who leads, milliseconds of real time. */
const attemptsMs = 10_000
const attemptPauseMs = 10

class LeaderlessError extends Error {}

export class Insider {
  readonly #inside: Inside
  readonly #realClock: Clock

  constructor(inside: Inside, realClock: Clock) {
    this.#inside = inside
    this.#realClock = realClock
  }

  get metadata(): MetadataState {
    return this.#inside.anyone().rooms.metadata
  }

  /** Tries again while leaders and coordinators move. Throws what the last attempt threw. */
  async settled<T>(attempt: () => Promise<T>): Promise<T> {
    const untilMs = this.#realClock.monotonic() + attemptsMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        const passes = error instanceof RefusedError ? isRetriable(error.code) : error instanceof LeaderlessError
        if (!passes || this.#realClock.monotonic() > untilMs) throw error
        await new Promise<void>(resolve => this.#realClock.after(attemptPauseMs, resolve))
      }
    }
  }

  /** Asks any broker. */
  ask<A extends AnyApi>(api: A, body: RequestInputOf<A>, maxVersion?: number): Promise<DecodedResponseOf<A>> {
    return loopback(this.#inside.anyone().dispatcher, 'broker', api, body, maxVersion)
  }

  /** Asks the leader of a partition. Throws Error where there is none. */
  askLeader<A extends AnyApi>(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    api: A,
    body: RequestInputOf<A>,
    maxVersion?: number,
  ): Promise<DecodedResponseOf<A>> {
    const leader = this.metadata.partition(topic, partition)?.leader ?? -1
    if (leader < 0) throw new LeaderlessError(`nobody leads ${topic}-${partition}`)
    return loopback(this.#inside.broker(leader).dispatcher, 'broker', api, body, maxVersion)
  }

  /** Asks the coordinator of a group. */
  async askCoordinator<A extends AnyApi>(
    group: string,
    api: A,
    body: RequestInputOf<A>,
    maxVersion?: number,
  ): Promise<DecodedResponseOf<A>> {
    const { coordinators } = this.#inside.anyone().rooms
    check(await coordinators.ensureOffsetsTopic(), 'the topic of offsets')
    const id = coordinators.coordinatorOfGroup(group)
    if (id < 0) throw new LeaderlessError(`nobody coordinates group ${group}`)
    return loopback(this.#inside.broker(id).dispatcher, 'broker', api, body, maxVersion)
  }

  /** The number of a topic's partitions. Throws Error for a topic that does not exist. */
  partitionsOf(topic: string): number {
    const found = this.metadata.topics.get(topic)
    if (!found) throw new Error(`there is no topic ${topic}`)
    return found.partitions.length
  }
}

/** What a broker answered to a test that asked it. */
export class RefusedError extends Error {
  readonly code: number
  constructor(code: number, what: string, detail: string | null) {
    super(`${what}: ${errorName(code)}${detail ? `: ${detail}` : ''}`)
    this.name = 'RefusedError'
    this.code = code
  }
}

/** Throws RefusedError for anything but NONE. */
export function check(errorCode: number, what: string, detail: string | null = null): void {
  if (errorCode !== Errors.NONE) throw new RefusedError(errorCode, what, detail)
}
