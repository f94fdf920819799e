/** The cluster itself: brokers, features, quorum, log directories. */
import { Errors } from '../../protocol/errors.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { describeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts'
import { electLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { describeQuorum } from '../../protocol/messages/55-describe-quorum.ts'
import { updateFeatures } from '../../protocol/messages/57-update-features.ts'
import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { unregisterBroker } from '../../protocol/messages/64-unregister-broker.ts'
import type { DecodedResponseOf } from '../../protocol/schema.ts'
import type { Client } from './client.ts'
import { ClientError, refusal } from './client-error.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'
import type { Outcome } from './topics.ts'

export interface BrokerDescription {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  /** Null where the cluster does not tell. */
  readonly fenced: boolean | null
}

export interface ClusterDescription {
  readonly clusterId: string | null
  /** -1 for none. In clusters of KRaft some broker is named: clients have no way to the real one. */
  readonly controllerId: number
  readonly brokers: readonly BrokerDescription[]
}

export async function clusterOf(client: Client): Promise<ClusterDescription> {
  try {
    const answer = await client.ask(
      'any',
      describeCluster,
      { includeClusterAuthorizedOperations: false, includeFencedBrokers: true },
      { codes: ({ errorCode }) => [errorCode] },
    )
    if (answer.errorCode !== Errors.NONE) throw refusal('cluster', answer.errorCode, answer.errorMessage)
    const brokers = answer.brokers.map(({ brokerId: id, host, port, rack, isFenced }) => ({
      id,
      host,
      port,
      rack,
      fenced: isFenced,
    }))
    return {
      clusterId: answer.clusterId,
      controllerId: answer.controllerId,
      brokers: brokers.sort((a, b) => a.id - b.id),
    }
  } catch (error) {
    if (!(error instanceof ClientError) || error.failure !== 'unsupported') throw error
  }
  // Before Kafka 2.8 the metadata was all there was.
  const { clusterId, controllerId, brokers } = await client.refresh([])
  const shown = brokers.map(({ nodeId: id, host, port, rack }) => ({ id, host, port, rack, fenced: null }))
  return { clusterId, controllerId, brokers: shown.sort((a, b) => a.id - b.id) }
}

export type ApiVersionsAnswer = DecodedResponseOf<typeof apiVersions>

/** What a broker speaks, and the features of the cluster. */
export async function versionsOf(client: Client, broker?: number): Promise<ApiVersionsAnswer> {
  const answer = await client.ask(broker === undefined ? 'any' : { broker }, apiVersions, {
    clientSoftwareName: 'ottla-cli',
    clientSoftwareVersion: '1',
  })
  if (answer.errorCode !== Errors.NONE) throw refusal('versions', answer.errorCode)
  return answer
}

export const upgradeTypes = { upgrade: 1, 'safe-downgrade': 2, 'unsafe-downgrade': 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  /** 0 takes the feature away. */
  readonly level: number
  readonly type: keyof typeof upgradeTypes
}

/** Throws ClientError. */
export async function changeFeatures(
  client: Client,
  updates: readonly FeatureUpdate[],
  validateOnly: boolean,
): Promise<void> {
  const answer = await client.ask(
    'controller',
    updateFeatures,
    {
      featureUpdates: updates.map(({ feature, level, type }) => ({
        feature,
        maxVersionLevel: level,
        upgradeType: upgradeTypes[type],
        allowDowngrade: type !== 'upgrade',
      })),
      validateOnly,
    },
    { codes: ({ errorCode }) => [errorCode], minVersion: validateOnly ? 1 : 0 },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('features', answer.errorCode, answer.errorMessage)
  const failed = answer.results.find(({ errorCode }) => errorCode !== Errors.NONE)
  if (failed) throw refusal(`feature ${failed.feature}`, failed.errorCode, failed.errorMessage)
}

export type QuorumAnswer = DecodedResponseOf<typeof describeQuorum>
export type QuorumView = QuorumAnswer['topics'][number]['partitions'][number]

export async function quorumOf(client: Client): Promise<{ quorum: QuorumView; nodes: QuorumAnswer['nodes'] }> {
  const answer = await client.ask(
    'any',
    describeQuorum,
    { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] },
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('quorum', answer.errorCode, answer.errorMessage)
  const [quorum] = answer.topics[0].partitions
  if (quorum.errorCode !== Errors.NONE) throw refusal('quorum', quorum.errorCode, quorum.errorMessage)
  return { quorum, nodes: answer.nodes }
}

export interface ReplicaSize extends TopicPartition {
  readonly bytes: number
  /** Of a replica that is being moved here: how far it is behind. */
  readonly lag: number
  readonly future: boolean
}

export interface LogDirectory {
  readonly broker: number
  readonly path: string
  /** Null: it works. */
  readonly error: ClientError | null
  /** -1 where the cluster does not tell. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly replicas: readonly ReplicaSize[]
}

export async function logDirectoriesOf(client: Client, brokers: readonly number[]): Promise<LogDirectory[]> {
  const found = await Promise.all(
    brokers.map(async broker => {
      const answer = await client.ask(
        { broker },
        describeLogDirs,
        { topics: null },
        { codes: ({ errorCode }) => [errorCode] },
      )
      if (answer.errorCode !== Errors.NONE) throw refusal(`log directories of broker ${broker}`, answer.errorCode)
      return answer.results.map(({ logDir: path, errorCode, totalBytes, usableBytes, topics }) => ({
        broker,
        path,
        error: errorCode === Errors.NONE ? null : refusal(`${path} of broker ${broker}`, errorCode),
        totalBytes,
        usableBytes,
        replicas: topics.flatMap(({ name: topic, partitions }) =>
          partitions.map(({ partitionIndex: partition, partitionSize: bytes, offsetLag: lag, isFutureKey: future }) => {
            return { topic, partition, bytes, lag, future }
          }),
        ),
      }))
    }),
  )
  return found.flat().sort((a, b) => a.broker - b.broker || (a.path < b.path ? -1 : 1))
}

/** Null: every partition of the cluster. Those whose leader need not change have ELECTION_NOT_NEEDED. */
export async function elect(
  client: Client,
  partitions: readonly TopicPartition[] | null,
  unclean: boolean,
): Promise<Outcome<TopicPartition>[]> {
  const deadline = client.deadline()
  const answer = await client.ask(
    'controller',
    electLeaders,
    {
      electionType: unclean ? 1 : 0,
      topicPartitions: partitions
        ? byTopic(partitions).map(({ topic, items }) => ({
            topic,
            partitions: items.map(({ partition }) => partition),
          }))
        : null,
      timeoutMs: Math.ceil(deadline.leftMs),
    },
    { deadline, codes: ({ errorCode }) => [errorCode], minVersion: unclean ? 1 : 0 },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('election', answer.errorCode)
  return answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId: partition, errorCode, errorMessage }) => ({
      item: { topic, partition },
      error: errorCode === Errors.NONE ? null : refusal(`partition ${partition} of ${topic}`, errorCode, errorMessage),
    })),
  )
}

/** Throws ClientError. */
export async function unregister(client: Client, brokerId: number): Promise<void> {
  const answer = await client.ask(
    'controller',
    unregisterBroker,
    { brokerId },
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal(`broker ${brokerId}`, answer.errorCode, answer.errorMessage)
}
