/**
 * AlterPartition, versions 0-3.
 *
 * - On controller listeners: a leader's wish for another in-sync set, each partition by itself.
 * - In this order: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_CONTROLLER for epochs from the future,
 *   FENCED_LEADER_EPOCH, INVALID_REQUEST for who does not lead, INVALID_UPDATE_VERSION, INVALID_REQUEST for a set that
 *   cannot be, INELIGIBLE_REPLICA for members that are fenced, stopping or (v3) of another broker epoch.
 * - NEW_LEADER_ELECTED when the change completed a reassignment that took the leadership away.
 * - STALE_BROKER_EPOCH for the whole request.
 * - v0-1 topics by name (UNKNOWN_TOPIC_OR_PARTITION), and OPERATION_NOT_ATTEMPTED and FENCED_LEADER_EPOCH for what v2 calls
 *   INELIGIBLE_REPLICA and NEW_LEADER_ELECTED.
 */
import { Errors } from '../../protocol/errors.ts'
import { alterPartition } from '../../protocol/messages/56-alter-partition.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { defineHandler } from './define.ts'

const topicIdsFrom = 2

export const handler = defineHandler(
  alterPartition,
  '0-3',
  async ({ brokerId, brokerEpoch, topics }, context) => {
    const byName = context.version < topicIdsFrom
    const wanted = topics.map(({ topicName, topicId, partitions }) => ({
      topicId: byName ? (context.broker.metadata.topicId(topicName) ?? zeroUuid) : topicId,
      partitions: partitions.map(({ newIsr, newIsrWithEpochs, ...partition }) => ({
        ...partition,
        isr: context.version < 3 ? newIsr.map(id => ({ brokerId: id, brokerEpoch: -1 })) : newIsrWithEpochs,
      })),
    }))
    const altered = await context.broker.controller.alterPartitions(brokerId, brokerEpoch, wanted)
    return {
      errorCode: Errors.NONE,
      topics: altered.map(({ topicId, partitions }, t) => ({
        topicName: topics[t].topicName,
        topicId,
        partitions: partitions.map(partition => ({
          ...partition,
          errorCode: byName ? oldError(partition.errorCode) : partition.errorCode,
          isr: [...partition.isr],
        })),
      })),
    }
  },
  { listeners: ['controller'] },
)

function oldError(errorCode: number): number {
  switch (errorCode) {
    case Errors.UNKNOWN_TOPIC_ID:
      return Errors.UNKNOWN_TOPIC_OR_PARTITION
    case Errors.INELIGIBLE_REPLICA:
      return Errors.OPERATION_NOT_ATTEMPTED
    case Errors.NEW_LEADER_ELECTED:
      return Errors.FENCED_LEADER_EPOCH
    default:
      return errorCode
  }
}
