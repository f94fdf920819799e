/** A broker inside of another program: its options, and what they mean as settings of a server. */
import { Broker } from '../broker.ts'
import { type BrokerConfig, parseBrokerConfig } from '../config/broker.ts'
import { MemoryDisk } from '../host/memory.ts'
import { type LogLevel, nodeHost } from '../host/node.ts'
import type { ClientMetricsReceiver } from '../telemetry/client-telemetry.ts'

export interface BrokerOptions {
  /** Where the data is kept. Without it everything is in memory and gone when the broker closes. */
  readonly dataDir?: string
  /** The address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** Default 0: a free one. */
  readonly port?: number
  /** Default 1. */
  readonly nodeId?: number
  /** What clients are told to connect to; needed when `host` is 0.0.0.0. Default is the address listened on. */
  readonly advertisedHost?: string
  /** Settings as in Kafka's server.properties, such as `{ 'num.partitions': 3 }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** Default 'silent'. Goes to standard error. */
  readonly logLevel?: LogLevel
  /** Takes the metrics that clients push when a client metrics subscription asks for them (KIP-714); logged otherwise. */
  readonly onClientMetrics?: ClientMetricsReceiver
}

export interface RunningBroker extends AsyncDisposable {
  /** `host:port` for `bootstrap.servers` or `brokers`. */
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  readonly nodeId: number
  readonly clusterId: string
  /** Answers what is in work, syncs, and releases everything. Calling it twice is fine. */
  close(): Promise<void>
}

/** Made for tests: one process, few partitions of the broker's own, no waiting for members that will not come. */
const embeddedDefaults = {
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
}

/** Starts a broker; resolves when it takes clients. Throws ConfigError for settings that are wrong. */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const config = embeddedConfig(options)
  const disk = options.dataDir === undefined ? new MemoryDisk() : undefined
  const host = nodeHost({ disk, logger: { level: options.logLevel ?? 'silent' } })
  const broker = await Broker.start(config, host, { clientMetrics: options.onClientMetrics })
  const close = () => broker.close()
  return { ...addressOf(broker), close, [Symbol.asyncDispose]: close }
}

/** Who a broker is and where it listens. */
export function addressOf(broker: Broker): Omit<RunningBroker, 'close' | typeof Symbol.asyncDispose> {
  const [listener] = broker.listeners
  return {
    bootstrap: address(listener.advertisedHost, listener.advertisedPort),
    host: listener.advertisedHost,
    port: listener.port,
    nodeId: broker.nodeId,
    clusterId: broker.clusterId,
  }
}

/** Throws ConfigError. `defaults` are of the kind of embedding, behind what the options say. */
export function embeddedConfig(options: BrokerOptions, defaults: Readonly<Record<string, string>> = {}): BrokerConfig {
  const host = options.host ?? '127.0.0.1'
  const properties = new Map<string, string>(Object.entries({ ...embeddedDefaults, ...defaults }))
  properties.set('listeners', plainListener(host, options.port))
  if (options.advertisedHost)
    properties.set('advertised.listeners', plainListener(options.advertisedHost, options.port))
  properties.set('log.dirs', options.dataDir ?? '/ottla')
  if (options.nodeId !== undefined) properties.set('node.id', String(options.nodeId))
  for (const [key, value] of Object.entries(options.config ?? {})) properties.set(key, String(value))
  return parseBrokerConfig(properties)
}

function plainListener(host: string, port = 0): string {
  return `PLAINTEXT://${address(host, port)}`
}

function address(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
