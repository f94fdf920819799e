/**
 * The partitions that this broker hosts. Follows the metadata: opens or creates a log for each partition assigned to this
 * broker, has it lead or follow, and deletes the logs of partitions that are gone or assigned to others.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { resourceTypes } from '../config/effective.ts'
import { type Cancel, DiskError, type Endpoint, type Host } from '../host/host.ts'
import type { Log } from '../log/log.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { Logs } from '../log/logs.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import { metadataTopic } from '../metadata/internal-topics.ts'
import type { MetadataState } from '../metadata/state.ts'
import {
  type AssignDirectoriesRequest,
  type AssignDirectoriesResponse,
  DirectoryAssignments,
} from './directory-assignments.ts'
import { DirectoryMoves } from './directory-moves.ts'
import { drained } from './drained.ts'
import type { PeerRequests } from './fetcher.ts'
import { Fetchers } from './fetchers.ts'
import { type AlterPartitionRequest, type AlterPartitionResponse, IsrUpdates } from './isr-updates.ts'
import { Partition, type PartitionContext, type PartitionState, type Role } from './partition.ts'
import { Repairs } from './repairs.ts'
import type { ReplicationSettings } from './settings.ts'
import { type ThrottledSide, Throttles } from './throttles.ts'

export type { AssignDirectoriesRequest, AssignDirectoriesResponse } from './directory-assignments.ts'
export type { PeerRequests } from './fetcher.ts'
export type { AlterPartitionRequest, AlterPartitionResponse } from './isr-updates.ts'
export {
  moveRate,
  type ReplicationSettings,
  replicationSettings,
  throttledRate,
  throttledReplicas,
} from './settings.ts'

/** What replication needs of the rest of the cluster. */
export interface ClusterLinks {
  readonly peers: PeerRequests
  /** Where to reach a broker; null while that is not known. */
  readonly endpointOf: (brokerId: number) => Endpoint | null
  /** Of this broker's registration, -1 before the first. */
  readonly brokerEpoch: () => number
  /** Asks the controller. Rejects when it cannot be asked. */
  readonly alterPartition: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse>
  /** Tells the controller where replicas lie. Rejects when it cannot be told. */
  readonly assignDirectories: (request: AssignDirectoriesRequest) => Promise<AssignDirectoriesResponse>
}

export interface PartitionsOptions {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly brokerId: number
  readonly logs: Logs
  readonly metadata: MetadataState
  readonly logConfig: (topic: string) => LogConfig
  readonly settings: ReplicationSettings
  readonly throttledRate: (side: ThrottledSide) => number
  readonly throttledReplicas: (side: ThrottledSide, topic: string) => readonly string[]
  /** Bytes a second that moves between log directories may copy; infinite for no limit. */
  readonly moveRate: () => number
  readonly cluster: ClusterLinks
}

/** How long a move between directories waits for the controller to know of it, milliseconds. */
const announceMsMax = 2000
const announcePollMs = 20
/** How long writes pause for those before to be committed, when a replica has been moved, milliseconds. */
const exchangeMsMax = 500

/** Stand for: not assigned, lost, and being migrated. */
const reservedDirectories = new Set(['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'])

/** Hears of leadership on this broker, in order for each partition. Must not throw. */
export interface LeadershipListener {
  elected(partition: Partition): void
  resigned(topic: string, index: number): void
}

export class Partitions {
  /** Who is held back when replicas are copied. */
  readonly throttles: Throttles
  /** Replicas on their way to another log directory. */
  readonly moves: DirectoryMoves
  readonly #options: PartitionsOptions
  readonly #byTopic = new Map<string, Map<number, Partition>>()
  readonly #listeners: LeadershipListener[] = []
  readonly #growth = new Set<() => void>()
  /** The last step of work on each partition's files: steps of one partition follow each other. */
  readonly #work = new Map<string, Promise<void>>()
  readonly #context: PartitionContext
  readonly #isrUpdates: IsrUpdates
  readonly #directories: DirectoryAssignments
  readonly #fetchers: Fetchers
  readonly #repairs: Repairs
  #stopListening: () => void = () => {}
  #cancelCheck: Cancel = () => {}
  #closed = false

  constructor(options: PartitionsOptions) {
    this.#options = options
    const { host, brokerId, settings, metadata, cluster } = options
    const { clock, random, log } = host
    const { brokerEpoch, alterPartition, assignDirectories, peers, endpointOf } = cluster
    this.#isrUpdates = new IsrUpdates({ clock, log, brokerId, brokerEpoch, alterPartition })
    this.#directories = new DirectoryAssignments({ clock, log, brokerId, brokerEpoch, assignDirectories })
    this.throttles = new Throttles({
      clock,
      brokerId,
      window: settings.throttleWindow,
      rate: options.throttledRate,
      replicas: options.throttledReplicas,
    })
    this.moves = new DirectoryMoves({
      clock,
      log,
      logs: options.logs,
      window: settings.moveWindow,
      rate: options.moveRate,
      partitionOf: (topic, index) => this.get(topic, index),
      announce: (partition, directoryId) => this.#announce(partition, directoryId),
      exchange: (partition, finish) => this.#exchange(partition, finish),
      ended: partition => this.#tellDirectory(partition),
    })
    const { throttles } = this
    this.#fetchers = new Fetchers({ clock, random, log, brokerId, brokerEpoch, peers, endpointOf, settings, throttles })
    this.#repairs = new Repairs({
      ...{ clock, log, brokerId, peers, endpointOf },
      socketTimeoutMs: settings.socketTimeoutMs,
    })
    options.logs.whenDamaged(damaged => {
      const partition = this.get(damaged.topic, damaged.partition)
      if (partition?.log === damaged) this.#repairs.mend(partition)
    })
    this.#context = {
      clock,
      rules: {
        brokerId,
        lagTimeMaxMs: settings.lagTimeMaxMs,
        mayJoin: (id, epoch) => {
          const broker = metadata.brokers.get(id)
          if (!broker || broker.fenced || broker.inControlledShutdown) return false
          return epoch < 0 || epoch === broker.epoch
        },
      },
      brokerEpoch,
      isrUpdates: this.#isrUpdates,
      isAlive: id => metadata.brokers.get(id)?.fenced === false,
      changed: (partition, before) => this.#roleChanged(partition, before),
      grew: () => {
        for (const run of this.#growth) run()
      },
      tellsWatermarks: settings.tellsWatermarks,
    }
  }

  /** Hears of every election from now on, and at once of those that happened before. */
  listen(listener: LeadershipListener): void {
    this.#listeners.push(listener)
    for (const partition of this.all()) if (partition.isLeader) listener.elected(partition)
  }

  /** Opens what the metadata assigns to this broker and follows it from then on. */
  async start(): Promise<void> {
    const { metadata, host } = this.#options
    this.throttles.update()
    this.#stopListening = metadata.listen({
      topicDeleted: topic => this.#forget(topic),
      partitionChanged: (topic, partition) => this.#adopt(topic, partition),
      configChanged: (type, name) => this.#reconfigure(type, name),
      // Whoever was fenced, or is no more, may have held a high watermark back.
      brokerChanged: () => this.#checkReplicas(),
    })
    for (const topic of metadata.topics.values()) {
      for (const partition of topic.partitions) this.#adopt(topic, partition)
    }
    await this.settled()
    for (const stray of this.#strays()) {
      host.log.warn(
        { topic: stray.topic, partition: stray.partition },
        'a log that the metadata does not know is set aside',
      )
      await this.#options.logs.setAside(stray)
    }
    this.#scheduleCheck()
    await this.moves.resume()
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

  /** Runs each time that followers may have something to read or to hear; to be answered at once, by little. */
  whenGrown(run: () => void): () => void {
    this.#growth.add(run)
    return () => this.#growth.delete(run)
  }

  /** The partition, if this broker leads or follows it; throws as `lead` does. */
  serving(topic: string, index: number): Partition {
    const partition = this.#byTopic.get(topic)?.get(index)
    if (!partition || partition.log.failure) return this.lead(topic, index)
    return partition
  }

  *all(): IterableIterator<Partition> {
    for (const partitions of this.#byTopic.values()) yield* partitions.values()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    this.#cancelCheck()
    this.#fetchers.close()
    this.#repairs.close()
    this.#isrUpdates.close()
    this.#directories.close()
    await this.moves.close()
    await this.settled()
    for (const partition of this.all()) partition.close(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER))
  }

  #adopt(topic: Topic, info: PartitionInfo): void {
    const existing = this.get(topic.name, info.index)
    if (!info.replicas.includes(this.#options.brokerId)) {
      if (existing?.topicId === topic.id) this.#remove(existing, new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER))
      return
    }
    if (existing?.topicId === topic.id) return existing.update(stateOf(info))
    this.#enqueue(topic.name, info.index, async () => {
      const { metadata } = this.#options
      // The metadata may have moved on while the files of an earlier step were in work.
      const now = metadata.topicsById.get(topic.id)?.partitions[info.index]
      if (!now || !this.#isOurs(now) || this.#closed || this.get(topic.name, info.index)?.topicId === topic.id) return
      const log = await this.#openLog(topic, now)
      const current = metadata.topicsById.get(topic.id)?.partitions[info.index]
      if (this.#closed) return
      if (!current || !this.#isOurs(current)) return this.#deleteLog(topic, info.index)
      const partition = new Partition(topic.id, log, stateOf(current), this.#context)
      this.#put(partition)
      partition.start()
      this.#repairs.mend(partition)
      this.#tellDirectory(partition)
    })
  }

  /** What the controller believes of a replica of this broker: the id of a directory, null for any. */
  assignedDirectory(topic: string, index: number): string | null {
    const info = this.#options.metadata.partition(topic, index)
    return info ? this.#assignedDirectory(info) : null
  }

  /** The controller is told where a replica will lie. Resolves when it knows, or when that took too long. */
  async #announce({ topic, topicId, index }: Partition, directoryId: string): Promise<void> {
    const { clock } = this.#options.host
    const deadline = clock.monotonic() + announceMsMax
    if (this.assignedDirectory(topic, index) !== directoryId) this.#directories.submit(topicId, index, directoryId)
    while (!this.#closed && this.assignedDirectory(topic, index) !== directoryId && clock.monotonic() < deadline) {
      await new Promise<void>(resolve => clock.after(announcePollMs, resolve))
    }
  }

  /**
   * The copy of a replica in another directory takes its place, once `finish` has made it whole: writes pause meanwhile. False
   * when that is not possible now. Never rejects.
   */
  #exchange(partition: Partition, finish: () => Promise<void>): Promise<boolean> {
    const { topic, index } = partition
    return new Promise(resolve => {
      this.#enqueue(topic, index, async () => {
        let done = false
        try {
          done = await this.#exchangeLog(partition, finish)
        } finally {
          resolve(done)
        }
      })
    })
  }

  async #exchangeLog(partition: Partition, finish: () => Promise<void>): Promise<boolean> {
    const { topic, topicId, index } = partition
    const isCurrent = () => !this.#closed && this.get(topic, index) === partition
    if (!isCurrent() || !partition.pause()) return false
    this.#fetchers.unfollow(partition)
    let log: Log
    try {
      await drained(partition, this.#options.host.clock, exchangeMsMax)
      await finish()
      if (!isCurrent()) return false
      log = await this.#options.logs.futures.promote(partition.log)
    } catch (error) {
      partition.unpause()
      if (partition.role === 'follower' && isCurrent()) this.#fetchers.follow(partition)
      throw error
    }
    // Gone meanwhile: the next step removes the files, wherever they are.
    if (!isCurrent()) return true
    const wasLeader = partition.isLeader
    this.#repairs.forget(partition)
    partition.close(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER))
    if (wasLeader) for (const listener of this.#listeners) listener.resigned(topic, index)
    const moved = new Partition(topicId, log, partition.state, this.#context)
    this.#put(moved)
    moved.start()
    this.#tellDirectory(moved)
    return true
  }

  #isOurs(info: PartitionInfo): boolean {
    return info.replicas.includes(this.#options.brokerId)
  }

  #roleChanged(partition: Partition, before: Role): void {
    const { role, topic, index } = partition
    if (role === 'follower') this.#fetchers.follow(partition)
    else this.#fetchers.unfollow(partition)
    for (const listener of this.#listeners) {
      if (role === 'leader' && before !== 'leader') listener.elected(partition)
      if (role !== 'leader' && before === 'leader') listener.resigned(topic, index)
    }
  }

  #checkReplicas(): void {
    for (const partition of this.all()) partition.checkReplicas()
  }

  #scheduleCheck(): void {
    if (this.#closed) return
    const { host, settings } = this.#options
    this.#cancelCheck = host.clock.after(settings.lagTimeMaxMs / 2, () => {
      this.#checkReplicas()
      this.#scheduleCheck()
    })
  }

  #tellDirectory({ topic, topicId, index, log }: Partition): void {
    const directoryId = this.#options.logs.directoryOf(log).meta?.directoryId
    if (directoryId && directoryId !== this.assignedDirectory(topic, index)) {
      this.#directories.submit(topicId, index, directoryId)
    }
  }

  /** The directory that the controller has in mind; null for any. */
  #assignedDirectory({ replicas, directories }: PartitionInfo): string | null {
    const id = directories[replicas.indexOf(this.#options.brokerId)]
    return id === undefined || reservedDirectories.has(id) ? null : id
  }

  async #openLog(topic: Topic, info: PartitionInfo): Promise<Log> {
    const { index } = info
    const { logs, logConfig } = this.#options
    const config = logConfig(topic.name)
    const existing = logs.get(topic.name, index)
    if (existing && existing.topicId === topic.id) {
      existing.config = config
      return existing
    }
    // A log of the same name but another id is what an earlier topic left behind (KAFKA-14616).
    if (existing) await logs.delete(topic.name, index)
    const preferred = this.moves.takePreferred(topic.name, index)?.meta?.directoryId
    return logs.create(topic.name, topic.id, index, config, preferred ?? this.#assignedDirectory(info))
  }

  #forget(topic: Topic): void {
    for (const { index } of topic.partitions) {
      const partition = this.get(topic.name, index)
      if (!partition || partition.topicId !== topic.id) {
        this.#enqueue(topic.name, index, () => this.#deleteLog(topic, index))
        continue
      }
      this.#remove(partition, new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION))
    }
  }

  /** This broker hosts the partition no more: its files go. */
  #remove(partition: Partition, failure: KafkaError): void {
    const { topic, topicId, index } = partition
    const partitions = this.#byTopic.get(topic)
    partitions?.delete(index)
    if (partitions?.size === 0) this.#byTopic.delete(topic)
    this.moves.forget(topic, index)
    this.#fetchers.unfollow(partition)
    this.#repairs.forget(partition)
    partition.close(failure)
    for (const listener of this.#listeners) listener.resigned(topic, index)
    this.#enqueue(topic, index, () => this.#deleteLog({ name: topic, id: topicId }, index))
  }

  async #deleteLog(topic: Pick<Topic, 'name' | 'id'>, index: number): Promise<void> {
    const { logs } = this.#options
    if (logs.get(topic.name, index)?.topicId === topic.id) await logs.delete(topic.name, index)
  }

  /** A topic's own config concerns its logs, one of the brokers concerns all. */
  #reconfigure(resourceType: number, resourceName: string): void {
    const { logs, logConfig } = this.#options
    this.throttles.update()
    if (resourceType === resourceTypes.topic) {
      if (this.#byTopic.has(resourceName)) logs.updateConfig(resourceName, logConfig(resourceName))
      // Fewer in-sync replicas may be enough now.
      for (const partition of this.#byTopic.get(resourceName)?.values() ?? []) partition.checkReplicas()
    } else if (resourceType === resourceTypes.broker) {
      for (const topic of this.#byTopic.keys()) logs.updateConfig(topic, logConfig(topic))
      this.#checkReplicas()
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
    this.#options.host.log.error(
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

function stateOf(info: PartitionInfo): PartitionState {
  return {
    leaderId: info.leader,
    leaderEpoch: info.leaderEpoch,
    partitionEpoch: info.partitionEpoch,
    replicas: info.replicas,
    isr: info.isr,
  }
}
