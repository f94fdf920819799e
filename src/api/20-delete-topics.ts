/**
 * DeleteTopics, versions 0-6.
 *
 * - By name, v6 by name or by id; each topic succeeds or fails by itself, named twice it is INVALID_REQUEST.
 * - Answered when the deletion is committed: the topic is gone at once, its files follow after file.delete.delay.ms.
 * - With delete.topic.enable=false everything is TOPIC_DELETION_DISABLED (INVALID_REQUEST before v3); v5 error messages.
 * - v5 THROTTLING_QUOTA_EXCEEDED for what exceeds a `controller_mutation_rate` (KIP-599); before, the client is told to wait.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { deleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { TopicReference } from '../controller/controller.ts'
import { defineHandler } from './define.ts'
import { mutationAllowance } from './mutation-allowance.ts'

export const handler = defineHandler(
  deleteTopics,
  '0-6',
  async (request, context) => {
    if (!context.broker.config.deleteTopicEnable) {
      throw new KafkaError(context.version < 3 ? Errors.INVALID_REQUEST : Errors.TOPIC_DELETION_DISABLED)
    }
    const responses = await context.broker.controller.deleteTopics(referencesOf(request), {
      allowance: mutationAllowance(context, 5),
    })
    return {
      responses: responses.map(({ name, topicId, errorCode, errorMessage }) => ({
        name,
        topicId: topicId ?? zeroUuid,
        errorCode,
        errorMessage,
      })),
    }
  },
  {
    forward: {
      shown: (_request, { responses }, { broker }) =>
        responses.every(({ name, topicId, errorCode }) => {
          if (errorCode !== Errors.NONE) return true
          return topicId === zeroUuid
            ? name === null || !broker.metadata.topics.has(name)
            : !broker.metadata.topicsById.has(topicId)
        }),
    },
    failed: (request, error) => ({
      responses: referencesOf(request).map(({ name, topicId }) => ({
        name,
        topicId: topicId ?? zeroUuid,
        errorCode: error.code,
        errorMessage: error.detail,
      })),
    }),
  },
)

function referencesOf(request: RequestOf<typeof deleteTopics>): TopicReference[] {
  return [
    ...request.topicNames.map(name => ({ name, topicId: null })),
    ...request.topics.map(({ name, topicId }) => ({ name, topicId: topicId === zeroUuid ? null : topicId })),
  ]
}
