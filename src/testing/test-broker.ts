/** A broker of a test: in memory, on a real socket, with everything that a test may want to see or to change. */
import { Broker } from '../broker.ts'
import { addressOf, type BrokerOptions, embeddedConfig, type RunningBroker } from '../cluster/embedded.ts'
import type { BrokerConfig } from '../config/broker.ts'
import type { Host } from '../host/host.ts'
import { MemoryDisk } from '../host/memory.ts'
import { nodeHost } from '../host/node.ts'
import type { ApiName } from './bodies.ts'
import { Contents, type NewRecord, type ReadOptions, type StoredRecord, type TopicOptions } from './contents.ts'
import { type GroupState, Groups, type NewOffset } from './groups.ts'
import type { Rule } from './hooks.ts'
import { Insider } from './inside.ts'
import { Interceptor } from './interceptor.ts'
import type { Journal, JournalLimits } from './journal.ts'
import type { Release } from './releases.ts'
import { Seat, type TestConnection } from './seat.ts'
import { TestClock } from './test-clock.ts'
import { type Emulation, VersionCaps } from './version-caps.ts'
import type { Apis, Where } from './where.ts'

export interface TestBrokerOptions extends Omit<BrokerOptions, 'dataDir'> {
  /** How much the journal keeps; default 10,000 requests or 64 MiB. */
  readonly journal?: Partial<JournalLimits>
  /** Plays an older Kafka: '2.8', or `{ release: '2.8', apis: { Fetch: '0-10', InitProducerId: null } }`. */
  readonly emulate?: Release | Emulation
}

/** Everything that a broker holds, as it was at a moment. */
export class Snapshot {
  readonly #disk: MemoryDisk

  constructor(disk: MemoryDisk) {
    this.#disk = disk.copy()
  }

  /** As often as wanted. */
  disk(): MemoryDisk {
    return this.#disk.copy()
  }
}

/** Turns of the event loop in which whatever follows from a timer has happened: nothing of it leaves the process. */
const turnsToRest = 6

const clientListener = 'PLAINTEXT'

/** An hour between two signs of life of a broker that is alone with itself, so that a long way of time is not full of them. */
const aloneDefaults = {
  'broker.heartbeat.interval.ms': '3600000',
  'broker.session.timeout.ms': '86400000',
}

export class TestBroker implements RunningBroker {
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  readonly nodeId: number
  readonly clusterId: string
  /** What clients asked, and what they were told. */
  readonly journal: Journal
  /** The broker's time, which a test may move. */
  readonly clock: TestClock
  readonly #options: TestBrokerOptions
  readonly #config: BrokerConfig
  readonly #machine: Host
  readonly #seat: Seat
  readonly #interceptor: Interceptor
  #broker: Broker
  #disk: MemoryDisk
  readonly #beginning: Snapshot
  readonly #contents: Contents
  readonly #groups: Groups
  /** Steps that replace the broker follow each other. */
  #work: Promise<unknown> = Promise.resolve()

  private constructor(parts: Parts) {
    this.#options = parts.options
    this.#config = parts.config
    this.#machine = parts.machine
    this.#seat = parts.seat
    this.#interceptor = parts.interceptor
    this.#broker = parts.broker
    this.#disk = parts.disk
    this.#beginning = new Snapshot(parts.disk)
    const insider = new Insider({ anyone: () => this.#broker, broker: () => this.#broker })
    this.#contents = new Contents(insider, () => parts.clock.now())
    this.#groups = new Groups(insider, this.#contents)
    this.journal = parts.interceptor.journal
    this.clock = parts.clock
    const { bootstrap, host, port, nodeId, clusterId } = addressOf(parts.broker)
    this.bootstrap = bootstrap
    this.host = host
    this.port = port
    this.nodeId = nodeId
    this.clusterId = clusterId
  }

  /** Resolves when it takes clients. Throws ConfigError for settings that are wrong. */
  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const config = embeddedConfig(options, aloneDefaults)
    const real = nodeHost({ disk: new MemoryDisk(), logger: { level: options.logLevel ?? 'silent' } })
    const clock = new TestClock(real.clock, turnsToRest)
    const machine = { ...real, clock }
    const interceptor = new Interceptor({
      clock,
      realClock: real.clock,
      listener: clientListener,
      journal: options.journal,
    })
    const seat = new Seat(config.nodeId, machine, real.clock, interceptor.watch)
    const disk = new MemoryDisk()
    try {
      const broker = await Broker.start(config, { ...machine, disk }, { doors: seat })
      seat.rooms = broker.rooms
      await settle(broker)
      const double = new TestBroker({ config, machine, seat, interceptor, broker, disk, clock, options })
      double.emulate(options.emulate ?? null)
      return double
    } catch (error) {
      await seat.end()
      throw error
    }
  }

  /**
   * Begins a hook on requests that match: `broker.on('Produce', { topic: 'orders' }).once().fail('NOT_LEADER_OR_FOLLOWER')`.
   * Nothing happens before its last word.
   */
  on<const N extends ApiName>(apis: Apis<N>, where: Where<N> = {}): Rule<N> {
    return this.#interceptor.on(apis, where)
  }

  /**
   * Plays an older Kafka from now on: '2.8', or `{ release: '2.8', apis: { Fetch: '0-10', InitProducerId: null } }`; null for
   * none. Clients ask what is served when they connect: `disconnectAll()` has them ask again.
   */
  emulate(wanted: Release | Emulation | null): void {
    this.#interceptor.emulate(wanted === null ? null : new VersionCaps(wanted))
  }

  /** The connections of clients that are open now. */
  get connections(): readonly TestConnection[] {
    return this.#seat.connections(clientListener)
  }

  /** Cuts the connections of all clients, or of those that match. */
  disconnectAll(isMeant: (connection: TestConnection) => boolean = () => true): void {
    for (const connection of this.connections) if (isMeant(connection)) connection.disconnect()
  }

  /** Makes a topic. Throws Error when there is one of that name, or a setting is wrong. */
  createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    return this.#contents.createTopic(name, options)
  }

  deleteTopic(name: string): Promise<void> {
    return this.#contents.deleteTopic(name)
  }

  /** Every topic but the broker's own, by name. */
  get topics(): readonly { readonly name: string; readonly partitions: number }[] {
    return this.#contents.topics()
  }

  /** Writes records without a client, to a topic that is made when there is none. Resolves with the offset of each. */
  produce(topic: string, records: readonly (NewRecord | string | Uint8Array)[]): Promise<number[]> {
    return this.#contents.produce(topic, records)
  }

  /** Reads what is in a topic without a client: by partition, then by offset. */
  records(topic: string, options: ReadOptions = {}): Promise<StoredRecord[]> {
    return this.#contents.records(topic, options)
  }

  /** What the coordinator knows of a consumer group: state, members, committed offsets and lag. Null when there is none. */
  group(groupId: string): Promise<GroupState | null> {
    return this.#groups.group(groupId)
  }

  /** Commits offsets of a group that has no members, so that its next consumer begins there. */
  commitOffsets(groupId: string, offsets: readonly NewOffset[]): Promise<void> {
    return this.#groups.commitOffsets(groupId, offsets)
  }

  /** Keeps everything as it is now: topics, records, offsets, groups, transactions. */
  snapshot(): Promise<Snapshot> {
    return this.#next(async () => {
      await settle(this.#broker)
      return new Snapshot(this.#disk)
    })
  }

  /**
   * Everything is again as it was. Connections stay; what is in work is answered before, and whoever asks meanwhile waits.
   * To a client it looks as if the broker had been restarted. The journal, hooks and the clock are left alone.
   */
  restore(snapshot: Snapshot): Promise<void> {
    return this.#next(() => this.#replace(snapshot))
  }

  /** Everything is as after the start: no topics, no hooks, an empty journal, real time. */
  reset(): Promise<void> {
    return this.#next(async () => {
      this.#interceptor.stopAll()
      this.clock.reset()
      this.emulate(this.#options.emulate ?? null)
      await this.#replace(this.#beginning)
      this.journal.clear()
    })
  }

  /** Closes everything at once. Calling it twice is fine. */
  close(): Promise<void> {
    return this.#next(async () => {
      this.#interceptor.stopAll()
      this.clock.reset()
      await this.#broker.close({ abrupt: true })
      await this.#seat.end()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #replace(snapshot: Snapshot): Promise<void> {
    await this.#broker.close({ abrupt: true })
    this.#disk = snapshot.disk()
    this.#broker = await Broker.start(this.#config, { ...this.#machine, disk: this.#disk }, { doors: this.#seat })
    this.#seat.rooms = this.#broker.rooms
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const work = this.#work.then(step, step)
    this.#work = work.catch(() => {})
    return work
  }
}

interface Parts {
  readonly options: TestBrokerOptions
  readonly config: BrokerConfig
  readonly machine: Host
  readonly seat: Seat
  readonly interceptor: Interceptor
  readonly broker: Broker
  readonly disk: MemoryDisk
  readonly clock: TestClock
}

/** Resolves when everything that the broker has taken is on its disk. */
async function settle(broker: Broker): Promise<void> {
  const { logs } = broker.rooms
  await Promise.all(logs.all().map(log => log.flush()))
  await logs.checkpoint()
}
