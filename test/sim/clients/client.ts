/** What every simulated client has: a machine, connections to brokers, and what it knows of the cluster. */
import {
  type AnyApi,
  type DecodedResponseOf,
  metadata as metadataApi,
  offsetForLeaderEpoch,
  type RequestInputOf,
} from '../../../protocol/index.ts'
import type { Endpoint } from '../../../src/host/host.ts'
import { PeerError, Peers } from '../../../src/network/peers.ts'
import type { History } from '../../history/history.ts'
import type { WorkOptions } from '../options.ts'
import type { Machine, ProcessHost, World } from '../world.ts'

export const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA'

export interface Scene {
  readonly world: World
  readonly history: History
  readonly work: WorkOptions
  readonly bootstrap: readonly Endpoint[]
  /** `topic-n` of all that there is to read. */
  readonly partitions: readonly string[]
  /** Those that producers write to; the others are written by who copies them. */
  readonly inputs: readonly string[]
}

export interface Leader {
  readonly id: number
  readonly epoch: number
}

export class Client {
  readonly name: string
  readonly scene: Scene
  readonly host: ProcessHost
  readonly machine: Machine
  readonly peers: Peers
  readonly leaders = new Map<string, Leader>()
  readonly topicIds = new Map<string, string>()
  readonly topicNames = new Map<string, string>()
  readonly #brokers = new Map<number, Endpoint>()
  #refreshing: Promise<void> | null = null
  /** It ends after what it is doing. */
  stopping = false

  constructor(scene: Scene, name: string) {
    this.scene = scene
    this.name = name
    this.machine = scene.world.machine(name)
    this.host = this.machine.boot()
    this.peers = new Peers(this.host, { clientId: name })
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.host.clock.after(ms, resolve)
    })
  }

  say(what: string): void {
    this.scene.world.trace.say(this.name, what)
  }

  endpoint(brokerId: number): Endpoint | null {
    return this.#brokers.get(brokerId) ?? null
  }

  /** Rejects with PeerError. */
  ask<A extends AnyApi>(
    to: Endpoint,
    api: A,
    body: RequestInputOf<A>,
    options: { lane?: string; timeoutMs?: number; maxVersion?: number; minVersion?: number } = {},
  ): Promise<DecodedResponseOf<A>> {
    const { lane = 'main', timeoutMs = this.scene.work.requestTimeoutMs, ...versions } = options
    return this.peers.request(to, api, body, { lane, timeoutMs, ...versions })
  }

  /** Any broker. */
  anyone(): Endpoint {
    const known = [...this.#brokers.values()]
    return this.host.random.pick(known.length > 0 && !this.host.random.oneIn(4) ? known : this.scene.bootstrap)
  }

  /** Asks somebody who leads what. Never rejects; those who ask at the same time share one request. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const names = [...new Set(this.scene.partitions.map(topicOf))]
    try {
      const answer = await this.ask(
        this.anyone(),
        metadataApi,
        {
          topics: names.map(name => ({ topicId: zeroId, name })),
          allowAutoTopicCreation: false,
          includeClusterAuthorizedOperations: false,
          includeTopicAuthorizedOperations: false,
        },
        { lane: 'metadata' },
      )
      for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port })
      for (const topic of answer.topics) {
        if (topic.errorCode !== 0 || topic.name === null) continue
        this.topicIds.set(topic.name, topic.topicId)
        this.topicNames.set(topic.topicId, topic.name)
        for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
          this.learn(`${topic.name}-${partitionIndex}`, { id: leaderId, epoch: leaderEpoch })
        }
      }
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
    }
  }

  /** What is older than what is known is not believed. */
  learn(partition: string, leader: Leader): void {
    const known = this.leaders.get(partition)
    if (known && known.epoch > leader.epoch) return
    this.leaders.set(partition, leader)
  }

  leaderOf(partition: string): (Leader & { readonly endpoint: Endpoint }) | null {
    const leader = this.leaders.get(partition)
    const endpoint = leader && this.#brokers.get(leader.id)
    return leader && endpoint ? { ...leader, endpoint } : null
  }

  /** Where an epoch ends, as its leader says; null when nobody can tell now. */
  async endOfEpoch(partition: string, leaderEpoch: number): Promise<{ epoch: number; endOffset: number } | null> {
    const leader = this.leaderOf(partition)
    if (!leader) return null
    try {
      const answer = await this.ask(leader.endpoint, offsetForLeaderEpoch, {
        replicaId: -1,
        topics: [
          {
            topic: topicOf(partition),
            partitions: [{ partition: indexOf(partition), currentLeaderEpoch: leader.epoch, leaderEpoch }],
          },
        ],
      })
      const found = answer.topics[0].partitions[0]
      return found.errorCode === 0 ? { epoch: found.leaderEpoch, endOffset: found.endOffset } : null
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return null
    }
  }

  async close(): Promise<void> {
    this.stopping = true
    await this.peers.close()
    this.machine.kill()
  }
}

export function topicOf(partition: string): string {
  return partition.slice(0, partition.lastIndexOf('-'))
}

export function indexOf(partition: string): number {
  return Number(partition.slice(partition.lastIndexOf('-') + 1))
}
