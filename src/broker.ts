/**
 * The composition root: makes the rooms of one broker and connects them. A cluster in one process is several of these, on
 * real hosts or on simulated ones.
 */
import { compressionReady } from '../protocol/records/compression.ts'
import { Dispatcher } from './api/dispatch.ts'
import { FetchSessionCache, fetchSessionLimits } from './api/fetch-sessions.ts'
import { handlers } from './api/handlers.ts'
import type { Rooms } from './api/request.ts'
import type { BrokerConfig } from './config/broker.ts'
import { EffectiveConfigs } from './config/effective.ts'
import type { Listener } from './config/listeners.ts'
import { defaultBootstrapRecords } from './controller/bootstrap.ts'
import { Controller } from './controller/controller.ts'
import { Coordinators } from './coordinator/coordinators.ts'
import { ProducerIds } from './coordinator/producer-ids.ts'
import { coordinatorSettings } from './coordinator/settings.ts'
import type { Host } from './host/host.ts'
import { Watermark } from './lib/watermark.ts'
import { defaultLogConfig, type LogConfig } from './log/log-config.ts'
import { Logs } from './log/logs.ts'
import { supportedFeatures } from './metadata/features.ts'
import { MetadataFollower } from './metadata/follower.ts'
import { metadataTopic, metadataTopicId, offsetsTopic } from './metadata/internal-topics.ts'
import { MetadataState } from './metadata/state.ts'
import type { Serve } from './network/connection.ts'
import { networkLimitsOf } from './network/limits.ts'
import { type BoundListener, Listeners } from './network/listener.ts'
import { metadataBatchBytesMax, Quorum } from './raft/quorum.ts'
import { Partitions } from './replication/partitions.ts'
import { topicLogConfig } from './replication/topic-log-config.ts'

const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

export interface BrokerOptions {
  /** What clients of every listener are told instead of the configured host. */
  readonly advertisedHost?: string
}

/** The directories say something else than the configuration. */
export class StartError extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'StartError'
  }
}

export class Broker {
  readonly nodeId: number
  readonly clusterId: string
  readonly #rooms: Rooms
  readonly #listeners: Listeners
  readonly #follower: MetadataFollower
  readonly #brokerEpoch: number
  #closing: Promise<void> | null = null

  private constructor(rooms: Rooms, listeners: Listeners, follower: MetadataFollower, brokerEpoch: number) {
    this.nodeId = rooms.nodeId
    this.clusterId = rooms.clusterId
    this.#rooms = rooms
    this.#listeners = listeners
    this.#follower = follower
    this.#brokerEpoch = brokerEpoch
  }

  /** Resolves when the broker takes clients. Throws StartError, DiskError, MetaPropertiesError, and what binding throws. */
  static async start(config: BrokerConfig, host: Host, options: BrokerOptions = {}): Promise<Broker> {
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
      const { rooms, follower, brokerEpoch } = await connect(config, host, logs, listeners.bound)
      const dispatcher = new Dispatcher(handlers, rooms)
      serve = (frame, peer, turn) => dispatcher.serve(frame, peer, turn)
      open(serve)
      return new Broker(rooms, listeners, follower, brokerEpoch)
    } catch (error) {
      await listeners.close()
      await logs.close()
      throw error
    }
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
    const { coordinators, partitions, controller, logs } = this.#rooms
    await this.#listeners.close()
    coordinators.close()
    controller.close()
    this.#follower.close()
    await partitions.close()
    await logs.close(this.#brokerEpoch)
  }
}

interface Connected {
  readonly rooms: Rooms
  readonly follower: MetadataFollower
  readonly brokerEpoch: number
}

/** Everything behind the listeners, from the files up. */
async function connect(
  config: BrokerConfig,
  host: Host,
  logs: Logs,
  bound: readonly BoundListener[],
): Promise<Connected> {
  const { nodeId } = config
  const clusterId = await identify(config, host, logs)
  const metadataLog = await logs.create(metadataTopic, metadataTopicId, 0, metadataLogConfig(config))
  const { directoryId = null } = logs.directoryOf(metadataLog).meta ?? {}
  const quorum = await Quorum.open({ host, log: metadataLog, nodeId, directoryId })
  const metadata = new MetadataState()
  for (const record of quorum.snapshotRecords) metadata.apply(record, quorum.logStartOffset - 1)
  const follower = new MetadataFollower(quorum, metadata, host.log)
  const served = new Watermark(quorum.logStartOffset)
  const { snapshotRecords } = quorum
  const controller = new Controller({ host, config, log: quorum, snapshotRecords, applied: served })
  const configs = new EffectiveConfigs(config, metadata)
  const logConfig = (topic: string) => topicLogConfig(topic, configs)
  const partitions = new Partitions({ brokerId: nodeId, logs, metadata, logConfig, log: host.log })
  follow(follower.applied, served, () => partitions.settled())
  await follower.start()
  await controller.load()
  await controller.bootstrap(defaultBootstrapRecords)
  await logs.loadAll(logConfig)
  await partitions.start()
  const { brokerEpoch } = await controller.registerBroker({
    brokerId: nodeId,
    incarnationId: host.random.uuid(),
    endpoints: bound.map(listener => ({
      name: listener.name,
      host: listener.advertisedHost,
      port: listener.advertisedPort,
      securityProtocol: securityProtocols.indexOf(listener.securityProtocol),
    })),
    features: supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
      name,
      minSupportedVersion: minVersion,
      maxSupportedVersion: maxVersion,
    })),
    rack: config.brokerRack,
    logDirs: logs.directories.flatMap(({ meta }) => meta?.directoryId ?? []),
  })
  await controller.unfenceBroker(nodeId, brokerEpoch)
  logs.start()
  const coordinators = coordinate(config, host, metadata, controller, partitions)
  const rooms: Rooms = {
    nodeId,
    clusterId,
    host,
    config,
    configs,
    metadata,
    controller,
    partitions,
    coordinators,
    producerIds: new ProducerIds(async () => {
      const { firstId, count } = await controller.allocateProducerIds(nodeId, brokerEpoch)
      return { firstId, count }
    }),
    logs,
    quorum,
    fetchSessions: new FetchSessionCache(host.random, {
      ...fetchSessionLimits,
      slots: config.maxIncrementalFetchSessionCacheSlots,
    }),
    features: {
      supported: supportedFeatures,
      finalized: () => metadata.features,
      finalizedEpoch: () => metadata.lastOffset,
    },
  }
  return { rooms, follower, brokerEpoch }
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

/** Reads who the directories belong to, and formats those that are new. */
async function identify(config: BrokerConfig, host: Host, logs: Logs): Promise<string> {
  const known = logs.directories.flatMap(({ meta, path }) => (meta ? [{ meta, path }] : []))
  for (const { meta, path } of known) {
    if (meta.nodeId !== config.nodeId) {
      throw new StartError(`${path} belongs to node ${meta.nodeId}, but node.id is ${config.nodeId}`)
    }
    if (meta.clusterId !== known[0].meta.clusterId) {
      throw new StartError(
        `${path} belongs to cluster ${meta.clusterId}, ${known[0].path} to ${known[0].meta.clusterId}`,
      )
    }
  }
  const clusterId = known[0]?.meta.clusterId ?? host.random.uuid()
  for (const directory of logs.directories) {
    if (directory.meta) continue
    await directory.format({ clusterId, nodeId: config.nodeId, directoryId: host.random.uuid(), others: new Map() })
  }
  return clusterId
}

/** Whoever waits for `served` finds the files of what it was told about in place. */
function follow(applied: Watermark, served: Watermark, settled: () => Promise<void>): void {
  applied.reached(served.value + 1, failure => {
    if (failure) return served.fail(failure)
    const offset = applied.value
    settled().then(() => {
      served.advance(offset)
      follow(applied, served, settled)
    })
  })
}

function logsOptions(config: BrokerConfig) {
  return {
    directories: [...new Set([config.metadataLogDir, ...config.logDirs])],
    recoveryPointCheckpointMs: config.logFlushOffsetCheckpointIntervalMs,
    logStartCheckpointMs: config.logFlushStartOffsetCheckpointIntervalMs,
    highWatermarkCheckpointMs: config.replicaHighWatermarkCheckpointIntervalMs,
    retentionCheckMs: config.logRetentionCheckIntervalMs,
    producerIdExpirationMs: config.producerIdExpirationMs,
  }
}

/** Always synced, and shortened by snapshots only. */
function metadataLogConfig(config: BrokerConfig): LogConfig {
  return {
    ...defaultLogConfig,
    segmentBytes: config.metadataLogSegmentBytes,
    segmentMs: config.metadataLogSegmentMs,
    maxMessageBytes: metadataBatchBytesMax,
    retentionMs: -1,
    retentionBytes: -1,
  }
}

function listenerSettings(listener: Listener, options: BrokerOptions) {
  return {
    name: listener.name,
    securityProtocol: listener.protocol,
    host: listener.host,
    port: listener.port,
    advertisedHost: options.advertisedHost ?? listener.advertised?.host ?? null,
    advertisedPort: listener.advertised?.port ?? null,
    kind: 'broker' as const,
  }
}
