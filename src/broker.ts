/**
 * The composition root: makes the rooms of one broker and connects them. A cluster in one process is several of these, on
 * real hosts or on simulated ones.
 */
import { Errors, KafkaError } from '../protocol/errors.ts'
import { compressionReady } from '../protocol/records/compression.ts'
import { Dispatcher } from './api/dispatch.ts'
import { FetchSessionCache, fetchSessionLimits } from './api/fetch-sessions.ts'
import { handlers } from './api/handlers.ts'
import type { Rooms } from './api/request.ts'
import { type BrokerConfig, ConfigError } from './config/broker.ts'
import { EffectiveConfigs, resourceTypes } from './config/effective.ts'
import type { Listener } from './config/listeners.ts'
import type { Controller } from './controller/controller.ts'
import { MetadataPlane } from './controller/metadata-plane.ts'
import { Coordinators } from './coordinator/coordinators.ts'
import { ProducerIds } from './coordinator/producer-ids.ts'
import { coordinatorSettings } from './coordinator/settings.ts'
import type { Host } from './host/host.ts'
import { Watermark } from './lib/watermark.ts'
import { Logs } from './log/logs.ts'
import { servedLevels, supportedFeatures } from './metadata/features.ts'
import { offsetsTopic } from './metadata/internal-topics.ts'
import type { MetadataState } from './metadata/state.ts'
import type { Serve } from './network/connection.ts'
import { networkLimitsOf } from './network/limits.ts'
import { type BoundListener, Listeners } from './network/listener.ts'
import { Peers } from './network/peers.ts'
import { Partitions, replicationSettings } from './replication/partitions.ts'
import { topicLogConfig } from './replication/topic-log-config.ts'

const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

export interface BrokerOptions {
  /** What clients of every listener are told instead of the configured host. */
  readonly advertisedHost?: string
}

export class Broker {
  readonly nodeId: number
  readonly clusterId: string
  readonly #rooms: Rooms
  readonly #listeners: Listeners
  readonly #plane: MetadataPlane
  #closing: Promise<void> | null = null

  private constructor(rooms: Rooms, listeners: Listeners, plane: MetadataPlane) {
    this.nodeId = rooms.nodeId
    this.clusterId = rooms.clusterId
    this.#rooms = rooms
    this.#listeners = listeners
    this.#plane = plane
  }

  /** Resolves when the broker takes clients. Throws what MetadataPlane.open and Logs.open do, and what binding
   * throws. */
  static async start(config: BrokerConfig, host: Host, options: BrokerOptions = {}): Promise<Broker> {
    if (!config.isAlone) throw new ConfigError(['clusters are not served yet: the node must be alone in its quorum'])
    for (const warning of config.warnings) host.log.warn({}, warning)
    await compressionReady
    const logs = await Logs.open(host, logsOptions(config))
    let serve: Serve | null = null
    let open: (value: Serve) => void = () => {}
    const opened = new Promise<Serve>(resolve => {
      open = resolve
    })
    // Bound early, since ports of 0 must be known before the broker registers; whoever comes early waits.
    const listeners = new Listeners(host, networkLimitsOf(config), (frame, peer, turn) =>
      serve ? serve(frame, peer, turn) : opened.then(ready => ready(frame, peer, turn)),
    )
    try {
      for (const listener of config.listeners) {
        await listeners.open({
          ...listenerSettings(listener, options),
          privileged: listener === config.interBrokerListener,
        })
      }
      const { rooms, plane } = await connect(config, host, logs, listeners.bound)
      followLimits(listeners, rooms)
      const dispatcher = new Dispatcher(handlers, rooms)
      serve = (frame, peer, turn) => dispatcher.serve(frame, peer, turn)
      open(serve)
      return new Broker(rooms, listeners, plane)
    } catch (error) {
      await listeners.close()
      await logs.close()
      throw error
    }
  }

  /** What it is made of, for those who look inside: the simulation checks its invariants here. */
  get rooms(): Rooms {
    return this.#rooms
  }

  /** In the order of the configuration. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners.bound
  }

  /** Runs when the last log directory has gone offline: the broker can do no more good. */
  whenFailed(run: (failure: Error) => void): void {
    const { directories } = this.#rooms.logs
    for (const directory of directories) {
      directory.whenOffline(failure => {
        if (directories.every(({ isOffline }) => isOffline)) run(failure)
      })
    }
  }

  /** Answers what is in work, syncs, and releases everything. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { coordinators, partitions, peers, logs } = this.#rooms
    this.#listeners.stopAccepting()
    // Whoever waits, for records or for other members, is answered now.
    this.#rooms.closing.advance(1)
    coordinators.close()
    await this.#listeners.close()
    await this.#plane.close()
    await peers.close()
    await partitions.close()
    await logs.close(this.#plane.brokerEpoch)
  }
}

interface Connected {
  readonly rooms: Rooms
  readonly plane: MetadataPlane
}

/** Everything behind the listeners, from the files up. */
async function connect(
  config: BrokerConfig,
  host: Host,
  logs: Logs,
  bound: readonly BoundListener[],
): Promise<Connected> {
  const { nodeId } = config
  // Answers of the controller wait for the files of the partitions they speak of.
  let partitions: Partitions | null = null
  const plane = await MetadataPlane.open(host, config, logs, { settled: async () => partitions?.settled() })
  const { state: metadata, controller, quorum } = plane
  const configs = new EffectiveConfigs(config, metadata)
  const logConfig = (topic: string) => topicLogConfig(topic, configs)
  const peers = new Peers(host, { clientId: `ottla-${nodeId}` })
  const listenerName = config.interBrokerListener?.name
  partitions = new Partitions({
    host,
    brokerId: nodeId,
    logs,
    metadata,
    logConfig,
    settings: replicationSettings(config),
    cluster: {
      peers,
      endpointOf: id => metadata.brokers.get(id)?.endpoints.find(({ name }) => name === listenerName) ?? null,
      brokerEpoch: () => plane.brokerEpoch,
      alterPartition: () => Promise.reject(new KafkaError(Errors.NOT_CONTROLLER)),
    },
  })
  await logs.loadAll(logConfig)
  await partitions.start()
  await plane.register(
    bound.map(listener => ({
      name: listener.name,
      host: listener.advertisedHost,
      port: listener.advertisedPort,
      securityProtocol: securityProtocols.indexOf(listener.securityProtocol),
    })),
  )
  await plane.unfence()
  logs.start()
  const coordinators = coordinate(config, host, metadata, controller, partitions)
  const rooms: Rooms = {
    nodeId,
    clusterId: plane.identity.clusterId,
    host,
    config,
    configs,
    metadata,
    controller,
    partitions,
    coordinators,
    forwarding: null,
    peers,
    producerIds: new ProducerIds(() => controller.allocateProducerIds(nodeId, plane.brokerEpoch)),
    logs,
    quorum,
    fetchSessions: new FetchSessionCache(host.random, {
      ...fetchSessionLimits,
      slots: config.maxIncrementalFetchSessionCacheSlots,
    }),
    features: {
      supported: supportedFeatures,
      finalized: () => servedLevels(metadata.features, quorum.kraftVersion),
      finalizedEpoch: () => metadata.lastOffset,
    },
    closing: new Watermark(0),
  }
  return { rooms, plane }
}

function coordinate(
  config: BrokerConfig,
  host: Host,
  metadata: MetadataState,
  controller: Controller,
  partitions: Partitions,
): Coordinators {
  const coordinators = new Coordinators({
    host,
    metadata,
    settings: coordinatorSettings(config),
    createOffsetsTopic: async () => {
      const [{ errorCode }] = await controller.createTopics([
        {
          name: offsetsTopic,
          partitionsCount: config.offsetsTopicNumPartitions,
          replicationFactor: config.offsetsTopicReplicationFactor,
          assignments: [],
          configs: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'compression.type', value: 'producer' },
            { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
          ],
        },
      ])
      return errorCode
    },
  })
  partitions.listen({
    elected: partition => {
      if (partition.topic === offsetsTopic) coordinators.onPartitionLeader(partition.index, partition.asReplicatedLog())
    },
    resigned: (topic, index) => {
      if (topic === offsetsTopic) coordinators.onPartitionLost(index)
    },
  })
  return coordinators
}

function logsOptions(config: BrokerConfig) {
  return {
    directories: config.logDirs,
    recoveryPointCheckpointMs: config.logFlushOffsetCheckpointIntervalMs,
    logStartCheckpointMs: config.logFlushStartOffsetCheckpointIntervalMs,
    highWatermarkCheckpointMs: config.replicaHighWatermarkCheckpointIntervalMs,
    retentionCheckMs: config.logRetentionCheckIntervalMs,
    producerIdExpirationMs: config.producerIdExpirationMs,
    producerIdExpirationCheckMs: config.producerIdExpirationCheckIntervalMs,
    loadsPerDirectory: config.numRecoveryThreadsPerDataDir,
  }
}

/** The limits of connections that may be altered while the broker runs. */
function followLimits(listeners: Listeners, { config, configs, metadata }: Rooms): void {
  const follow = () => {
    listeners.limits = networkLimitsOf({
      ...config,
      maxConnections: Number(configs.brokerText('max.connections')),
      maxConnectionsPerIp: Number(configs.brokerText('max.connections.per.ip')),
      maxConnectionsPerIpOverrides: configs.brokerText('max.connections.per.ip.overrides') ?? '',
    })
  }
  follow()
  metadata.listen({ configChanged: resourceType => resourceType === resourceTypes.broker && follow() })
}

function listenerSettings(listener: Listener, options: BrokerOptions) {
  return {
    name: listener.name,
    securityProtocol: listener.protocol,
    host: listener.host,
    port: listener.port,
    advertisedHost: options.advertisedHost ?? listener.advertised?.host ?? null,
    // Port 0 is told as the port that was taken.
    advertisedPort: listener.advertised?.port || null,
    kind: 'broker' as const,
  }
}
