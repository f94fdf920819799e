/** The cluster as groups see it: its topics out of the metadata, and the settings of groups in effect. */
import type { EffectiveConfigs } from '../config/effective.ts'
import { hash64 } from '../lib/hash64.ts'
import type { Broker, PartitionInfo, Topic } from '../metadata/entities.ts'
import { groupVersionFeature } from '../metadata/features.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { ConsumerGroupTimes, GroupCluster, GroupTopic } from './group/cluster.ts'

export class GroupTopics implements GroupCluster {
  readonly #metadata: MetadataState
  readonly #configs: EffectiveConfigs
  readonly #stopListening: () => void
  /** By topic name; made when asked for, dropped when anything changes that went into it. */
  readonly #hashes = new Map<string, bigint>()
  readonly #racks = new Map<number, string | null>()
  readonly #times = new Map<string, ConsumerGroupTimes>()
  #topicsVersion = 0
  #topicNamesVersion: number

  constructor(metadata: MetadataState, configs: EffectiveConfigs) {
    this.#metadata = metadata
    this.#configs = configs
    this.#topicNamesVersion = metadata.lastOffset
    for (const { id, rack } of metadata.brokers.values()) this.#racks.set(id, rack)
    this.#stopListening = metadata.listen({
      topicCreated: ({ name }) => this.#namesChanged(name),
      topicDeleted: ({ name }) => this.#namesChanged(name),
      partitionChanged: (topic, partition, before) => this.#partitionChanged(topic, partition, before),
      brokerChanged: (id, broker) => this.#brokerChanged(id, broker),
      configChanged: () => this.#times.clear(),
    })
  }

  close(): void {
    this.#stopListening()
  }

  #namesChanged(name: string): void {
    this.#topicNamesVersion = this.#metadata.lastOffset
    this.#hashes.delete(name)
    this.#topicsVersion++
  }

  /** Only who holds the replicas matters, not who leads them. */
  #partitionChanged(topic: Topic, { replicas }: PartitionInfo, before: PartitionInfo | null): void {
    if (before && before.replicas.length === replicas.length && before.replicas.every((id, i) => id === replicas[i]))
      return
    this.#hashes.delete(topic.name)
    this.#topicsVersion++
  }

  #brokerChanged(id: number, broker: Broker | null): void {
    const rack = broker?.rack ?? null
    // A broker that is gone for now is still where it was.
    if (!broker || (this.#racks.get(id) ?? null) === rack) return
    this.#racks.set(id, rack)
    this.#hashes.clear()
    this.#topicsVersion++
  }

  groupVersion(): number {
    return this.#metadata.features.get(groupVersionFeature) ?? 0
  }

  topicsVersion(): number {
    return this.#topicsVersion
  }

  topicNamesVersion(): number {
    return this.#topicNamesVersion
  }

  topic(name: string): GroupTopic | null {
    const topic = this.#metadata.topics.get(name)
    return topic ? { name, id: topic.id, partitionsCount: topic.partitions.length } : null
  }

  topicName(id: string): string | null {
    return this.#metadata.topicName(id)
  }

  topicNames(): Iterable<string> {
    return this.#metadata.topics.keys()
  }

  topicHash(name: string): bigint {
    const known = this.#hashes.get(name)
    if (known !== undefined) return known
    const topic = this.#metadata.topics.get(name)
    const hash = topic ? hash64(this.#describe(topic)) : 0n
    this.#hashes.set(name, hash)
    return hash
  }

  #describe({ id, partitions }: Topic): string {
    const racks = partitions.map(({ replicas }) =>
      replicas
        .map(broker => this.#racks.get(broker) ?? '')
        .sort()
        .join(','),
    )
    return JSON.stringify([id, racks])
  }

  consumerTimes(groupId: string): ConsumerGroupTimes {
    const known = this.#times.get(groupId)
    if (known) return known
    const times = {
      sessionTimeoutMs: this.#configs.groupValue(groupId, 'consumer.session.timeout.ms'),
      heartbeatIntervalMs: this.#configs.groupValue(groupId, 'consumer.heartbeat.interval.ms'),
      assignmentIntervalMs: this.#configs.groupValue(groupId, 'consumer.assignment.interval.ms'),
    }
    this.#times.set(groupId, times)
    return times
  }
}
