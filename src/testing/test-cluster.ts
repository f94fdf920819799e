/** A cluster of a test: brokers in memory, on real sockets, that can be stopped, started, added and asked to lead. */
import { Errors } from '../../protocol/errors.ts'
import { Cluster, type ClusterBroker, type ClusterOptions, type StopOptions } from '../cluster/cluster.ts'
import type { Workshop } from '../cluster/workshop.ts'
import type { Clock } from '../host/host.ts'
import { Seat } from './seat.ts'
import { Snapshot, settle } from './snapshot.ts'
import { type DoubleOptions, stageOf, TestDouble } from './test-double.ts'

export interface TestClusterOptions extends Omit<ClusterOptions, 'dataDir'>, DoubleOptions {}

/** What follows from a timer goes over sockets from broker to broker and back. */
const turnsToRest = 20

const hourMs = 3_600_000

/** A dead broker is known by its closed port; silence does not count for a long while, so that time may be moved. */
const testDefaults = {
  'broker.session.timeout.ms': String(hourMs),
  'replica.lag.time.max.ms': String(hourMs),
  'initial.broker.registration.timeout.ms': String(24 * hourMs),
}

/** How often a cluster that comes back is looked at, milliseconds of real time. */
const lookMs = 10
/** How long it may go on by itself before its time is moved again. */
const patienceMs = 1000

/** Who coordinates a group, or the transactions of an id. */
export type Coordinated = { readonly group: string } | { readonly transactionalId: string }

export class TestCluster extends TestDouble implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #seats: Map<number, Seat>
  readonly #beginning: Snapshot
  readonly #realClock: Clock

  private constructor(parts: Parts) {
    const { cluster } = parts
    super(parts.stage, { anyone: () => cluster.anyone(), broker: id => cluster.broker(id) }, parts.options)
    this.#cluster = cluster
    this.#seats = parts.seats
    this.#realClock = parts.stage.realClock
    this.#beginning = new Snapshot(cluster.members())
  }

  /** Resolves when every broker takes clients. Throws ConfigError for settings that are wrong. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const stage = stageOf(options, turnsToRest)
    const seats = new Map<number, Seat>()
    const workshop: Workshop = {
      machine: stage.machine,
      brokerListener: 'BROKERS',
      properties: testDefaults,
      doors: id => {
        const seat = new Seat(id, stage.machine, stage.realClock, stage.interceptor.watch)
        seats.set(id, seat)
        return seat
      },
    }
    const cluster = await Cluster.start(options, workshop)
    await settleAll(cluster)
    return new TestCluster({ stage, options, cluster, seats })
  }

  /** For `bootstrap.servers` or `brokers`: every broker, separated by commas. */
  get bootstrap(): string {
    return this.#cluster.bootstrap
  }

  get clusterId(): string {
    return this.#cluster.clusterId
  }

  /** All that belong to it, those that are stopped included, by their ids. */
  get brokers(): readonly ClusterBroker[] {
    return this.#cluster.brokers
  }

  /** Which broker is the active controller; -1 while there is none. */
  get controllerId(): number {
    return this.#cluster.controllerId
  }

  /** Who leads a partition; -1 when nobody does. */
  leaderOf(topic: string, partition: number): number {
    return this.#cluster.leaderOf(topic, partition)
  }

  /** Makes a broker that has a replica the leader of a partition, and its preferred one. */
  moveLeader(topic: string, partition: number, id: number): Promise<void> {
    return this.next(() => this.#cluster.moveLeader(topic, partition, id))
  }

  /** Who coordinates a group or a transactional id; -1 when nobody does. */
  async coordinatorOf(what: Coordinated): Promise<number> {
    const { topic, partition } = await this.#placeOf(what)
    return this.leaderOf(topic, partition)
  }

  /** Makes a broker the coordinator of a group or a transactional id, and of all that share its partition. */
  async moveCoordinator(what: Coordinated, id: number): Promise<void> {
    const { topic, partition } = await this.#placeOf(what)
    await this.moveLeader(topic, partition, id)
  }

  /** Starts a broker again, with its data and on its port. Resolves when it takes clients. */
  start(id: number): Promise<void> {
    return this.next(() => this.#cluster.start(id))
  }

  /** Stops a broker: its leaderships are handed over first, unless `abrupt` is set. */
  stop(id: number, options: StopOptions = {}): Promise<void> {
    return this.next(() => this.#cluster.stop(id, options))
  }

  /** One more broker. Resolves when it takes clients. */
  add(): Promise<ClusterBroker> {
    return this.next(() => this.#cluster.add())
  }

  /** Takes a broker that was added out of the cluster, with its replicas. */
  remove(id: number): Promise<void> {
    return this.next(() => this.#cluster.remove(id))
  }

  /** Resolves when every replica of every partition is in sync. */
  whenInSync(): Promise<void> {
    return this.#cluster.whenInSync()
  }

  /** Keeps everything as it is now, in all brokers. Replicas must be in sync to come back as one. */
  snapshot(): Promise<Snapshot> {
    return this.next(async () => {
      await settleAll(this.#cluster)
      return new Snapshot(this.#cluster.members())
    })
  }

  /** Everything is again as it was, which brokers are running included. The journal, hooks and the clock are left alone. */
  restore(snapshot: Snapshot): Promise<void> {
    return this.next(() => this.#putBack(snapshot))
  }

  /** Everything is as after the start: no topics, no hooks, an empty journal, real time, the first brokers. */
  reset(): Promise<void> {
    return this.next(async () => {
      this.letGo()
      await this.#putBack(this.#beginning)
      this.forget()
    })
  }

  /** Closes everything at once. Calling it twice is fine. */
  close(): Promise<void> {
    return this.next(async () => {
      this.letGo()
      await this.#cluster.close()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  protected override get seats(): readonly Seat[] {
    return this.brokers.flatMap(({ id, isRunning }) => (isRunning ? (this.#seats.get(id) ?? []) : []))
  }

  /**
   * The brokers of the snapshot have new lives, and the controller lets nobody register whose former life may still be on: their
   * sessions are made to end.
   */
  async #putBack(snapshot: Snapshot): Promise<void> {
    let isBack = false
    const back = this.#cluster.putBack(snapshot.members()).finally(() => {
      isBack = true
    })
    for (let waitedMs = patienceMs; !isBack; waitedMs += lookMs) {
      await Promise.race([back, new Promise<void>(resolve => this.#realClock.after(lookMs, resolve))])
      if (isBack || waitedMs < patienceMs || this.controllerId < 0) continue
      await this.clock.hurry(hourMs + patienceMs)
      waitedMs = 0
    }
    await back
  }

  async #placeOf(what: Coordinated): Promise<{ topic: string; partition: number }> {
    const { coordinators, transactions } = this.#cluster.anyone().rooms
    const isGroup = 'group' in what
    const made = isGroup ? await coordinators.ensureOffsetsTopic() : await transactions.ensureTopic()
    if (made !== Errors.NONE) throw new Error('there are too few brokers for the topic of coordinators')
    return isGroup
      ? { topic: '__consumer_offsets', partition: coordinators.partitionOfGroup(what.group) }
      : { topic: '__transaction_state', partition: transactions.partitionOf(what.transactionalId) }
  }
}

interface Parts {
  readonly stage: ReturnType<typeof stageOf>
  readonly options: TestClusterOptions
  readonly cluster: Cluster
  readonly seats: Map<number, Seat>
}

async function settleAll(cluster: Cluster): Promise<void> {
  const running = cluster.brokers.filter(({ isRunning }) => isRunning)
  await Promise.all(running.map(({ id }) => settle(cluster.broker(id))))
}
