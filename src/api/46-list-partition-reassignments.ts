/**
 * ListPartitionReassignments, version 0.
 *
 * - Partitions whose replicas are on the move: null topics means all. Partitions that are not, or don't exist, are left out.
 */
import { Errors } from '../../protocol/errors.ts'
import { listPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  listPartitionReassignments,
  '0',
  async ({ topics }, context) => {
    const wanted = topics?.map(({ name, partitionIndexes }) => ({ topic: name, partitions: partitionIndexes })) ?? null
    const moving = await context.broker.controller.listReassignments(wanted)
    return {
      errorCode: Errors.NONE,
      errorMessage: null,
      topics: moving.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
          partitionIndex,
          replicas: [...replicas],
          addingReplicas: [...addingReplicas],
          removingReplicas: [...removingReplicas],
        })),
      })),
    }
  },
  { forward: {} },
)
