/**
 * AlterPartition, versions 2-3.
 *
 * - On controller listeners: a leader's wish for another in-sync set, each partition by itself.
 * - In this order: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_CONTROLLER for epochs from the future,
 *   FENCED_LEADER_EPOCH, INVALID_REQUEST for who does not lead, INVALID_UPDATE_VERSION, INVALID_REQUEST for a set that
 *   cannot be, INELIGIBLE_REPLICA for members that are fenced, stopping or (v3) of another broker epoch.
 * - NEW_LEADER_ELECTED when the change completed a reassignment that took the leadership away.
 * - STALE_BROKER_EPOCH for the whole request.
 */
import { Errors } from '../../protocol/errors.ts'
import { alterPartition } from '../../protocol/messages/56-alter-partition.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  alterPartition,
  '2-3',
  async ({ brokerId, brokerEpoch, topics }, context) => {
    const wanted = topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ newIsr, newIsrWithEpochs, ...partition }) => ({
        ...partition,
        isr: context.version < 3 ? newIsr.map(id => ({ brokerId: id, brokerEpoch: -1 })) : newIsrWithEpochs,
      })),
    }))
    const altered = await context.broker.controller.alterPartitions(brokerId, brokerEpoch, wanted)
    return {
      errorCode: Errors.NONE,
      topics: altered.map(({ topicId, partitions }) => ({
        topicId,
        partitions: partitions.map(partition => ({ ...partition, isr: [...partition.isr] })),
      })),
    }
  },
  { listeners: ['controller'] },
)
