/** Asking the brokers of a double without a socket: nothing of it is in the journal, and no hook is in its way. */
import { Errors, errorName } from '../../protocol/errors.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import { loopback } from '../api/loopback.ts'
import type { Broker } from '../broker.ts'
import type { MetadataState } from '../metadata/state.ts'

/** The brokers that are running. */
export interface Inside {
  /** Throws Error when none is running. */
  anyone(): Broker
  /** Throws Error when it is not running. */
  broker(id: number): Broker
}

export class Insider {
  readonly #inside: Inside

  constructor(inside: Inside) {
    this.#inside = inside
  }

  get metadata(): MetadataState {
    return this.#inside.anyone().rooms.metadata
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
    if (leader < 0) throw new Error(`nobody leads ${topic}-${partition}`)
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
    return loopback(this.#inside.broker(id).dispatcher, 'broker', api, body, maxVersion)
  }

  /** The number of a topic's partitions. Throws Error for a topic that does not exist. */
  partitionsOf(topic: string): number {
    const found = this.metadata.topics.get(topic)
    if (!found) throw new Error(`there is no topic ${topic}`)
    return found.partitions.length
  }
}

/** Throws Error for anything but NONE. */
export function check(errorCode: number, what: string, detail?: string | null): void {
  if (errorCode !== Errors.NONE) throw new Error(`${what}: ${errorName(errorCode)}${detail ? `: ${detail}` : ''}`)
}
