/**
 * DescribeTopicPartitions, version 0 (KIP-966).
 *
 * - Topics in order of name, at most `responsePartitionLimit` partitions (and `max.request.partition.size.limit`); the
 *   cursor tells where to go on. No topics in the request means all, from the cursor on.
 * - Eligible leader replicas are empty lists, never null: the Java client looks into them.
 * - Authorized operations: without an authorizer everything is allowed.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeTopicPartitions } from '../../protocol/messages/75-describe-topic-partitions.ts'
import { type RequestOf, type ResponseOf, zeroUuid } from '../../protocol/schema.ts'
import { topicNameProblem } from '../controller/topic-names.ts'
import type { Topic } from '../metadata/entities.ts'
import { allOperations } from './authorized-operations.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof describeTopicPartitions>
type Response = ResponseOf<typeof describeTopicPartitions>
type TopicAnswer = Response['topics'][number]

export const handler = defineHandler(
  describeTopicPartitions,
  '0',
  (request, context) => {
    const { cursor } = request
    if (cursor && cursor.partitionIndex < 0) {
      throw new KafkaError(Errors.INVALID_REQUEST, 'DescribeTopicPartitionsRequest cursor partition must be valid')
    }
    const limit = Math.min(request.responsePartitionLimit, context.broker.config.maxRequestPartitionSizeLimit)
    let remaining = Math.max(limit, 1)
    const topics: TopicAnswer[] = []
    for (const name of wantedNames(request, context)) {
      const topic = context.broker.metadata.topics.get(name)
      if (!topic) {
        // Named to go on from but gone meanwhile: nothing more to say of it.
        if (request.topics.length > 0) topics.push(missing(name))
        continue
      }
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0
      if (remaining <= 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } }
      const answer = describe(topic, first, remaining, context)
      topics.push(answer)
      remaining -= answer.partitions.length
      const next = first + answer.partitions.length
      if (next < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: next } }
    }
    return { topics, nextCursor: null }
  },
  {
    failed: ({ topics }, { code }) => ({
      topics: topics.map(({ name }) => ({ errorCode: code, name, topicId: zeroUuid, partitions: [] })),
    }),
  },
)

function wantedNames(request: Request, context: RequestContext): string[] {
  const names =
    request.topics.length > 0 ? request.topics.map(({ name }) => name) : context.broker.metadata.topics.keys()
  const from = request.cursor?.topicName ?? ''
  return [...new Set(names)].filter(name => name >= from).sort((a, b) => (a < b ? -1 : 1))
}

function describe(topic: Topic, first: number, limit: number, context: RequestContext): TopicAnswer {
  const { brokers } = context.broker.metadata
  return {
    errorCode: Errors.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: context.broker.metadata.isInternal(topic.name),
    partitions: topic.partitions.slice(first, first + limit).map(partition => ({
      errorCode: partition.leader < 0 ? Errors.LEADER_NOT_AVAILABLE : Errors.NONE,
      partitionIndex: partition.index,
      leaderId: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      replicaNodes: partition.replicas,
      isrNodes: partition.isr,
      eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
      lastKnownElr: partition.lastKnownElr,
      offlineReplicas: partition.replicas.filter(id => brokers.get(id)?.fenced ?? true),
    })),
    topicAuthorizedOperations: allOperations.topic,
  }
}

function missing(name: string): TopicAnswer {
  const errorCode = topicNameProblem(name) === null ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.INVALID_TOPIC_EXCEPTION
  return { errorCode, name, topicId: zeroUuid, isInternal: false, partitions: [] }
}
