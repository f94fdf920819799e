/**
 * CreateTopics, versions 0-7.
 *
 * - Each topic succeeds or fails by itself; duplicates of a name are INVALID_REQUEST, more than 10,000 partitions in all
 *   are POLICY_VIOLATION.
 * - Replicas are chosen, or assigned by the client; v4 -1 for partitions and replication factor takes the broker's default.
 * - v1 validate only (then v7 has no topic id); v5 the counts and every config of the topic; v7 the topic id.
 * - Answered when the topic is committed and served by this broker; the timeout of the request never runs out before.
 * - v6 THROTTLING_QUOTA_EXCEEDED for what exceeds a `controller_mutation_rate` (KIP-599); before, the client is told to wait.
 */
import { Errors } from '../../protocol/errors.ts'
import { createTopics } from '../../protocol/messages/19-create-topics.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { CreatedTopic } from '../controller/controller.ts'
import { defineHandler } from './define.ts'
import { mutationAllowance } from './mutation-allowance.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof createTopics>
type Topic = ResponseOf<typeof createTopics>['topics'][number]

export const handler = defineHandler(
  createTopics,
  '0-7',
  async (request, context) => {
    const topics = request.topics.map(topic => ({
      name: topic.name,
      partitionsCount: topic.numPartitions,
      replicationFactor: topic.replicationFactor,
      assignments: topic.assignments,
      configs: topic.configs,
    }))
    const created = await context.broker.controller.createTopics(topics, {
      validateOnly: request.validateOnly,
      allowance: mutationAllowance(context, 6),
    })
    return { topics: created.map(topic => describe(topic, context)) }
  },
  {
    forward: {
      shown: (request, { topics }, { broker }) =>
        request.validateOnly ||
        topics.every(({ name, errorCode }) => errorCode !== Errors.NONE || broker.metadata.topics.has(name)),
    },
    failed: (request, error) => ({
      topics: namesOf(request).map(name => ({
        name,
        topicId: zeroUuid,
        errorCode: error.code,
        errorMessage: error.detail,
        topicConfigErrorCode: Errors.NONE,
        configs: [],
      })),
    }),
  },
)

function namesOf(request: Request): string[] {
  return [...new Set(request.topics.map(({ name }) => name))]
}

function describe(topic: CreatedTopic, context: RequestContext): Topic {
  const { name, topicId, errorCode, errorMessage } = topic
  const answer: Topic = { name, topicId, errorCode, errorMessage, topicConfigErrorCode: Errors.NONE, configs: [] }
  if (errorCode !== Errors.NONE) return answer
  return {
    ...answer,
    numPartitions: topic.partitionsCount,
    replicationFactor: topic.replicationFactor,
    configs: context.broker.configs.topicWith(topic.configs).map(entry => ({
      name: entry.name,
      value: entry.value,
      readOnly: entry.readOnly,
      configSource: entry.source,
      isSensitive: entry.sensitive,
    })),
  }
}
