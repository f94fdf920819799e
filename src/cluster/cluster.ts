/**
 * A cluster in one process, for tests and for the desk: brokers on real sockets, in memory or in a directory, that can be
 * stopped, started, added and removed. The brokers it begins with are controllers too, and its voters.
 */
import { Errors, errorName } from '../../protocol/errors.ts'
import { electLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { alterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import { unregisterBroker } from '../../protocol/messages/64-unregister-broker.ts'
import type { Broker } from '../broker.ts'
import type { Host } from '../host/host.ts'
import type { MemoryDisk } from '../host/memory.ts'
import { type LogLevel, nodeHost } from '../host/node.ts'
import { Member, type MemberSetting } from './member.ts'
import { type RosterEntry, readRoster, writeRoster } from './roster.ts'
import type { Workshop } from './workshop.ts'

export interface ClusterOptions {
  /** How many to begin with; default 3. A directory that holds a cluster already has those that it has. */
  readonly brokers?: number
  /** Where the data is kept, a directory for each broker. Without it everything is in memory. */
  readonly dataDir?: string
  /** The address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** Where the first broker listens for clients, the others behind it; default 0, free ones. */
  readonly port?: number
  /** Settings of every broker, as in Kafka's server.properties. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** Default 'silent'. Goes to standard error. */
  readonly logLevel?: LogLevel
}

export interface ClusterBroker {
  readonly id: number
  /** `host:port`. */
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  readonly isRunning: boolean
}

/** A member as it was at a moment. */
export interface KeptMember {
  readonly entry: RosterEntry
  readonly disk: MemoryDisk
  readonly isRunning: boolean
}

export interface StopOptions {
  /** Without handing its leaderships over first, as if it were killed; what it acknowledged is on its disk all the same. */
  readonly abrupt?: boolean
}

/** Made for tests: what a datacenter has to wait for is not waited for here. */
const clusterDefaults: Readonly<Record<string, string>> = {
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '3',
  'group.initial.rebalance.delay.ms': '0',
  'controller.quorum.election.timeout.ms': '500',
  'controller.quorum.fetch.timeout.ms': '1000',
  'controller.quorum.election.backoff.max.ms': '200',
  'controller.quorum.request.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '200',
  'broker.session.timeout.ms': '1500',
  'replica.lag.time.max.ms': '3000',
  'replica.fetch.backoff.ms': '100',
}

const adminTimeoutMs = 30_000
const defaultHost = '127.0.0.1'

export class Cluster implements AsyncDisposable {
  readonly clusterId: string
  readonly #setting: MemberSetting
  readonly #machine: Host
  readonly #members = new Map<number, Member>()

  private constructor(setting: MemberSetting, machine: Host) {
    this.clusterId = setting.clusterId
    this.#setting = setting
    this.#machine = machine
  }

  /** Resolves when every broker takes clients. Throws ConfigError for settings that are wrong. */
  static async start(options: ClusterOptions = {}, workshop: Workshop | null = null): Promise<Cluster> {
    const { dataDir = null, host = defaultHost, logLevel = 'silent' } = options
    const machine = workshop?.machine ?? nodeHost({ logger: { level: logLevel } })
    const known = dataDir === null ? null : await readRoster(machine.disk, dataDir)
    const roster = known ?? { clusterId: machine.random.uuid(), members: await newMembers(machine, options) }
    const voters = roster.members.flatMap(({ id, controllerPort: port, directoryId }) =>
      port === null ? [] : [{ id, host, port, directoryId }],
    )
    const { clusterId } = roster
    const properties = propertiesOf(options, voters.length, workshop?.properties)
    const cluster = new Cluster({ clusterId, host, dataDir, logLevel, voters, properties, workshop }, machine)
    try {
      for (const entry of roster.members) await cluster.#enroll(entry)
      if (!known) await cluster.#save()
      await Promise.all(roster.members.map(({ id }) => cluster.start(id)))
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  /** All that belong to it, those that are stopped included, by their ids. */
  get brokers(): readonly ClusterBroker[] {
    const { host } = this.#setting
    return [...this.#members.values()].map(({ id, entry: { port }, broker }) => ({
      id,
      host,
      port,
      bootstrap: address(host, port),
      isRunning: broker !== null,
    }))
  }

  /** For `bootstrap.servers` or `brokers`: every broker, separated by commas. */
  get bootstrap(): string {
    return this.brokers.map(({ bootstrap }) => bootstrap).join(',')
  }

  /** Which broker is the active controller; -1 while there is none. */
  get controllerId(): number {
    for (const { id, broker } of this.#members.values()) if (broker?.rooms.controller.isActive) return id
    return -1
  }

  /** What is behind a broker that is running. Throws Error for one that is not. */
  broker(id: number): Broker {
    const { broker } = this.#member(id)
    if (!broker) throw new Error(`broker ${id} is not running`)
    return broker
  }

  /** Any that is running. Throws Error when none is. */
  anyone(): Broker {
    for (const { broker } of this.#members.values()) if (broker) return broker
    throw new Error('no broker of the cluster is running')
  }

  /** Who belongs to it, and what each has on its disk in memory. */
  members(): KeptMember[] {
    return [...this.#members.values()].map(({ entry, disk, broker }) => {
      if (disk === null) throw new Error('a cluster in a directory cannot be kept')
      return { entry, disk, isRunning: broker !== null }
    })
  }

  /** Has those members with those disks again, running or not as they were. Resolves when everything is in sync. */
  async putBack(kept: readonly KeptMember[]): Promise<void> {
    const stays = new Map(kept.map(each => [each.entry.id, each]))
    await Promise.all(
      [...this.#members.values()].map(member => {
        const { disk, isRunning } = stays.get(member.id) ?? {}
        return isRunning ? member.halt(disk) : member.stop({ abrupt: true })
      }),
    )
    for (const { entry, disk, isRunning } of kept) {
      if (isRunning && this.#members.has(entry.id)) continue
      this.#members.set(entry.id, new Member(entry, this.#setting, disk))
    }
    for (const id of [...this.#members.keys()]) if (!stays.has(id)) this.#members.delete(id)
    await Promise.all(kept.flatMap(({ entry, isRunning }) => (isRunning ? [this.start(entry.id)] : [])))
    if (kept.every(({ isRunning }) => isRunning)) await this.whenInSync()
  }

  /** Who leads a partition, as a running broker knows; -1 when nobody does. */
  leaderOf(topic: string, partition: number): number {
    return this.anyone().rooms.metadata.partition(topic, partition)?.leader ?? -1
  }

  /** Resolves when the broker takes clients. One that runs is left alone. */
  start(id: number): Promise<void> {
    return this.#member(id).start()
  }

  /** Moves its leaderships away, if there is somebody to take them, and stops the broker. */
  stop(id: number, options: StopOptions = {}): Promise<void> {
    return this.#member(id).stop(options)
  }

  /** One more broker, which does not vote. Resolves when it takes clients. */
  async add(): Promise<ClusterBroker> {
    const { host } = this.#setting
    const id = Math.max(...this.#members.keys()) + 1
    const [port] = await freePorts(this.#machine, host, 1)
    await this.#enroll({ id, port, controllerPort: null, directoryId: this.#machine.random.uuid() })
    await this.#save()
    await this.start(id)
    return { id, host, port, bootstrap: address(host, port), isRunning: true }
  }

  /**
   * Stops a broker that was added, and takes it out of the cluster. Its replicas are gone with it: move them away before.
   * The brokers that the cluster began with are its voters and stay.
   */
  async remove(id: number): Promise<void> {
    const member = this.#member(id)
    if (member.entry.controllerPort !== null) throw new Error(`broker ${id} is a voter of the cluster`)
    await member.stop()
    const { errorCode } = await this.anyone().ask(unregisterBroker, { brokerId: id }, adminTimeoutMs)
    check(errorCode, `broker ${id} could not be unregistered`)
    this.#members.delete(id)
    await this.#save()
  }

  /** Makes a broker, which must hold a replica, the leader of a partition and its preferred replica. */
  async moveLeader(topic: string, partition: number, id: number): Promise<void> {
    const broker = this.anyone()
    const what = `${topic}-${partition}`
    const replicas = broker.rooms.metadata.partition(topic, partition)?.replicas ?? []
    if (!replicas.includes(id)) throw new Error(`broker ${id} holds no replica of ${what}`)
    const wanted = [id, ...replicas.filter(other => other !== id)]
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, replicas: wanted }] }]
    const moved = await broker.ask(alterPartitionReassignments, { topics }, adminTimeoutMs)
    check(moved.errorCode, `${what} could not be reassigned`)
    for (const { errorCode } of moved.responses[0].partitions) check(errorCode, `${what} could not be reassigned`)
    const topicPartitions = [{ topic, partitions: [partition] }]
    const elected = await broker.ask(electLeaders, { electionType: 0, topicPartitions }, adminTimeoutMs)
    check(elected.errorCode, `${what} could not elect a leader`)
    for (const { errorCode } of elected.replicaElectionResults[0]?.partitionResult ?? []) {
      if (errorCode !== Errors.ELECTION_NOT_NEEDED) check(errorCode, `${what} could not elect broker ${id}`)
    }
    await this.#until(() => this.leaderOf(topic, partition) === id)
  }

  /** Resolves when every replica of every partition is in sync. Rejects when that takes too long. */
  whenInSync(): Promise<void> {
    return this.#until(() => {
      for (const { partitions } of this.anyone().rooms.metadata.topics.values()) {
        if (partitions.some(({ isr, replicas }) => isr.length < replicas.length)) return false
      }
      return true
    })
  }

  /** Stops everything at once. Calling it twice is fine. */
  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map(member => member.stop({ abrupt: true })))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #member(id: number): Member {
    const member = this.#members.get(id)
    if (!member) throw new Error(`the cluster has no broker ${id}`)
    return member
  }

  async #enroll(entry: RosterEntry): Promise<void> {
    const member = new Member(entry, this.#setting)
    await member.enroll()
    this.#members.set(entry.id, member)
  }

  async #save(): Promise<void> {
    const { dataDir, clusterId } = this.#setting
    const members = [...this.#members.values()].map(({ entry }) => entry)
    if (dataDir !== null) await writeRoster(this.#machine.disk, dataDir, { clusterId, members })
  }

  /** Resolves when `test` holds, which is looked at whenever the metadata of a running broker changes. */
  #until(test: () => boolean): Promise<void> {
    if (test()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!test()) return
        stop()
        resolve()
      }
      const stops = [...this.#members.values()].map(
        ({ broker }) =>
          broker?.rooms.metadata.listen({ partitionChanged: look, brokerChanged: look, topicDeleted: look }) ??
          (() => {}),
      )
      const cancel = this.#machine.clock.after(adminTimeoutMs, () => {
        stop()
        reject(new Error(`the cluster did not come to rest within ${adminTimeoutMs} ms`))
      })
      const stop = () => {
        cancel()
        for (const each of stops) each()
      }
    })
  }
}

function propertiesOf(
  { config = {} }: ClusterOptions,
  voters: number,
  defaults: Readonly<Record<string, string>> = {},
): Map<string, string> {
  const replicas = String(Math.min(3, voters))
  const properties = new Map<string, string>(Object.entries({ ...clusterDefaults, ...defaults }))
  properties.set('default.replication.factor', replicas)
  properties.set('offsets.topic.replication.factor', replicas)
  for (const [key, value] of Object.entries(config)) properties.set(key, String(value))
  return properties
}

async function newMembers(machine: Host, options: ClusterOptions): Promise<RosterEntry[]> {
  const { brokers = 3, host = defaultHost, port = 0 } = options
  const ports = await freePorts(machine, host, 2 * brokers)
  return Array.from({ length: brokers }, (_, i) => ({
    id: i + 1,
    port: port > 0 ? port + i : ports[2 * i],
    controllerPort: ports[2 * i + 1],
    directoryId: machine.random.uuid(),
  }))
}

/** Ports that are free now: the members must know each other's before the first of them starts. */
async function freePorts({ network }: Pick<Host, 'network'>, host: string, count: number): Promise<number[]> {
  const servers = []
  for (let i = 0; i < count; i++) servers.push(await network.listen({ host, port: 0 }, { backlog: 1 }, () => {}))
  for (const server of servers) await server.close()
  return servers.map(({ port }) => port)
}

function check(errorCode: number, what: string): void {
  if (errorCode !== Errors.NONE) throw new Error(`${what}: ${errorName(errorCode)}`)
}

function address(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
