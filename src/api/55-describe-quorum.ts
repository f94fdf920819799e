/**
 * DescribeQuorum, versions 0-2.
 *
 * - The voters of the metadata log, how far each is, and who leads (KIP-595, KIP-836). Here that is this broker alone.
 * - Anything but partition 0 of `__cluster_metadata` is UNKNOWN_TOPIC_OR_PARTITION.
 * - v1 times of the last fetch and of being caught up; v2 directory ids, error messages, and where controllers listen: none
 *   when the broker has no listener for controllers.
 */
import { Errors } from '../../protocol/errors.ts'
import { describeQuorum } from '../../protocol/messages/55-describe-quorum.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { metadataTopic } from '../metadata/internal-topics.ts'
import type { QuorumDescription } from '../raft/quorum.ts'
import { defineHandler } from './define.ts'

type Request = RequestOf<typeof describeQuorum>
type Partition = ResponseOf<typeof describeQuorum>['topics'][number]['partitions'][number]

export const handler = defineHandler(describeQuorum, '0-2', (request, context) => {
  const { quorum, config, nodeId } = context.broker
  const description = quorum.describe()
  const listeners = config.controllerListeners.map(({ name, host, port, advertised }) => ({
    name,
    host: advertised?.host ?? host,
    port: advertised?.port ?? port,
  }))
  return {
    errorCode: Errors.NONE,
    errorMessage: '',
    topics: request.topics.map(topic => describeTopic(topic, description)),
    nodes: request.topics.every(isMetadata) ? [{ nodeId, listeners }] : [],
  }
})

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

function describe({ leaderId, leaderEpoch, highWatermark, voters }: QuorumDescription): Partition {
  return {
    partitionIndex: 0,
    errorCode: Errors.NONE,
    errorMessage: '',
    leaderId,
    leaderEpoch,
    highWatermark,
    currentVoters: voters.map(voter => ({
      replicaId: voter.replicaId,
      replicaDirectoryId: voter.directoryId,
      logEndOffset: voter.logEndOffset,
      lastFetchTimestamp: voter.lastFetchTimestampMs,
      lastCaughtUpTimestamp: voter.lastCaughtUpTimestampMs,
    })),
    observers: [],
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
