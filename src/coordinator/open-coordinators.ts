/** The coordinators of one broker, put together: groups, transactions, and what partition leaders do for transactions. */
import type { BrokerConfig } from '../config/broker.ts'
import type { EffectiveConfigs } from '../config/effective.ts'
import type { Endpoint, Host } from '../host/host.ts'
import type { ReplicatedLog } from '../machine/machine.ts'
import { transactionVersionFeature } from '../metadata/features.ts'
import { offsetsTopic, transactionsTopic } from '../metadata/internal-topics.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { Peers } from '../network/peers.ts'
import type { Partitions } from '../replication/partitions.ts'
import { Coordinators } from './coordinators.ts'
import { GroupTopics } from './group-topics.ts'
import { InternalTopic } from './internal-topic.ts'
import type { ProducerIds } from './producer-ids.ts'
import { coordinatorSettings, transactionSettings } from './settings.ts'
import { MarkerSender } from './transaction/marker-sender.ts'
import { MarkerWriter } from './transaction/marker-writer.ts'
import { Verifier } from './transaction/verifier.ts'
import { Transactions } from './transactions.ts'

export interface NewInternalTopic {
  readonly name: string
  readonly partitionsCount: number
  readonly replicationFactor: number
  readonly configs: readonly { readonly name: string; readonly value: string }[]
}

export interface CoordinatorLinks {
  readonly config: BrokerConfig
  readonly configs: EffectiveConfigs
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly metadata: MetadataState
  readonly partitions: Partitions
  readonly peers: Pick<Peers, 'request'>
  /** Where to reach a broker; null while that is not known. */
  readonly endpointOf: (brokerId: number) => Endpoint | null
  readonly producerIds: ProducerIds
  /** Has the controller create a topic, and waits until this broker knows it; tells the error, if any. */
  readonly createTopic: (topic: NewInternalTopic) => Promise<number>
}

export interface OpenCoordinators {
  readonly coordinators: Coordinators
  readonly transactions: Transactions
  readonly markers: MarkerWriter
  readonly verifier: Verifier
}

/** A leader that does not answer may be one no more: soon its successor is asked. */
const markerTimeoutMs = 5000

export function openCoordinators(links: CoordinatorLinks): OpenCoordinators {
  const { config, host, metadata, partitions, peers, endpointOf, producerIds } = links
  const { clock } = host
  const brokerId = config.nodeId
  const settings = coordinatorSettings(config)
  const groupTopics = new GroupTopics(metadata, links.configs)
  const topic = (wanted: NewInternalTopic) =>
    new InternalTopic({ ...wanted, metadata, create: () => links.createTopic(wanted) })
  const coordinators = new Coordinators({
    host,
    metadata,
    cluster: groupTopics,
    settings,
    topic: topic(groupOffsets(config)),
  })
  const { requestTimeoutMs } = config
  const writer = new MarkerWriter({
    clock,
    partitions,
    endOffsets: (index, end) => coordinators.endTransaction(index, end),
    commitTimeoutMs: requestTimeoutMs,
  })
  const transactions = new Transactions({
    host,
    topic: topic(transactionStates(config)),
    settings: transactionSettings(config, () => metadata.features.get(transactionVersionFeature) ?? 0),
    commitTimeoutMs: settings.commitTimeoutMs,
    producerIds,
    markers: new MarkerSender({ brokerId, metadata, writer, peers, endpointOf, timeoutMs: markerTimeoutMs }),
  })
  const verifier = new Verifier({
    brokerId,
    clock,
    transactions,
    peers,
    endpointOf,
    settings: {
      isEnabled: () => links.configs.brokerText('transaction.partition.verification.enable') !== 'false',
      retryMs: config.addPartitionsToTxnRetryBackoffMs,
      retryMaxMs: config.addPartitionsToTxnRetryBackoffMaxMs,
      timeoutMs: requestTimeoutMs,
    },
  })
  followLeadership(
    partitions,
    new Map<string, Shards>([
      [offsetsTopic, coordinators],
      [transactionsTopic, transactions],
    ]),
  )
  return { coordinators, transactions, markers: writer, verifier }
}

interface Shards {
  onPartitionLeader(index: number, log: ReplicatedLog): void
  onPartitionLost(index: number): void
}

/** Coordinators live where the partitions of their topics are led. */
function followLeadership(partitions: Partitions, byTopic: ReadonlyMap<string, Shards>): void {
  partitions.listen({
    elected: partition => byTopic.get(partition.topic)?.onPartitionLeader(partition.index, partition.asReplicatedLog()),
    resigned: (topic, index) => byTopic.get(topic)?.onPartitionLost(index),
  })
}

function groupOffsets(config: BrokerConfig): NewInternalTopic {
  return {
    name: offsetsTopic,
    partitionsCount: config.offsetsTopicNumPartitions,
    replicationFactor: config.offsetsTopicReplicationFactor,
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(config.offsetsTopicSegmentBytes) },
    ],
  }
}

function transactionStates(config: BrokerConfig): NewInternalTopic {
  return {
    name: transactionsTopic,
    partitionsCount: config.transactionStateLogNumPartitions,
    replicationFactor: config.transactionStateLogReplicationFactor,
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'uncompressed' },
      { name: 'unclean.leader.election.enable', value: 'false' },
      { name: 'min.insync.replicas', value: String(config.transactionStateLogMinIsr) },
      { name: 'segment.bytes', value: String(config.transactionStateLogSegmentBytes) },
    ],
  }
}
