/**
 * One seed: a cluster, clients at work on it, and faults; then everything is healed and has to converge. In the end every
 * record that was acknowledged must be there, and the history of the clients is checked.
 */
import { checkHistory, describeAnomalies } from '../history/check.ts'
import { History } from '../history/history.ts'
import { Administrator } from './clients/administrator.ts'
import { type Client, type Scene, topicOf } from './clients/client.ts'
import { GroupMember } from './clients/group-member.ts'
import { Mover } from './clients/mover.ts'
import { Observer } from './clients/observer.ts'
import { Prober } from './clients/prober.ts'
import { Producer } from './clients/producer.ts'
import { Reader } from './clients/reader.ts'
import { TransactionalWork } from './clients/transactional-work.ts'
import { Cluster } from './cluster.ts'
import { Invariants } from './invariants.ts'
import { Nemesis } from './nemesis.ts'
import { copiesTopic, type SimOptions } from './options.ts'
import { World } from './world.ts'

export interface Report {
  readonly seed: number
  /** The first thing that was wrong; null when nothing was. */
  readonly problem: string | null
  readonly atMs: number
  readonly hash: string
  readonly events: number
  readonly acknowledged: number
  readonly polled: number
  readonly commits: number
  /** Ended by their clients. */
  readonly transactions: number
  readonly faults: string
  readonly trace: readonly string[]
}

/** From nothing to topics that can be written. */
const beginMs = 30_000
const endMs = 30_000

export class Simulation {
  readonly world: World
  readonly cluster: Cluster
  readonly history: History
  readonly nemesis: Nemesis
  readonly scene: Scene
  readonly #options: SimOptions
  readonly #invariants: Invariants
  readonly #clients: Client[] = []
  readonly #producers: Producer[] = []
  readonly #members: GroupMember[] = []
  readonly #transactions: TransactionalWork[] = []
  readonly #running = new Set<Client>()

  constructor(seed: number, options: SimOptions, print?: (line: string) => void) {
    const { links, clockDrift, wallSkewMaxMs, topics } = options.cluster
    this.#options = options
    this.world = new World(seed, { links, clockDrift, wallSkewMaxMs, print })
    this.cluster = new Cluster(this.world, options.cluster)
    this.history = new History(() => this.world.nowMs)
    this.nemesis = new Nemesis(this.cluster, options.faults)
    this.#invariants = new Invariants(this.cluster)
    const partitions = topics.flatMap(({ name, partitions: count }) =>
      Array.from({ length: count }, (_, index) => `${name}-${index}`),
    )
    const { world, history } = this
    const inputs = partitions.filter(partition => topicOf(partition) !== copiesTopic)
    this.scene = { world, history, work: options.work, bootstrap: this.cluster.bootstrap, partitions, inputs }
  }

  async play(): Promise<Report> {
    return World.play(this.world, async () => {
      await this.#act()
      await this.#end()
      return this.#report()
    })
  }

  /** Lets time pass, with everything that is looked at all the time. */
  run(forMs: number, done?: () => boolean): Promise<boolean> {
    return this.world.run(
      forMs,
      () => {
        this.#invariants.check()
        this.nemesis.supervise()
      },
      done,
    )
  }

  /** A client begins; what it ends with is looked at. */
  launch<C extends Client & { run(): Promise<void> }>(client: C): C {
    this.#clients.push(client)
    this.#running.add(client)
    client.run().then(
      () => this.#running.delete(client),
      error => this.world.violate(`${client.name}: ${error instanceof Error ? error.stack : error}`),
    )
    return client
  }

  /** Whether a client has come to its end. */
  isOver(client: Client): boolean {
    return !this.#running.has(client)
  }

  /** A client dies, with what it sent on its way. */
  bury(client: Client): void {
    client.stopping = true
    client.machine.kill()
    this.#running.delete(client)
  }

  /** The cluster starts, and gets its topics. */
  async open(): Promise<boolean> {
    this.cluster.start()
    const administrator = this.launch(new Administrator(this.scene, 'admin', this.#options.cluster.topics))
    const done = await this.run(beginMs, () => administrator.done)
    if (!done) this.world.violate('the topics were not made in time')
    return done
  }

  async #act(): Promise<void> {
    const { world, cluster, nemesis } = this
    const { safetyMs, livenessMs } = this.#options
    if (!(await this.open())) return
    const observer = this.launch(new Observer(this.scene, 'observer', cluster.bootstrap))
    this.#launchWork()
    await this.run(1000)
    world.trace.say('phase', 'safety')
    nemesis.begin()
    const mover = this.#options.moves
      ? this.launch(
          new Mover(
            this.scene,
            'mover',
            cluster.brokers.map(({ id }) => id),
          ),
        )
      : null
    await this.run(safetyMs)
    if (mover) mover.stopping = true
    for (const transactions of this.#transactions) transactions.settle()
    nemesis.heal()
    world.trace.say('phase', 'liveness')
    const healedMs = world.nowMs
    const brokers = cluster.brokers.map(({ id }) => id)
    const before = this.#producers.map(({ acknowledged }) => acknowledged)
    const committed = this.#transactions.map(one => one.committed)
    const isSettled = () =>
      observer.unsettled(healedMs, brokers) === null &&
      this.#producers.every(({ acknowledged }, at) => acknowledged > before[at]) &&
      this.#transactions.every((one, at) => one.committed > committed[at])
    if (!(await this.run(livenessMs, isSettled)) && !world.violation) {
      const idle = this.#producers.filter(({ acknowledged }, at) => acknowledged === before[at])
      const stuck = this.#transactions.filter((one, at) => one.committed === committed[at])
      const names = [...idle, ...stuck].map(({ name }) => `${name} wrote nothing`)
      world.violate(
        `not settled ${livenessMs} ms after everything was healed: ${[observer.unsettled(healedMs, brokers), ...names].join(', ')}`,
      )
    }
    world.trace.say('phase', `settled after ${Math.floor(world.nowMs - healedMs)} ms`)
    await this.run(1000)
    for (const client of this.#clients) client.stopping = true
    if (!(await this.run(endMs, () => this.#running.size === 0))) {
      world.violate(`clients did not end: ${[...this.#running].map(({ name }) => name).join(', ')}`)
    }
    await this.run(2000)
    for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
      const reader = this.launch(new Reader(this.scene, `final-${isolation}`, isolation, true))
      if (await this.run(endMs, () => reader.isDone)) continue
      world.violate(`the final reader (${isolation}) did not reach the end: ${reader.unfinished.join(', ')}`)
    }
    await this.run(100)
  }

  async #end(): Promise<void> {
    if (this.world.violation) return
    this.#invariants.checkFiles()
    const { anomalies } = checkHistory(this.history.operations)
    if (anomalies.length > 0) this.world.violate(describeAnomalies(anomalies).join('\n'))
  }

  #launchWork(): void {
    const { plainProducers, idempotentProducers, readers, groupMembers } = this.#options.work
    const { inputs: partitions } = this.scene
    const { random } = this.world
    const common = { partitions, deliveryTimeoutMs: random.pick([5000, 30_000]) }
    for (let at = 0; at < plainProducers; at++) {
      const options = { ...common, idempotent: false, repeats: at === 0, acks: random.oneIn(4) ? 1 : -1 } as const
      this.#producers.push(this.launch(new Producer(this.scene, `plain-${at}`, options)))
    }
    for (let at = 0; at < idempotentProducers; at++) {
      const options = { ...common, idempotent: true, repeats: true, acks: -1 } as const
      this.#producers.push(this.launch(new Producer(this.scene, `producer-${at}`, options)))
    }
    for (let at = 0; at < readers; at++) {
      this.launch(new Reader(this.scene, `reader-${at}`, at % 2 === 0 ? 'read_committed' : 'read_uncommitted'))
    }
    for (let at = 0; at < groupMembers; at++) {
      this.#members.push(this.launch(new GroupMember(this.scene, `member-${at}`, 'readers')))
    }
    this.#launchTransactions()
    this.launch(new Prober(this.scene, 'prober'))
  }

  #launchTransactions(): void {
    const { writers, copiers, timeoutMs: transactionTimeoutMs, abortOneIn } = this.#options.transactions
    const { partitions, inputs } = this.scene
    const common = { transactionTimeoutMs, abortOneIn }
    writers.forEach((version, at) => {
      const options = { ...common, transactionalId: `writer-${at}`, version, partitions: inputs, source: null }
      this.#transactions.push(new TransactionalWork(this, options))
    })
    copiers.forEach((version, at) => {
      const source = { group: `copier-${at}`, partitions: inputs }
      const outputs = partitions.filter(partition => !inputs.includes(partition))
      const options = { ...common, transactionalId: `copier-${at}`, version, partitions: outputs, source }
      this.#transactions.push(new TransactionalWork(this, options))
    })
  }

  #report(): Report {
    const { world, nemesis } = this
    const polls = this.history.operations.filter(({ kind }) => kind === 'poll')
    return {
      seed: world.seed,
      problem: world.violation?.what ?? null,
      atMs: world.nowMs,
      hash: world.trace.hash,
      events: world.trace.events,
      acknowledged: this.#producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      polled: polls.length,
      transactions: this.#transactions.reduce((sum, { committed, aborted }) => sum + committed + aborted, 0),
      commits: this.#members.reduce((sum, { commits }) => sum + commits, 0),
      faults: [...nemesis.counts].map(([fault, count]) => `${fault} ${count}`).join(', '),
      trace: world.trace.lines,
    }
  }
}
