/** A broker of a test: in memory, on a real socket, with everything that a test may want to see or to change. */
import { Broker } from '../broker.ts'
import type { KeptMember } from '../cluster/cluster.ts'
import { addressOf, type BrokerOptions, embeddedConfig, type RunningBroker } from '../cluster/embedded.ts'
import type { BrokerConfig } from '../config/broker.ts'
import { MemoryDisk } from '../host/memory.ts'
import { Seat } from './seat.ts'
import { Snapshot, settle } from './snapshot.ts'
import { type DoubleOptions, type Stage, stageOf, TestDouble } from './test-double.ts'

export interface TestBrokerOptions extends Omit<BrokerOptions, 'dataDir'>, DoubleOptions {}

/** Turns of the event loop in which whatever follows from a timer has happened: nothing of it leaves the process. */
const turnsToRest = 6

/** An hour between two signs of life of a broker that is alone with itself, so that a long way of time is not full of them. */
const aloneDefaults = {
  'broker.heartbeat.interval.ms': '3600000',
  'broker.session.timeout.ms': '86400000',
}

interface Parts {
  readonly stage: Stage
  readonly options: TestBrokerOptions
  readonly config: BrokerConfig
  readonly seat: Seat
  readonly broker: Broker
  readonly disk: MemoryDisk
}

export class TestBroker extends TestDouble implements RunningBroker {
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  readonly nodeId: number
  readonly clusterId: string
  readonly #parts: Parts
  readonly #beginning: Snapshot
  #broker: Broker
  #disk: MemoryDisk

  private constructor(parts: Parts) {
    super(parts.stage, { anyone: () => this.#broker, broker: () => this.#broker }, parts.options)
    this.#parts = parts
    this.#broker = parts.broker
    this.#disk = parts.disk
    this.#beginning = new Snapshot([kept(parts.broker, parts.disk)])
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
    const stage = stageOf(options, turnsToRest)
    const { machine, realClock, interceptor } = stage
    const seat = new Seat(config.nodeId, machine, realClock, interceptor.watch)
    const disk = new MemoryDisk()
    const broker = await Broker.start(config, { ...machine, disk }, { doors: seat })
    seat.taken(broker)
    await settle(broker)
    return new TestBroker({ stage, options, config, seat, broker, disk })
  }

  protected override get seats(): readonly Seat[] {
    return [this.#parts.seat]
  }

  /** Keeps everything as it is now: topics, records, offsets, groups, transactions. */
  snapshot(): Promise<Snapshot> {
    return this.next(async () => {
      await settle(this.#broker)
      return new Snapshot([kept(this.#broker, this.#disk)])
    })
  }

  /**
   * Everything is again as it was. Connections stay; what is in work is answered before, and whoever asks meanwhile waits.
   * To a client it looks as if the broker had been restarted. The journal, hooks and the clock are left alone.
   */
  restore(snapshot: Snapshot): Promise<void> {
    return this.next(() => this.#replace(snapshot))
  }

  /** Everything is as after the start: no topics, no hooks, an empty journal, real time. */
  reset(): Promise<void> {
    return this.next(async () => {
      this.letGo()
      await this.#replace(this.#beginning)
      this.forget()
    })
  }

  /** Closes everything at once. Calling it twice is fine. */
  close(): Promise<void> {
    return this.next(async () => {
      this.letGo()
      await this.#broker.close({ abrupt: true })
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #replace(snapshot: Snapshot): Promise<void> {
    const { config, stage, seat } = this.#parts
    const [{ disk, entry }] = snapshot.members()
    if (entry.id !== this.nodeId) throw new Error('this is a snapshot of another broker')
    seat.stay()
    await this.#broker.close({ abrupt: true })
    this.#disk = disk
    this.#broker = await Broker.start(config, { ...stage.machine, disk }, { doors: seat })
    seat.taken(this.#broker)
  }
}

function kept(broker: Broker, disk: MemoryDisk): KeptMember {
  const { nodeId: id, listeners } = broker
  return { entry: { id, port: listeners[0].port, controllerPort: null, directoryId: '' }, disk, isRunning: true }
}
