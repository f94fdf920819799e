/**
 * ListPartitionReassignments, version 0.
 *
 * - Partitions whose replicas are on the move: null topics means all. Partitions that are not, or don't exist, are left out.
 * - One broker has nowhere to move replicas to, so there are none but those that another controller left in the log.
 */
import { Errors } from '../../protocol/errors.ts'
import { listPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts'
import type { PartitionInfo } from '../metadata/entities.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(listPartitionReassignments, '0', (request, context) => {
  const wanted =
    request.topics && new Map(request.topics.map(({ name, partitionIndexes }) => [name, new Set(partitionIndexes)]))
  const topics = []
  for (const { name, partitions } of context.broker.metadata.topics.values()) {
    if (wanted && !wanted.has(name)) continue
    const moving = partitions.filter(
      partition => isMoving(partition) && (wanted?.get(name)?.has(partition.index) ?? true),
    )
    if (moving.length === 0) continue
    topics.push({
      name,
      partitions: moving.map(({ index, replicas, addingReplicas, removingReplicas }) => ({
        partitionIndex: index,
        replicas: [...replicas],
        addingReplicas: [...addingReplicas],
        removingReplicas: [...removingReplicas],
      })),
    })
  }
  return { errorCode: Errors.NONE, errorMessage: null, topics }
})

function isMoving({ addingReplicas, removingReplicas }: PartitionInfo): boolean {
  return addingReplicas.length + removingReplicas.length > 0
}
