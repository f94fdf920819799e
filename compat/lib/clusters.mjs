// Starts clusters: nodes of Ottla, of Apache Kafka, or of both. All of them read the same kind of server.properties.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './brokers.mjs'
import { brokersUp, quorumOf } from './wire.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const clusterId = 'MkU3OEVBNTcwNTJENDM2Qg'

/** Small topics of its own, so that a cluster is up soon; replicated, so that it outlives a node. */
const defaults = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 8,
  'offsets.topic.replication.factor': 3,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.replication.factor': 3,
  'transaction.state.log.min.isr': 2,
  'share.coordinator.state.topic.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 3,
  'share.coordinator.state.topic.min.isr': 2,
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

export async function until(probe, timeoutMs, what) {
  const end = performance.now() + timeoutMs
  for (;;) {
    const value = await Promise.resolve(probe()).catch(() => null)
    if (value) return value
    if (performance.now() > end) throw new Error(`timed out waiting for ${what}`)
    await pause(50)
  }
}

/** Runs a command to its end; rejects with what it said when that was not good. */
function run(command, args, logFile, environment = {}) {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, ...environment } })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', code => {
      if (code === 0) resolve()
      else
        reject(
          new Error(`${command} ${args.join(' ')} ended with ${code}: ${readFileSync(logFile, 'utf8').slice(-2000)}`),
        )
    })
  })
}

/** How each implementation is formatted and run, given its server.properties. */
const kinds = {
  kafka: {
    format: (conf, flags, logFile) =>
      run(
        join(root, 'compat/kafka/java.sh'),
        ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', conf, ...flags],
        logFile,
        {
          OTTLA_KAFKA_HEAP: '128m',
        },
      ),
    start: conf => [join(root, 'compat/kafka/java.sh'), ['kafka.Kafka', conf]],
  },
  ottla: {
    format: (conf, flags, logFile) =>
      run(
        process.execPath,
        [join(root, 'dist/bin/ottla.js'), 'storage', 'format', '-t', clusterId, '-c', conf, ...flags],
        logFile,
      ),
    start: conf => [process.execPath, [join(root, 'dist/bin/ottla.js'), 'start', '--config', conf]],
  },
}

/** One node of a cluster: a process that can be stopped, killed, paused and started again on its files. */
class Node {
  #child = null
  #ended = Promise.resolve()

  constructor(options) {
    Object.assign(this, options)
  }

  get isBroker() {
    return this.roles.includes('broker')
  }

  get isController() {
    return this.roles.includes('controller')
  }

  get bootstrap() {
    return `127.0.0.1:${this.port}`
  }

  get controller() {
    return `127.0.0.1:${this.controllerPort}`
  }

  get isRunning() {
    return this.#child !== null
  }

  get pid() {
    return this.#child?.pid
  }

  /** The process only; whoever needs the node in service asks the cluster. */
  start() {
    if (this.#child) return
    const [command, args] = kinds[this.kind].start(this.conf)
    const log = openSync(this.logFile, 'a')
    const environment = { ...process.env, OTTLA_KAFKA_HEAP: this.heap, ...this.environment }
    const child = spawn(command, args, { stdio: ['ignore', log, log], env: environment })
    this.#child = child
    this.#ended = new Promise(resolve =>
      child.on('exit', () => {
        if (this.#child === child) this.#child = null
        resolve()
      }),
    )
  }

  signal(name) {
    this.#child?.kill(name)
  }

  /** In good order: leaderships are handed over first. Resolves when the process has ended. */
  async stop(patienceMs = 30_000) {
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs)
    await this.#ended
    clearTimeout(timer)
  }

  async kill() {
    this.signal('SIGKILL')
    await this.#ended
  }
}

/**
 * Starts a cluster and resolves when all its brokers are in service.
 *
 * - `nodes`: a list of { id, kind: 'ottla' | 'kafka', roles, settings }, or a number of combined nodes of `kind`
 * - `voters`: 'dynamic' (kraft.version 1, in the metadata log) or 'static' (controller.quorum.voters)
 * - `features`: levels that the cluster is formatted with, as name=level
 * - `settings`: for all nodes; `directory`: where files go (else a new one, removed at the end)
 * - `heap`, `environment`: of Apache Kafka's JVMs, of all processes
 */
export async function startCluster(options = {}) {
  const cluster = await Cluster.prepare(options)
  try {
    for (const node of cluster.nodes) node.start()
    await cluster.ready(options.readyMs)
  } catch (error) {
    await cluster.stop(true)
    throw error
  }
  return cluster
}

export class Cluster {
  constructor(directory, keeps, nodes) {
    this.directory = directory
    this.nodes = nodes
    this.keeps = keeps
  }

  /** Formats the directories of all nodes; starts none. */
  static async prepare(options) {
    const keeps = options.directory !== undefined
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'cluster-'))
    const nodes = []
    for (const given of listOf(options)) {
      const folder = join(directory, `node-${given.id}`)
      mkdirSync(folder, { recursive: true })
      nodes.push(
        new Node({
          kind: options.kind ?? 'ottla',
          roles: ['broker', 'controller'],
          settings: {},
          heap: options.heap ?? '256m',
          environment: options.environment ?? {},
          port: await freePort(),
          controllerPort: await freePort(),
          directoryId: randomDirectoryId(),
          dataDir: join(folder, 'data'),
          conf: join(folder, 'server.properties'),
          logFile: join(folder, 'log.txt'),
          ...given,
        }),
      )
    }
    const cluster = new Cluster(directory, keeps, nodes)
    for (const node of nodes) cluster.configure(node, options)
    await Promise.all(nodes.map(node => cluster.format(node, options)))
    return cluster
  }

  /** Addresses of the brokers, for clients. */
  get bootstrap() {
    return this.nodes
      .filter(node => node.isBroker)
      .map(node => node.bootstrap)
      .join(',')
  }

  /** Addresses of the controllers. */
  get bootstrapControllers() {
    return this.nodes
      .filter(node => node.isController)
      .map(node => node.controller)
      .join(',')
  }

  node(id) {
    return this.nodes.find(node => node.id === id)
  }

  configure(node, { voters = 'dynamic', settings = {} }) {
    const controllers = this.nodes.filter(each => each.isController)
    const listeners = []
    if (node.isBroker) listeners.push(`PLAINTEXT://127.0.0.1:${node.port}`)
    if (node.isController) listeners.push(`CONTROLLER://127.0.0.1:${node.controllerPort}`)
    const quorum =
      voters === 'static'
        ? { 'controller.quorum.voters': controllers.map(each => `${each.id}@${each.controller}`).join(',') }
        : { 'controller.quorum.bootstrap.servers': controllers.map(each => each.controller).join(',') }
    const properties = {
      'process.roles': node.roles.join(','),
      'node.id': node.id,
      ...quorum,
      listeners: listeners.join(','),
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'log.dirs': node.dataDir,
      ...defaults,
      ...settings,
      ...node.settings,
    }
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(node.conf, lines.join(''))
  }

  async format(node, { voters = 'dynamic', features = [] }) {
    if (existsSync(join(node.dataDir, 'meta.properties'))) return
    const first = this.nodes.filter(each => each.isController && !each.joinsLater)
    const initial = first.map(each => `${each.id}@${each.controller}:${each.directoryId}`).join(',')
    const flags =
      voters === 'static'
        ? []
        : first.includes(node)
          ? ['--initial-controllers', initial]
          : ['--no-initial-controllers']
    const levels = node.isController ? features.flatMap(each => ['--feature', each]) : []
    await kinds[node.kind].format(node.conf, [...flags, ...levels], node.logFile)
  }

  /** Resolves when every broker that runs is in service. */
  async ready(timeoutMs = 120_000) {
    const wanted = this.nodes.filter(node => node.isRunning && node.isBroker)
    const ids = wanted.map(({ id }) => id)
    const check = async () => {
      const dead = wanted.find(node => !node.isRunning)
      if (dead) return dead
      const known = await Promise.all(wanted.map(node => brokersUp(node.bootstrap)))
      return known.every(up => ids.every(id => up.includes(id)))
    }
    const end = await until(check, timeoutMs, `brokers ${ids} to be in service; see ${this.directory}`)
    if (end !== true) throw new Error(`node ${end.id} ended; see ${end.logFile}`)
  }

  /** Id of the controller that is active now. */
  async activeController() {
    const running = this.nodes.filter(node => node.isRunning)
    const address = node => (node.isBroker ? node.bootstrap : node.controller)
    return (await quorumOf(running.map(address).join(','))).leaderId
  }

  /** Starts a node and resolves when it is in service. */
  async start(id, timeoutMs) {
    this.node(id).start()
    await this.ready(timeoutMs)
  }

  async stop(isFailed = false) {
    await Promise.all(this.nodes.map(node => (isFailed ? node.kill() : node.stop())))
    if (!this.keeps && !isFailed) rmSync(this.directory, { recursive: true, force: true })
  }
}

function listOf({ nodes = 3 }) {
  return Array.isArray(nodes) ? nodes : Array.from({ length: nodes }, (_, index) => ({ id: index + 1 }))
}

/** Kafka refuses ids that begin with a dash, which command lines would take for an option. */
function randomDirectoryId() {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
