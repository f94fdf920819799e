/**
 * The partitions that this broker hosts. Follows the metadata: opens or creates a log for each partition assigned to this
 * broker, moves leadership with the leader epoch, and deletes the logs of topics that are gone.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { resourceTypes } from '../config/effective.ts'
import { DiskError, type Logger } from '../host/host.ts'
import type { Log } from '../log/log.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { Logs } from '../log/logs.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import { metadataTopic } from '../metadata/internal-topics.ts'
import type { MetadataState } from '../metadata/state.ts'
import { Partition } from './partition.ts'

export interface PartitionsOptions {
  readonly brokerId: number
  readonly logs: Logs
  readonly metadata: MetadataState
  readonly logConfig: (topic: string) => LogConfig
  readonly log: Logger
}

/** Hears of leadership on this broker, in order for each partition. Must not throw. */
export interface LeadershipListener {
  elected(partition: Partition): void
  resigned(topic: string, index: number): void
}

export class Partitions {
  readonly #options: PartitionsOptions
  readonly #byTopic = new Map<string, Map<number, Partition>>()
  readonly #listeners: LeadershipListener[] = []
  /** The last step of work on each partition's files: steps of one partition follow each other. */
  readonly #work = new Map<string, Promise<void>>()
  #stopListening: () => void = () => {}
  #closed = false

  constructor(options: PartitionsOptions) {
    this.#options = options
  }

  /** Hears of every election from now on, and at once of those that happened before. */
  listen(listener: LeadershipListener): void {
    this.#listeners.push(listener)
    for (const partition of this.all()) if (partition.isLeader) listener.elected(partition)
  }

  /** Opens what the metadata assigns to this broker and follows it from then on. */
  async start(): Promise<void> {
    const { metadata, log } = this.#options
    this.#stopListening = metadata.listen({
      topicDeleted: topic => this.#forget(topic),
      partitionChanged: (topic, partition) => this.#adopt(topic, partition),
      configChanged: (type, name) => this.#reconfigure(type, name),
    })
    for (const topic of metadata.topics.values()) {
      for (const partition of topic.partitions) this.#adopt(topic, partition)
    }
    await this.settled()
    for (const stray of this.#strays()) {
      log.warn({ topic: stray.topic, partition: stray.partition }, 'a log that the metadata does not know is set aside')
      await this.#options.logs.setAside(stray)
    }
  }

  /** Resolves when the files of everything that the metadata told so far are in place. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work.values())
  }

  topicName(topicId: string): string | null {
    return this.#options.metadata.topicName(topicId)
  }

  get(topic: string, index: number): Partition | null {
    return this.#byTopic.get(topic)?.get(index) ?? null
  }

  /** The partition, if this broker leads it; throws what a client is told otherwise. */
  lead(topic: string, index: number): Partition {
    const partition = this.#byTopic.get(topic)?.get(index)
    if (partition) {
      if (partition.log.failure) throw partition.log.failure
      if (!partition.isLeader) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
      return partition
    }
    const info = this.#options.metadata.partition(topic, index)
    if (!info) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION)
    if (!info.replicas.includes(this.#options.brokerId)) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
    // Ours, but without a log: still being made, or its directory is offline.
    throw new KafkaError(this.#work.has(key(topic, index)) ? Errors.NOT_LEADER_OR_FOLLOWER : Errors.KAFKA_STORAGE_ERROR)
  }

  *all(): IterableIterator<Partition> {
    for (const partitions of this.#byTopic.values()) yield* partitions.values()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    await this.settled()
    for (const partition of this.all()) partition.close(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER))
  }

  #adopt(topic: Topic, info: PartitionInfo): void {
    if (!info.replicas.includes(this.#options.brokerId)) return
    const existing = this.get(topic.name, info.index)
    if (existing && existing.topicId === topic.id) return this.#move(existing, info)
    this.#enqueue(topic.name, info.index, async () => {
      const { brokerId, metadata } = this.#options
      // The metadata may have moved on while the files of an earlier step were in work.
      const now = metadata.topicsById.get(topic.id)?.partitions[info.index]
      if (!now || this.#closed || this.get(topic.name, info.index)?.topicId === topic.id) return
      const log = await this.#openLog(topic, info.index)
      const current = metadata.topicsById.get(topic.id)?.partitions[info.index]
      if (!current || this.#closed) return
      const partition = new Partition(brokerId, topic.id, log, stateOf(current))
      this.#put(partition)
      if (partition.isLeader) for (const listener of this.#listeners) listener.elected(partition)
    })
  }

  #move(partition: Partition, info: PartitionInfo): void {
    const led = partition.isLeader
    partition.update(stateOf(info))
    for (const listener of this.#listeners) {
      if (partition.isLeader && !led) listener.elected(partition)
      if (!partition.isLeader && led) listener.resigned(partition.topic, partition.index)
    }
  }

  async #openLog(topic: Topic, index: number): Promise<Log> {
    const { logs, logConfig } = this.#options
    const config = logConfig(topic.name)
    const existing = logs.get(topic.name, index)
    if (existing && existing.topicId === topic.id) {
      existing.config = config
      return existing
    }
    // A log of the same name but another id is what an earlier topic left behind (KAFKA-14616).
    if (existing) await logs.delete(topic.name, index)
    return logs.create(topic.name, topic.id, index, config)
  }

  #forget(topic: Topic): void {
    for (const { index } of topic.partitions) {
      const partition = this.get(topic.name, index)
      if (!partition || partition.topicId !== topic.id) {
        this.#enqueue(topic.name, index, () => this.#deleteLog(topic, index))
        continue
      }
      this.#byTopic.get(topic.name)?.delete(index)
      partition.close(new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION))
      for (const listener of this.#listeners) listener.resigned(topic.name, index)
      this.#enqueue(topic.name, index, () => this.#deleteLog(topic, index))
    }
    if (this.#byTopic.get(topic.name)?.size === 0) this.#byTopic.delete(topic.name)
  }

  async #deleteLog(topic: Topic, index: number): Promise<void> {
    const { logs } = this.#options
    if (logs.get(topic.name, index)?.topicId === topic.id) await logs.delete(topic.name, index)
  }

  /** A topic's own config concerns its logs, one of the brokers concerns all. */
  #reconfigure(resourceType: number, resourceName: string): void {
    const { logs, logConfig } = this.#options
    if (resourceType === resourceTypes.topic) {
      if (this.#byTopic.has(resourceName)) logs.updateConfig(resourceName, logConfig(resourceName))
    } else if (resourceType === resourceTypes.broker) {
      for (const topic of this.#byTopic.keys()) logs.updateConfig(topic, logConfig(topic))
    }
  }

  #put(partition: Partition): void {
    const partitions = this.#byTopic.get(partition.topic)
    if (partitions) partitions.set(partition.index, partition)
    else this.#byTopic.set(partition.topic, new Map([[partition.index, partition]]))
  }

  #enqueue(topic: string, index: number, step: () => Promise<void>): void {
    const at = key(topic, index)
    const before = this.#work.get(at) ?? Promise.resolve()
    const work: Promise<void> = before
      .then(step)
      .catch(error => this.#failed(topic, index, error))
      .finally(() => {
        if (this.#work.get(at) === work) this.#work.delete(at)
      })
    this.#work.set(at, work)
  }

  /** A partition without files answers KAFKA_STORAGE_ERROR; anything else than a disk that failed is a bug. */
  #failed(topic: string, index: number, error: unknown): void {
    if (!(error instanceof DiskError || error instanceof KafkaError)) throw error
    this.#options.log.error(
      { topic, partition: index, error: error.message },
      'the files of a partition cannot be used',
    )
  }

  #strays(): Log[] {
    const { logs, metadata, brokerId } = this.#options
    return logs.all().filter(log => {
      if (log.topic === metadataTopic) return false
      const info = metadata.partition(log.topic, log.partition)
      return !info?.replicas.includes(brokerId) || metadata.topicId(log.topic) !== log.topicId
    })
  }
}

function key(topic: string, index: number): string {
  return `${topic}-${index}`
}

function stateOf(info: PartitionInfo) {
  return {
    leaderId: info.leader,
    leaderEpoch: info.leaderEpoch,
    partitionEpoch: info.partitionEpoch,
    replicas: info.replicas,
    isr: info.isr,
  }
}
