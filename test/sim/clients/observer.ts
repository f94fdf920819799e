/** Asks one broker after the other what it knows of the cluster. */
import { metadata as metadataApi } from '../../../protocol/index.ts'
import type { Endpoint } from '../../../src/host/host.ts'
import { PeerError } from '../../../src/network/peers.ts'
import { Client, type Scene, topicOf, zeroId } from './client.ts'

export interface View {
  readonly atMs: number
  readonly brokers: readonly number[]
  /** By partition; in-sync replicas and replicas in order of their ids. */
  readonly partitions: ReadonlyMap<
    string,
    { leader: number; epoch: number; isr: readonly number[]; replicas: readonly number[] }
  >
}

const pauseMs = 300

export class Observer extends Client {
  readonly views = new Map<string, View>()
  readonly #targets: readonly Endpoint[]

  constructor(scene: Scene, name: string, targets: readonly Endpoint[]) {
    super(scene, name)
    this.#targets = targets
  }

  async run(): Promise<void> {
    await Promise.all(this.#targets.map((target, at) => this.#watch(target, at + 1)))
  }

  async #watch(target: Endpoint, id: number): Promise<void> {
    const names = [...new Set(this.scene.partitions.map(topicOf))]
    while (!this.stopping) {
      await this.sleep(pauseMs)
      const operation = this.scene.history.invoke(`${this.name}-${id}`, 'metadata', { broker: id })
      try {
        const answer = await this.ask(target, metadataApi, {
          topics: names.map(name => ({ topicId: zeroId, name })),
          allowAutoTopicCreation: false,
          includeClusterAuthorizedOperations: false,
          includeTopicAuthorizedOperations: false,
        })
        const leaders: Record<string, { leader: number; epoch: number }> = {}
        const partitions: View['partitions'] extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never = new Map()
        for (const topic of answer.topics) {
          if (topic.errorCode !== 0) continue
          for (const { partitionIndex, leaderId, leaderEpoch, isrNodes, replicaNodes } of topic.partitions) {
            const name = `${topic.name}-${partitionIndex}`
            leaders[name] = { leader: leaderId, epoch: leaderEpoch }
            const isr = isrNodes.toSorted((a, b) => a - b)
            partitions.set(name, {
              leader: leaderId,
              epoch: leaderEpoch,
              isr,
              replicas: replicaNodes.toSorted((a, b) => a - b),
            })
          }
        }
        operation.ok({ leaders })
        const brokers = answer.brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b)
        this.views.set(target.host, { atMs: this.scene.world.nowMs, brokers, partitions })
      } catch (error) {
        if (!(error instanceof PeerError)) throw error
        operation.info(error.message)
      }
    }
  }

  /** What is still wrong, by what every broker says since `sinceMs`; null when all is well. */
  unsettled(sinceMs: number, brokers: readonly number[]): string | null {
    for (const { host } of this.#targets) {
      const view = this.views.get(host)
      if (!view || view.atMs < sinceMs) return `${host} has not answered`
      if (view.brokers.join() !== brokers.join()) return `${host} knows only brokers ${view.brokers.join()}`
      for (const partition of this.scene.partitions) {
        const state = view.partitions.get(partition)
        if (!state) return `${host} does not know ${partition}`
        if (state.leader < 0) return `${host}: ${partition} has no leader`
        if (state.isr.length < state.replicas.length)
          return `${host}: ${partition} is in sync on ${state.isr.join()} of ${state.replicas.join()}`
      }
    }
    return null
  }
}
