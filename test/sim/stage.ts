/** A simulated cluster without a nemesis: for scenarios, where each step is written down. */
import type { Partition } from '../../src/replication/partition.ts'
import { checkHistory, describeAnomalies } from '../history/check.ts'
import { Observer } from './clients/observer.ts'
import { Producer } from './clients/producer.ts'
import { Reader } from './clients/reader.ts'
import type { Cluster, Node } from './cluster.ts'
import {
  type ClusterOptions,
  drawCluster,
  noFaults,
  noTransactions,
  type TopicOptions,
  type WorkOptions,
} from './options.ts'
import { SimRandom } from './random.ts'
import { Simulation } from './simulation.ts'
import { World } from './world.ts'

export interface StageOptions {
  readonly seed?: number
  readonly topics: readonly TopicOptions[]
  readonly cluster?: Partial<ClusterOptions>
  readonly settings?: Readonly<Record<string, string>>
  readonly work?: Partial<WorkOptions>
  readonly print?: (line: string) => void
}

const usualWork: WorkOptions = {
  plainProducers: 0,
  idempotentProducers: 0,
  readers: 0,
  groupMembers: 0,
  inFlightMax: 1,
  thinkMaxMs: 20,
  valueBytesMax: 50,
  requestTimeoutMs: 2000,
}

/** As quick as a real cluster is; scenarios that need other times say so. */
const stageSettings = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'replica.lag.time.max.ms': '3000',
  'replica.fetch.wait.max.ms': '200',
  'replica.fetch.backoff.ms': '100',
}

const limitMs = 60_000

export class Stage {
  readonly simulation: Simulation
  readonly cluster: Cluster
  readonly observer: Observer
  readonly #producers: Producer[] = []

  private constructor(simulation: Simulation, observer: Observer) {
    this.simulation = simulation
    this.cluster = simulation.cluster
    this.observer = observer
  }

  /** Plays a scenario to its end; throws when something is wrong. */
  static async play(
    { seed = 1, topics, cluster, settings, work: wanted, print }: StageOptions,
    act: (stage: Stage) => Promise<void>,
  ) {
    const drawn = drawCluster(new SimRandom(seed))
    const options: ClusterOptions = {
      ...drawn,
      brokers: 3,
      controllers: 0,
      links: { delayMaxMs: 1 },
      clockDrift: 0,
      wallSkewMaxMs: 0,
      ...cluster,
      topics,
      settings: { ...drawn.settings, ...stageSettings, ...settings },
    }
    const work = { ...usualWork, ...wanted }
    const simulation = new Simulation(
      seed,
      {
        cluster: options,
        faults: noFaults,
        work,
        transactions: noTransactions,
        safetyMs: 0,
        livenessMs: 0,
        moves: false,
      },
      print,
    )
    await World.play(simulation.world, async () => {
      await simulation.open()
      const observer = simulation.launch(new Observer(simulation.scene, 'observer', simulation.cluster.bootstrap))
      const stage = new Stage(simulation, observer)
      try {
        await stage.settled()
        await act(stage)
      } catch (error) {
        const { violation, trace } = simulation.world
        const what = violation?.what ?? (error instanceof Error ? error.stack : error)
        throw new Error(`${what}\n${trace.lines.slice(-80).join('\n')}`)
      }
    })
  }

  node(id: number): Node {
    return this.cluster.nodes[id - 1]
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.simulation.run(ms)
    this.#check()
  }

  /** Lets time pass until something holds. */
  async until(what: string, holds: () => boolean, withinMs = limitMs): Promise<void> {
    const done = await this.simulation.run(withinMs, holds)
    this.#check()
    if (!done) throw new Error(`not within ${withinMs} ms: ${what}`)
  }

  /** All brokers are there, every partition has its leader and all its replicas in sync. */
  async settled(): Promise<void> {
    const sinceMs = this.simulation.world.nowMs
    const brokers = this.cluster.brokers.map(({ id }) => id)
    await this.until('the cluster is whole', () => this.observer.unsettled(sinceMs, brokers) === null)
  }

  /** The broker that leads, by what the nodes that run know; of several the one of the highest epoch. */
  leaderOf(partition: string): Node | null {
    let found: Node | null = null
    let epoch = -1
    for (const node of this.cluster.nodes) {
      const one = node.isWell ? this.#replica(node, partition) : null
      if (!one?.isLeader || one.leaderEpoch < epoch) continue
      found = node
      epoch = one.leaderEpoch
    }
    return found
  }

  leads(node: Node, partition: string): boolean {
    return this.#replica(node, partition)?.isLeader ?? false
  }

  /** In-sync replicas, as the leader knows them. */
  isrOf(partition: string): readonly number[] {
    const leader = this.leaderOf(partition)
    return (leader && this.#replica(leader, partition)?.state.isr) ?? []
  }

  /** Where a replica's log ends; -1 when it does not run. */
  endOf(partition: string, node: Node): number {
    return this.#replica(node, partition)?.log.logEndOffset ?? -1
  }

  #replica(node: Node, partition: string): Partition | null {
    for (const one of node.broker?.rooms.partitions.all() ?? []) {
      if (`${one.topic}-${one.index}` === partition) return one
    }
    return null
  }

  /** Starts a producer that writes until it is told to stop. */
  producer(partition: string, acks: -1 | 1 = -1): Producer {
    const name = `producer-${this.#producers.length}`
    const options = { idempotent: acks === -1, repeats: true, acks, partitions: [partition], deliveryTimeoutMs: 60_000 }
    const producer = this.simulation.launch(new Producer(this.simulation.scene, name, options))
    this.#producers.push(producer)
    return producer
  }

  /** So many more records are acknowledged. */
  async written(producer: Producer, count: number): Promise<void> {
    const before = producer.acknowledged
    await this.until(`${count} records are acknowledged`, () => producer.acknowledged >= before + count)
  }

  /** Between this node and all others, or some. */
  isolate(node: Node, others = this.simulation.world.machineNames): void {
    for (const other of others) {
      if (other === node.name) continue
      this.simulation.world.fabric.cut(node.name, other)
      this.simulation.world.fabric.cut(other, node.name)
    }
  }

  heal(): void {
    this.simulation.nemesis.heal()
  }

  /** Heals, waits until all is well, reads everything, and checks the whole history. */
  async verify(): Promise<void> {
    this.heal()
    await this.settled()
    for (const producer of this.#producers) producer.stopping = true
    await this.pass(3000)
    for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
      const reader = this.simulation.launch(new Reader(this.simulation.scene, `final-${isolation}`, isolation, true))
      await this.until(`the final reader (${isolation}) is at the end`, () => reader.isDone)
    }
    await this.pass(100)
    const { anomalies } = checkHistory(this.simulation.history.operations)
    if (anomalies.length > 0) throw new Error(describeAnomalies(anomalies).join('\n'))
  }

  #check(): void {
    const { violation } = this.simulation.world
    if (violation) throw new Error(violation.what)
  }
}
