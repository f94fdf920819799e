/** `ottla start`: runs a broker until SIGTERM or SIGINT. */
import { Broker } from '../../src/broker.ts'
import { formatDirectories } from '../../src/cli/storage-format.ts'
import { type BrokerConfig, ConfigError } from '../../src/config/broker.ts'
import type { Host } from '../../src/host/host.ts'
import { type LogLevel, nodeHost } from '../../src/host/node.ts'
import { type ConfigurationOptions, readConfiguration } from './configuration.ts'
import { fail } from './fail.ts'
import { packageVersion } from './version.ts'

export interface StartOptions extends ConfigurationOptions {
  readonly logLevel?: LogLevel
}

export async function start(options: StartOptions): Promise<void> {
  const host = nodeHost({ logger: { level: options.logLevel ?? levelOfEnvironment(options) } })
  const stopping = stopOnSignals(host)
  try {
    const config = await readConfiguration(options, host)
    host.log.info({ version: await packageVersion(host.disk), node: process.version, dirs: config.logDirs }, 'starting')
    await formatForCluster(host, config, options)
    const broker = await Broker.start(config, host, { signal: stopping.starting.signal })
    stopping.broker = broker
    announce(broker, host)
    broker.whenFailed(failure => {
      host.log.error({ err: failure }, 'no log directory is left: stopping')
      process.exit(1)
    })
  } catch (error) {
    if (stopping.starting.signal.aborted) process.exit(0)
    if (isExplained(error)) fail(error)
    host.log.error({ err: error }, 'cannot start')
    process.exit(1)
  }
}

/** One line on standard output for whoever waits for the broker, the rest in the log. */
function announce(broker: Broker, host: Host): void {
  for (const { name, host: address, port, advertisedHost, advertisedPort } of broker.listeners) {
    host.log.info(
      { listener: name, address: shown(address, port), advertised: shown(advertisedHost, advertisedPort) },
      'listening',
    )
  }
  const [{ advertisedHost, advertisedPort }] = broker.listeners
  process.stdout.write(
    `ottla ready on ${shown(advertisedHost, advertisedPort)} (node ${broker.nodeId}, cluster ${broker.clusterId})\n`,
  )
}

function shown(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** The variable CLUSTER_ID says, as in the apache/kafka image, which cluster new directories belong to. */
async function formatForCluster(host: Host, config: BrokerConfig, options: StartOptions): Promise<void> {
  const clusterId = options.env ? process.env.CLUSTER_ID : undefined
  if (clusterId) await formatDirectories(host, config, { clusterId, ignoreFormatted: true })
}

/** Faults of the configuration or of the machine, whose message says all there is to say. */
function isExplained(error: unknown): boolean {
  if (error instanceof ConfigError) return true
  const { name, code } = error as { name?: string; code?: unknown }
  const explained = ['DiskError', 'StartError', 'FormatError', 'MetaPropertiesError', 'QuorumError', 'SnapshotError']
  return explained.includes(name ?? '') || (typeof code === 'string' && code.startsWith('E'))
}

/** Log4j's names, which the apache/kafka image takes in a variable. */
const levels: Readonly<Record<string, LogLevel>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
  OFF: 'silent',
}

function levelOfEnvironment(options: StartOptions): LogLevel {
  return (options.env && levels[process.env.KAFKA_LOG4J_ROOT_LOGLEVEL?.toUpperCase() ?? '']) || 'info'
}

interface Stopping {
  /** Aborted by a signal that comes before the broker takes clients. */
  readonly starting: AbortController
  broker: Broker | null
}

/** The first signal closes cleanly, a second one doesn't wait. */
function stopOnSignals(host: Host): Stopping {
  const running: Stopping = { starting: new AbortController(), broker: null }
  let stopping = false
  const stop = (signal: string) => {
    if (stopping) process.exit(1)
    stopping = true
    host.log.info({ signal }, 'stopping')
    const { broker, starting } = running
    if (!broker) return starting.abort()
    broker.close().then(
      () => {
        host.log.info({}, 'stopped')
        process.exit(0)
      },
      error => {
        host.log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  return running
}
