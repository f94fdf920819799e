/**
 * The composition root: makes the rooms of one broker and connects them. A cluster in one process is several of these, on
 * real hosts or on simulated ones.
 */

import { compressionReady } from '../protocol/records/compression.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../protocol/schema.ts'
import { Conversions } from './api/conversions.ts'
import { Dispatcher } from './api/dispatch.ts'
import { FetchSessionCache, fetchSessionLimits } from './api/fetch-sessions.ts'
import { Forwarding } from './api/forward.ts'
import { handlers } from './api/handlers.ts'
import { loopback } from './api/loopback.ts'
import type { Rooms } from './api/request.ts'
import type { BrokerConfig } from './config/broker.ts'
import { EffectiveConfigs, resourceTypes } from './config/effective.ts'
import type { Listener } from './config/listeners.ts'
import { INT_MAX } from './config/setting.ts'
import { Announcement } from './controller/announcement.ts'
import { ControllerChannel } from './controller/channel.ts'
import { Lifecycle } from './controller/lifecycle.ts'
import { MetadataPlane } from './controller/metadata-plane.ts'
import { ControllerRequests } from './controller/requests.ts'
import { whenShown } from './controller/shown.ts'
import { openCoordinators } from './coordinator/open-coordinators.ts'
import { ProducerIds } from './coordinator/producer-ids.ts'
import type { Host } from './host/host.ts'
import { Watermark } from './lib/watermark.ts'
import { cleanerSettingsOf, Logs } from './log/logs.ts'
import type { Endpoint, FeatureRange } from './metadata/entities.ts'
import { servedLevels, supportedFeatures } from './metadata/features.ts'
import { type Doors, OwnDoors } from './network/doors.ts'
import { networkLimitsOf } from './network/limits.ts'
import type { BoundListener } from './network/listener.ts'
import { Peers } from './network/peers.ts'
import { ClientQuotas } from './quota/client-quotas.ts'
import {
  moveRate,
  Partitions,
  replicationSettings,
  throttledRate,
  throttledReplicas,
} from './replication/partitions.ts'
import { topicLogConfig } from './replication/topic-log-config.ts'
import { type ClientMetricsReceiver, ClientTelemetry } from './telemetry/client-telemetry.ts'

const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** How long what this broker wants for itself may look for a controller, milliseconds: somebody waits for it. */
const ownRequestsTimeoutMs = 5000

export interface CloseOptions {
  /** Without moving leaderships to others first; everything is synced all the same. */
  readonly abrupt?: boolean
}

export interface BrokerOptions {
  /** What clients of every listener are told instead of the configured host. */
  readonly advertisedHost?: string
  /** Aborted before the broker takes clients, the start ends with an error and everything is released. Later it means nothing. */
  readonly signal?: AbortSignal
  /** Doors that are not the broker's own: they stay when it ends, and are bound already if it is not the first behind them. */
  readonly doors?: Doors
  /** Takes the metrics that clients push; they are logged otherwise. */
  readonly clientMetrics?: ClientMetricsReceiver
}

export class Broker {
  readonly nodeId: number
  readonly clusterId: string
  readonly #node: Node
  readonly #doors: Doors
  #closing: Promise<void> | null = null

  private constructor(node: Node, doors: Doors) {
    this.nodeId = node.rooms.nodeId
    this.clusterId = node.rooms.clusterId
    this.#node = node
    this.#doors = doors
  }

  /** Resolves when the broker takes clients. Throws what MetadataPlane.open and Logs.open do, and what binding
   * throws. */
  static async start(config: BrokerConfig, host: Host, options: BrokerOptions = {}): Promise<Broker> {
    for (const warning of config.warnings) host.log.warn({}, warning)
    await compressionReady
    const logs = await Logs.open(host, logsOptions(config))
    // Bound early, since ports of 0 must be known before the broker registers; whoever comes early waits.
    const doors = options.doors ?? new OwnDoors(host, networkLimitsOf(config))
    let node: Node | null = null
    try {
      await bindListeners(doors, config, options)
      node = await assemble(config, host, logs, doors, options)
      doors.open('controller', node.dispatcher)
      if (node.lifecycle) await Promise.race([live(node, node.lifecycle, options.signal), rejectedWhenLost(logs)])
      doors.open('broker', node.dispatcher)
      return new Broker(node, doors)
    } catch (error) {
      doors.stopAccepting()
      await doors.close()
      await node?.close()
      await logs.close()
      throw error
    }
  }

  /** What it is made of, for those who look inside: the simulation checks its invariants here. */
  get rooms(): Rooms {
    return this.#node.rooms
  }

  /** What answers its requests, for those who ask without a socket. */
  get dispatcher(): Dispatcher {
    return this.#node.dispatcher
  }

  /** In the order of the configuration. */
  get listeners(): readonly BoundListener[] {
    return this.#doors.bound
  }

  /** Asks the active controller of the cluster, wherever it is. Throws KafkaError. */
  ask<A extends AnyApi>(api: A, body: RequestInputOf<A>, timeoutMs: number): Promise<DecodedResponseOf<A>> {
    return this.#node.channel.request(api, body, { timeoutMs, lane: 'admin' })
  }

  /** Runs when the last log directory has gone offline: the broker can do no more good. */
  whenFailed(run: (failure: Error) => void): void {
    whenLost(this.#node.rooms.logs, run)
  }

  /** Answers what is in work, syncs, and releases everything. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: CloseOptions): Promise<void> {
    const { rooms, lifecycle } = this.#node
    const { coordinators, transactions, logs, config, metadata } = rooms
    const isAlone = metadata.brokers.size < 2
    if (lifecycle && config.controlledShutdownEnable && !isAlone && !options.abrupt) await lifecycle.leave()
    // First of all the quorum learns of it: it can choose another leader while this node still answers its clients.
    await this.#node.plane.close()
    this.#doors.stopAccepting()
    // Whoever waits, for records or for other members, is answered now.
    rooms.closing.advance(1)
    coordinators.close()
    transactions.close()
    await this.#doors.close()
    await this.#node.close()
    await logs.close(lifecycle?.brokerEpoch)
  }
}

/** What lies behind the listeners of one process: a broker, a controller, or both. */
interface Node {
  readonly rooms: Rooms
  readonly dispatcher: Dispatcher
  /** Null in a node that is no broker. */
  readonly lifecycle: Lifecycle | null
  readonly plane: MetadataPlane
  readonly channel: ControllerChannel
  /** Stops everything but the logs. */
  close(): Promise<void>
}

async function bindListeners(doors: Doors, config: BrokerConfig, options: BrokerOptions): Promise<void> {
  for (const listener of config.listeners) {
    const privileged = listener === config.interBrokerListener
    await doors.bind({ ...listenerSettings(listener), kind: 'broker', privileged, ...advertise(options) })
  }
  for (const listener of config.controllerListeners) {
    await doors.bind({ ...listenerSettings(listener), kind: 'controller', privileged: true })
  }
}

/** Runs when the last log directory has gone offline. */
function whenLost({ directories }: Logs, run: (failure: Error) => void): void {
  for (const directory of directories) {
    directory.whenOffline(failure => {
      if (directories.every(({ isOffline }) => isOffline)) run(failure)
    })
  }
}

/** A broker that starts may wait long for its cluster: without a directory it never becomes part of it. */
function rejectedWhenLost(logs: Logs): Promise<never> {
  return new Promise((_resolve, reject) => whenLost(logs, reject))
}

/** The broker becomes part of its cluster: resolves when it takes clients. */
async function live({ rooms, plane }: Node, lifecycle: Lifecycle, signal: AbortSignal | undefined): Promise<void> {
  const { nodeId, host, logs, partitions, configs, metadata, quorum } = rooms
  if (signal?.aborted) lifecycle.close()
  signal?.addEventListener('abort', () => lifecycle.close(), { once: true })
  // The controller moves the leaderships of what has failed.
  for (const directory of logs.directories) directory.whenOffline(() => lifecycle.hurry())
  await lifecycle.start()
  await logs.loadAll(
    topic => topicLogConfig(topic, configs),
    (topic, partition) => partitions.assignedDirectory(topic, partition),
  )
  await partitions.start()
  await lifecycle.ready()
  await whenShown(host.clock, plane.served, () => {
    return metadata.brokers.get(nodeId)?.fenced === false && plane.served.value >= quorum.committed.value
  })
  let cleaner = cleanerSettingsOf(name => configs.brokerText(name))
  metadata.listen({
    configChanged(resourceType) {
      if (resourceType === resourceTypes.broker) cleaner = cleanerSettingsOf(name => configs.brokerText(name))
    },
  })
  logs.start({ cleanerSettings: () => cleaner })
}

/** Everything behind the listeners, from the files up. */
async function assemble(
  config: BrokerConfig,
  host: Host,
  logs: Logs,
  doors: Doors,
  options: BrokerOptions,
): Promise<Node> {
  const { nodeId } = config
  // Answers of the controller wait for the files of the partitions they speak of.
  let partitions: Partitions | null = null
  const peers = new Peers(host, { clientId: `ottla-${nodeId}` })
  const plane = await MetadataPlane.open(host, config, logs, {
    settled: async () => partitions?.settled(),
    // Without a listener for controllers nobody can reach this one: it is the whole quorum.
    peers: config.isAlone && config.controllerListeners.length === 0 ? undefined : peers,
    endpoints: endpointsOf(doors, 'controller'),
  })
  const { state: metadata, controller, quorum, served } = plane
  const configs = new EffectiveConfigs(config, metadata)
  const channel = new ControllerChannel({
    host,
    nodeId,
    peers,
    quorum,
    local: (api, body) => loopback(dispatcher, 'controller', api, body),
    attemptTimeoutMs: config.controllerSocketTimeoutMs,
  })
  const lifecycle = config.roles.has('broker') ? lifecycleOf(config, host, plane, channel, doors, logs) : null
  const brokerEpoch = () => lifecycle?.brokerEpoch ?? -1
  const timeoutMs = Math.min(config.requestTimeoutMs, ownRequestsTimeoutMs)
  const controllerRequests = new ControllerRequests({
    host,
    channel,
    brokerId: nodeId,
    brokerEpoch,
    metadata,
    served,
    timeoutMs,
  })
  const listenerName = config.interBrokerListener?.name
  const endpointOf = (id: number) =>
    metadata.brokers.get(id)?.endpoints.find(({ name }) => name === listenerName) ?? null
  const producerIds = new ProducerIds(() => controllerRequests.allocateProducerIds())
  partitions = new Partitions({
    host,
    brokerId: nodeId,
    logs,
    metadata,
    logConfig: topic => topicLogConfig(topic, configs),
    settings: replicationSettings(config),
    throttledRate: side => throttledRate(configs, side),
    throttledReplicas: (side, topic) => throttledReplicas(configs, side, topic),
    moveRate: () => moveRate(configs),
    cluster: {
      peers,
      endpointOf,
      brokerEpoch,
      alterPartition: request => controllerRequests.alterPartition(request),
      assignDirectories: request => controllerRequests.assignDirectories(request),
    },
  })
  const isHere = () => controller.isActive
  const rooms: Rooms = {
    nodeId,
    clusterId: plane.identity.clusterId,
    host,
    config,
    configs,
    metadata,
    controller,
    controllerRequests,
    partitions,
    ...openCoordinators({
      config,
      configs,
      host,
      metadata,
      partitions,
      peers,
      endpointOf,
      producerIds,
      createTopic: async topic => {
        const [{ errorCode }] = await controllerRequests.createTopics([topic])
        return errorCode
      },
    }),
    forwarding: new Forwarding({ host, channel, isHere, served, timeoutMs: config.requestTimeoutMs }),
    peers,
    producerIds,
    logs,
    quorum,
    conversions: new Conversions(host.clock),
    quotas: new ClientQuotas(config, metadata),
    telemetry: new ClientTelemetry(host, config, metadata, options.clientMetrics),
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
  followLimits(doors, rooms)
  const dispatcher = new Dispatcher(handlers, rooms)
  const announcement = config.controllerListeners.length > 0 ? announce(rooms, channel, doors) : null
  const close = async () => {
    lifecycle?.close()
    announcement?.close()
    channel.close()
    await rooms.partitions.close()
    await plane.close()
    await peers.close()
  }
  return { rooms, dispatcher, lifecycle, plane, channel, close }
}

/** The addresses that others are told, of the listeners of one kind. */
function endpointsOf(doors: Doors, kind: BoundListener['kind']): Endpoint[] {
  return doors.bound
    .filter(listener => listener.kind === kind)
    .map(listener => ({
      name: listener.name,
      host: listener.advertisedHost,
      port: listener.advertisedPort,
      securityProtocol: securityProtocols.indexOf(listener.securityProtocol),
    }))
}

function featureRanges(): FeatureRange[] {
  return supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
    name,
    minSupportedVersion: minVersion,
    maxSupportedVersion: maxVersion,
  }))
}

function announce(rooms: Rooms, channel: ControllerChannel, doors: Doors): Announcement {
  const { host, nodeId, metadata } = rooms
  const endpoints = endpointsOf(doors, 'controller')
  return new Announcement({ host, channel, nodeId, endpoints, features: featureRanges(), metadata })
}

function lifecycleOf(
  config: BrokerConfig,
  host: Host,
  plane: MetadataPlane,
  channel: ControllerChannel,
  doors: Doors,
  logs: Logs,
): Lifecycle {
  const { identity, applied, previousBrokerEpoch } = plane
  return new Lifecycle({
    host,
    channel,
    brokerId: config.nodeId,
    clusterId: identity.clusterId,
    endpoints: endpointsOf(doors, 'broker'),
    features: featureRanges(),
    rack: config.brokerRack,
    logDirs: [...identity.directoryIds.values()],
    offlineLogDirs: () =>
      logs.directories.filter(({ isOffline }) => isOffline).flatMap(({ meta }) => meta?.directoryId ?? []),
    previousBrokerEpoch,
    applied,
    registrationTimeoutMs: config.initialBrokerRegistrationTimeoutMs,
    // A node that is alone has nobody to wait for.
    times: { intervalMs: config.brokerHeartbeatIntervalMs, ...(config.isAlone ? { progressMs: 0 } : {}) },
  })
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
    recoveryThreads: config.numRecoveryThreadsPerDataDir,
    scrubBytesPerSecond: config.ottlaLogScrubMaxBytesPerSecond,
    scrubIntervalMs: config.ottlaLogScrubIntervalMs,
  }
}

/** What may be altered while the broker runs, and is not asked for each time. */
function followLimits(doors: Doors, { config, configs, metadata, quotas, logs }: Rooms): void {
  const follow = () => {
    logs.producerIdExpirationMs = Number(configs.brokerText('producer.id.expiration.ms'))
    const limits = networkLimitsOf({
      ...config,
      maxConnections: Number(configs.brokerText('max.connections')),
      maxConnectionsPerIp: Number(configs.brokerText('max.connections.per.ip')),
      maxConnectionsPerIpOverrides: configs.brokerText('max.connections.per.ip.overrides') ?? '',
    })
    const rate = Number(configs.brokerText('max.connection.creation.rate'))
    const perSecond = rate === INT_MAX ? Number.POSITIVE_INFINITY : rate
    const isLimited = perSecond !== Number.POSITIVE_INFINITY || !quotas.connections.isEmpty
    doors.limits = { ...limits, connectionRates: isLimited ? { ...quotas.connectionRates, perSecond } : null }
  }
  follow()
  metadata.listen({
    configChanged: resourceType => resourceType === resourceTypes.broker && follow(),
    quotaChanged: follow,
  })
}

function listenerSettings(listener: Listener) {
  return {
    name: listener.name,
    securityProtocol: listener.protocol,
    host: listener.host,
    port: listener.port,
    advertisedHost: listener.advertised?.host ?? null,
    // Port 0 is told as the port that was taken.
    advertisedPort: listener.advertised?.port || null,
  }
}

function advertise({ advertisedHost }: BrokerOptions) {
  return advertisedHost === undefined ? {} : { advertisedHost }
}
