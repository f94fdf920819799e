/** Metrics that clients push when somebody has subscribed to them (KIP-714), and where they go. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { CompressionError, decompressAsync } from '../../protocol/records/compression.ts'
import type { BrokerConfig } from '../config/broker.ts'
import type { Host } from '../host/host.ts'
import type { MetadataState } from '../metadata/state.ts'
import { ClientInstances } from './client-instances.ts'
import { type ClientMetrics, decodeMetrics } from './otlp.ts'
import { ProtobufError } from './protobuf.ts'
import { type ClientTraits, Subscriptions, type Wanted } from './subscriptions.ts'

/** What one push brings. */
export interface ClientMetricsPush extends ClientMetrics {
  readonly clientInstanceId: string
  readonly clientId: string
  readonly softwareName: string
  readonly softwareVersion: string
  readonly address: string
  readonly port: number
  /** The last push of this client. */
  readonly terminating: boolean
}

/** Takes what clients push. Called within a request: what takes long has to be done later. */
export type ClientMetricsReceiver = (push: ClientMetricsPush) => void

export const telemetryLimits = {
  /** Clients remembered. */
  instancesMax: 16_384,
  /** What a push may grow to when it is decompressed, as a multiple of `telemetry.max.bytes`. */
  expansionMax: 10,
} as const

/** zstd, lz4, gzip and snappy, in the order in which clients should prefer them. */
export const telemetryCompressionTypes = [4, 3, 1, 2] as const

export interface PushedMetrics {
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  readonly metrics: Buffer
}

export class ClientTelemetry {
  readonly #host: Pick<Host, 'clock' | 'log'>
  readonly #instances: ClientInstances
  readonly #receive: ClientMetricsReceiver
  /** Of the metrics in a push, as they come. */
  readonly pushBytesMax: number

  /** Without a receiver, what is pushed is logged. */
  constructor(
    host: Pick<Host, 'clock' | 'log'>,
    config: Pick<BrokerConfig, 'telemetryMaxBytes'>,
    metadata: MetadataState,
    receive: ClientMetricsReceiver = push => logPush(host, push),
  ) {
    this.#host = host
    this.#receive = receive
    this.pushBytesMax = config.telemetryMaxBytes
    this.#instances = new ClientInstances({
      subscriptions: new Subscriptions(metadata),
      instancesMax: telemetryLimits.instancesMax,
      pushBytesMax: this.pushBytesMax,
      compressionTypes: telemetryCompressionTypes,
    })
  }

  /** What is wanted of a client. Throws KafkaError. */
  ask(traits: ClientTraits): Wanted {
    return this.#instances.ask(traits, this.#host.clock.monotonic())
  }

  /** Throws KafkaError for what is refused. */
  async push(traits: ClientTraits, pushed: PushedMetrics): Promise<void> {
    const { metrics, terminating, compressionType } = pushed
    const wanted = this.#instances.push(traits, { ...pushed, bytes: metrics.length }, this.#host.clock.monotonic())
    // Nobody has asked for what a client sends of its own accord.
    if (metrics.length === 0 || wanted.metrics.length === 0) return
    const { resource, metrics: points } = await this.#decode(metrics, compressionType)
    this.#receive({
      clientInstanceId: traits.client_instance_id,
      clientId: traits.client_id,
      softwareName: traits.client_software_name,
      softwareVersion: traits.client_software_version,
      address: traits.client_source_address,
      port: Number(traits.client_source_port),
      terminating,
      resource,
      metrics: points,
    })
  }

  async #decode(bytes: Buffer, compressionType: number): Promise<ClientMetrics> {
    try {
      const maxOutput = this.pushBytesMax * telemetryLimits.expansionMax
      return decodeMetrics(await decompressAsync(compressionType, bytes, { maxOutput }))
    } catch (error) {
      if (error instanceof CompressionError && error.reason === 'too-large') {
        throw new KafkaError(Errors.TELEMETRY_TOO_LARGE)
      }
      if (error instanceof CompressionError || error instanceof ProtobufError) {
        throw new KafkaError(Errors.INVALID_RECORD, error.message)
      }
      throw error
    }
  }
}

function logPush({ log }: Pick<Host, 'log'>, { metrics, ...client }: ClientMetricsPush): void {
  const values = metrics.map(({ name, attributes, kind, value, count }) => ({
    name,
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    kind,
    value,
    ...(count === undefined ? {} : { count }),
  }))
  log.info({ ...client, metrics: values }, 'client metrics')
}
