/**
 * DescribeQuorum, versions 0-2.
 *
 * - The voters of the metadata log and whoever else fetches it, how far each is, and who leads (KIP-595, KIP-836). Only
 *   the leader knows: elsewhere NOT_LEADER_OR_FOLLOWER; brokers ask it.
 * - Anything but partition 0 of `__cluster_metadata` is UNKNOWN_TOPIC_OR_PARTITION.
 * - v1 times of the last fetch and of being caught up; v2 directory ids, error messages, and where the voters listen.
 */
import { Errors } from '../../protocol/errors.ts'
import { describeQuorum } from '../../protocol/messages/55-describe-quorum.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { metadataTopic } from '../metadata/internal-topics.ts'
import type { QuorumDescription } from '../raft/quorum.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof describeQuorum>
type Partition = ResponseOf<typeof describeQuorum>['topics'][number]['partitions'][number]

export const handler = defineHandler(
  describeQuorum,
  '0-2',
  (request, context) => {
    const description = context.broker.quorum.describe()
    const nodes = description.nodes.map(({ nodeId, endpoints }) => ({ nodeId, listeners: [...endpoints] }))
    return {
      errorCode: Errors.NONE,
      errorMessage: '',
      topics: request.topics.map(topic => describeTopic(topic, description)),
      nodes: request.topics.every(isMetadata) ? nodes : [],
    }
  },
  { forward: {} },
)

function isMetadata({ topicName, partitions }: Request['topics'][number]): boolean {
  return topicName === metadataTopic && partitions.every(({ partitionIndex }) => partitionIndex === 0)
}

function describeTopic(topic: Request['topics'][number], description: QuorumDescription) {
  return {
    topicName: topic.topicName,
    partitions: topic.partitions.map(({ partitionIndex }) =>
      topic.topicName === metadataTopic && partitionIndex === 0 ? describe(description) : unknown(partitionIndex),
    ),
  }
}

function describe({ leaderId, leaderEpoch, highWatermark, voters, observers }: QuorumDescription): Partition {
  return {
    partitionIndex: 0,
    errorCode: Errors.NONE,
    errorMessage: '',
    leaderId,
    leaderEpoch,
    highWatermark,
    currentVoters: voters.map(replicaState),
    observers: observers.map(replicaState),
  }
}

function replicaState(replica: QuorumDescription['voters'][number]) {
  return {
    replicaId: replica.replicaId,
    replicaDirectoryId: replica.directoryId,
    logEndOffset: replica.logEndOffset,
    lastFetchTimestamp: replica.lastFetchTimestampMs,
    lastCaughtUpTimestamp: replica.lastCaughtUpTimestampMs,
  }
}

function unknown(partitionIndex: number): Partition {
  return {
    partitionIndex,
    errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: 'This server does not host this topic-partition.',
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  }
}
