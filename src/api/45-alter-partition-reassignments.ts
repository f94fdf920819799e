/**
 * AlterPartitionReassignments, versions 0-1.
 *
 * - Moves replicas, changes their count, or, with null, cancels; each partition by itself. New replicas join, catch up, and
 *   only then do the old ones leave.
 * - INVALID_REPLICA_ASSIGNMENT, NO_REASSIGNMENT_IN_PROGRESS; v1 can forbid another replication factor:
 *   INVALID_REPLICATION_FACTOR.
 * - Answered when the beginning is committed.
 */
import { Errors } from '../../protocol/errors.ts'
import { alterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  alterPartitionReassignments,
  '0-1',
  async ({ topics, allowReplicationFactorChange }, context) => {
    const responses = await context.broker.controller.alterReassignments(topics, { allowReplicationFactorChange })
    return {
      allowReplicationFactorChange,
      errorCode: Errors.NONE,
      errorMessage: null,
      responses: responses.map(({ name, partitions }) => ({ name, partitions: [...partitions] })),
    }
  },
  { forward: {} },
)
