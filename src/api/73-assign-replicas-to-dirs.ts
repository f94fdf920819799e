/**
 * AssignReplicasToDirs, version 0.
 *
 * - On controller listeners: a broker tells in which log directory each replica lives. One that it did not register with
 *   has failed: the replica leaves the in-sync set.
 * - By partition: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER where the broker holds no replica.
 * - STALE_BROKER_EPOCH for the whole request.
 */
import { Errors } from '../../protocol/errors.ts'
import { assignReplicasToDirs } from '../../protocol/messages/73-assign-replicas-to-dirs.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  assignReplicasToDirs,
  '0',
  async ({ brokerId, brokerEpoch, directories }, context) => {
    const wanted = directories.map(({ id, topics }) => ({
      id,
      topics: topics.map(({ topicId, partitions }) => ({
        topicId,
        partitions: partitions.map(({ partitionIndex }) => partitionIndex),
      })),
    }))
    const assigned = await context.broker.controller.assignDirectories(brokerId, brokerEpoch, wanted)
    return {
      errorCode: Errors.NONE,
      directories: assigned.map(({ id, topics }) => ({
        id,
        topics: topics.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] })),
      })),
    }
  },
  { listeners: ['controller'] },
)
