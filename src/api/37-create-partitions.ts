/**
 * CreatePartitions, versions 0-3.
 *
 * - Only ever more: the same count or fewer is INVALID_PARTITIONS. Replicas are chosen, or assigned by the client.
 * - Each topic succeeds or fails by itself; duplicates of a name are INVALID_REQUEST. Validate only changes nothing.
 * - Answered when the partitions are committed and served by this broker.
 * - v3 THROTTLING_QUOTA_EXCEEDED for what exceeds a `controller_mutation_rate` (KIP-599); before, the client is told to wait.
 */
import { Errors } from '../../protocol/errors.ts'
import { createPartitions } from '../../protocol/messages/37-create-partitions.ts'
import { defineHandler } from './define.ts'
import { mutationAllowance } from './mutation-allowance.ts'

export const handler = defineHandler(
  createPartitions,
  '0-3',
  async (request, context) => {
    const topics = request.topics.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    }))
    const results = await context.broker.controller.createPartitions(topics, {
      validateOnly: request.validateOnly,
      allowance: mutationAllowance(context, 3),
    })
    return { results: [...results] }
  },
  {
    forward: {
      shown: (request, { results }, { broker }) =>
        request.validateOnly ||
        results.every(({ name, errorCode }) => {
          const count = request.topics.find(topic => topic.name === name)?.count ?? 0
          return errorCode !== Errors.NONE || (broker.metadata.topics.get(name)?.partitions.length ?? count) >= count
        }),
    },
    failed: (request, error) => ({
      results: [...new Set(request.topics.map(({ name }) => name))].map(name => ({
        name,
        errorCode: error.code,
        errorMessage: error.detail,
      })),
    }),
  },
)
