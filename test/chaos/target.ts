/** What is put to the test: how its brokers are set up and started. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AnomalyClass } from '../history/check.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface Target {
  readonly name: 'ottla' | 'kafka'
  /** Of the whole cluster in the worst case. */
  readonly recoveryLimitMs: number
  /** Writes are on the disk before they are acknowledged: all machines may lose their power at once. */
  readonly durable: boolean
  /** Damage in segments and checkpoints is found and repaired, not only in indexes. */
  readonly repairs: boolean
  /** What it is known to do. */
  readonly allowed: readonly AnomalyClass[]
  /** How all brokers are ended at once, when they are at rest. The last of Kafka's waits for a majority to say goodbye to. */
  readonly endOfAll: 'SIGTERM' | 'SIGKILL'
  format(propertiesPath: string, clusterId: string): void
  command(propertiesPath: string): string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface NodeAddress {
  readonly id: number
  readonly host: string
}

export const clientPort = 9092
export const controllerPort = 9093

/** Ordinary server.properties of one of several combined nodes, with timeouts that suit a test. */
export function serverProperties(
  nodes: readonly NodeAddress[],
  id: number,
  dataDirectory: string,
  overrides: readonly string[],
): string {
  const { host } = nodes.find(node => node.id === id)!
  return [
    'process.roles=broker,controller',
    `node.id=${id}`,
    `controller.quorum.voters=${nodes.map(node => `${node.id}@${node.host}:${controllerPort}`).join(',')}`,
    `listeners=PLAINTEXT://${host}:${clientPort},CONTROLLER://${host}:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://${host}:${clientPort}`,
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name=PLAINTEXT',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${dataDirectory}`,
    'auto.create.topics.enable=false',
    'default.replication.factor=3',
    'min.insync.replicas=2',
    'unclean.leader.election.enable=false',
    'offsets.topic.replication.factor=3',
    'offsets.topic.num.partitions=3',
    'transaction.state.log.replication.factor=3',
    'transaction.state.log.min.isr=2',
    'transaction.state.log.num.partitions=3',
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    // A failover in seconds: a broker is missed after one and a half, a controller after one.
    'broker.heartbeat.interval.ms=500',
    'broker.session.timeout.ms=1500',
    'controller.quorum.fetch.timeout.ms=1000',
    'controller.quorum.election.timeout.ms=500',
    'controller.quorum.election.backoff.max.ms=300',
    'controller.quorum.request.timeout.ms=1000',
    'replica.lag.time.max.ms=3000',
    'replica.fetch.wait.max.ms=200',
    'replica.socket.timeout.ms=2000',
    'controller.socket.timeout.ms=2000',
    // Segments that roll, indexes with something in them.
    'log.segment.bytes=1048576',
    'log.index.interval.bytes=1024',
    ...overrides,
    '',
  ].join('\n')
}

export const ottla: Target = {
  name: 'ottla',
  recoveryLimitMs: 60_000,
  durable: true,
  repairs: true,
  allowed: [],
  endOfAll: 'SIGTERM',
  format(propertiesPath, clusterId) {
    must('node', `${root}dist/bin/ottla.js`, 'storage', 'format', '-t', clusterId, '-c', propertiesPath)
  },
  command: propertiesPath => ['node', `${root}dist/bin/ottla.js`, 'start', '-c', propertiesPath],
  environment: {},
}

/** Apache Kafka from the jars that compat/kafka/fetch.sh brings: what the harness itself is tried on. */
export function apacheKafka(): Target {
  const fetched = spawnSync(`${root}compat/kafka/fetch.sh`, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const libs = fetched.stdout.trim()
  readdirSync(libs)
  const java = (heap: string, main: string) => [
    ...['java', `-Xmx${heap}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-cp', `${libs}/*`],
    `-Dlog4j2.configurationFile=${root}compat/kafka/log4j2.properties`,
    main,
  ]
  return {
    name: 'kafka',
    recoveryLimitMs: 120_000,
    durable: false,
    repairs: false,
    // A coordinator that has just been loaded reads offsets as of its high watermark, which may be older than what was committed.
    allowed: ['committed-offset-back'],
    endOfAll: 'SIGKILL',
    format(propertiesPath, clusterId) {
      must(...java('96m', 'kafka.tools.StorageTool'), 'format', '-t', clusterId, '-c', propertiesPath)
    },
    command: propertiesPath => [...java('256m', 'kafka.Kafka'), propertiesPath],
    environment: {},
  }
}

function must(...command: readonly string[]): void {
  const done = spawnSync(command[0], command.slice(1), { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.stderr || done.stdout}`)
}
