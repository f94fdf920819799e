/** The nodes of a simulated cluster: the real broker on each machine. */
import { Broker } from '../../src/broker.ts'
import { type FormatOptions, formatDirectories } from '../../src/cli/storage-format.ts'
import { type BrokerConfig, parseBrokerConfig } from '../../src/config/broker.ts'
import type { Endpoint } from '../../src/host/host.ts'
import type { ClusterOptions } from './options.ts'
import type { Machine, ProcessHost, World } from './world.ts'

const clusterId = 'c2ltdWxhdGVkLWNsdXN0ZQ'
const clientPort = 9092
const controllerPort = 9093
const votersMax = 3

/** One process: from its start to its end. */
interface Life {
  readonly host: ProcessHost
  broker: Broker | null
  stopping: boolean
}

export class Node {
  readonly id: number
  readonly name: string
  readonly isBroker: boolean
  readonly isController: boolean
  readonly machine: Machine
  readonly #world: World
  readonly #config: () => BrokerConfig
  readonly #format: FormatOptions
  #life: Life | null = null
  #formatted = false
  /** Whether somebody wants it to run: a process that ends by itself is started again. */
  wanted = false
  starts = 0

  constructor(world: World, id: number, cluster: Cluster) {
    this.#world = world
    this.id = id
    this.name = `node-${id}`
    this.isBroker = id <= cluster.options.brokers
    this.isController = cluster.voterIds.includes(id)
    this.machine = world.machine(this.name)
    this.#format = { clusterId, ignoreFormatted: true, ...cluster.votersAtFirst(this) }
    this.#config = () => parseBrokerConfig(new Map(Object.entries(cluster.settingsOf(this))))
  }

  /** The broker that runs now and has started. */
  get broker(): Broker | null {
    return this.#life?.broker ?? null
  }

  get isRunning(): boolean {
    return this.#life !== null
  }

  /** Not paused, not stopping. */
  get isWell(): boolean {
    return this.#life !== null && !this.#life.stopping && !this.machine.isPaused
  }

  start(): void {
    this.wanted = true
    if (this.#life) return
    const host = this.machine.boot()
    const life: Life = { host, broker: null, stopping: false }
    this.#life = life
    this.starts++
    this.#world.trace.say(this.name, 'starts')
    this.#start(life).catch(error => {
      if (this.#life !== life) return
      this.#world.trace.say(this.name, `did not start: ${error instanceof Error ? error.stack : error}`)
      this.#ended(life)
    })
  }

  async #start(life: Life): Promise<void> {
    const config = this.#config()
    if (!this.#formatted) {
      await formatDirectories(life.host, config, this.#format)
      this.#formatted = true
    }
    const broker = await Broker.start(config, life.host)
    if (this.#life !== life) return
    life.broker = broker
    this.#world.trace.say(this.name, 'started')
    broker.whenFailed(failure => {
      if (this.#life !== life) return
      this.#world.trace.say(this.name, `failed: ${failure.message}`)
      this.#ended(life)
    })
  }

  /** An orderly stop; the process ends when it is done. */
  stop(): void {
    this.wanted = false
    const life = this.#life
    if (!life || life.stopping) return
    life.stopping = true
    if (!life.broker) return this.kill()
    this.#world.trace.say(this.name, 'stops')
    life.broker.close().then(
      () => this.#ended(life),
      error => {
        if (this.#life !== life) return
        this.#world.trace.say(this.name, `did not stop in order: ${error instanceof Error ? error.stack : error}`)
        this.#ended(life)
      },
    )
  }

  kill(): void {
    this.wanted = false
    if (!this.#life) return
    this.#world.trace.say(this.name, 'is killed')
    this.#life = null
    this.machine.kill()
  }

  cutPower(): void {
    this.wanted = false
    this.#world.trace.say(this.name, 'loses its power')
    this.#life = null
    this.machine.cutPower()
  }

  #ended(life: Life): void {
    if (this.#life !== life) return
    this.#world.trace.say(this.name, 'has ended')
    this.#life = null
    this.machine.kill()
  }
}

export class Cluster {
  readonly world: World
  readonly options: ClusterOptions
  readonly voterIds: readonly number[]
  readonly nodes: readonly Node[]
  readonly #directoryIds: readonly string[]

  constructor(world: World, options: ClusterOptions) {
    this.world = world
    this.options = options
    const { brokers, controllers, quorum } = options
    const first = controllers > 0 ? brokers + 1 : 1
    const voters = quorum === 'alone' ? 1 : controllers > 0 ? controllers : Math.min(brokers, votersMax)
    this.voterIds = Array.from({ length: voters }, (_, at) => first + at)
    this.#directoryIds = this.voterIds.map(() => world.random.uuid())
    this.nodes = Array.from({ length: brokers + controllers }, (_, at) => new Node(world, at + 1, this))
  }

  get brokers(): readonly Node[] {
    return this.nodes.filter(({ isBroker }) => isBroker)
  }

  /** Where clients begin. */
  get bootstrap(): readonly Endpoint[] {
    return this.brokers.map(({ name }) => ({ host: name, port: clientPort }))
  }

  /** What the storage tool is told about the first voters. */
  votersAtFirst({ isController }: Pick<Node, 'isController'>): Partial<FormatOptions> {
    if (this.options.quorum !== 'dynamic') return {}
    if (!isController) return { noInitialControllers: true }
    const voters = this.voterIds.map((id, at) => `${id}@node-${id}:${controllerPort}:${this.#directoryIds[at]}`)
    return { initialControllers: voters.join(',') }
  }

  start(): void {
    for (const node of this.nodes) node.start()
  }

  settingsOf({ id, name, isBroker, isController }: Node): Record<string, string> {
    const { quorum, settings } = this.options
    const roles = [...(isBroker ? ['broker'] : []), ...(isController ? ['controller'] : [])]
    const common = { ...settings, 'node.id': String(id), 'log.dirs': '/data', 'auto.create.topics.enable': 'false' }
    const own = {
      listeners: `PLAINTEXT://${name}:${clientPort}`,
      'advertised.listeners': `PLAINTEXT://${name}:${clientPort}`,
    }
    if (quorum === 'alone') return { ...common, ...own }
    const addresses = this.voterIds.map(voter => `node-${voter}:${controllerPort}`)
    const listeners = [
      ...(isBroker ? [own.listeners] : []),
      ...(isController ? [`CONTROLLER://${name}:${controllerPort}`] : []),
    ]
    return {
      ...common,
      'process.roles': roles.join(','),
      'controller.listener.names': 'CONTROLLER',
      ...(quorum === 'static'
        ? { 'controller.quorum.voters': this.voterIds.map((voter, at) => `${voter}@${addresses[at]}`).join(',') }
        : { 'controller.quorum.bootstrap.servers': addresses.join(',') }),
      listeners: listeners.join(','),
      ...(isBroker && { 'advertised.listeners': own['advertised.listeners'] }),
    }
  }
}
