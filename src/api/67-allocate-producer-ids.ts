/**
 * AllocateProducerIds, version 0.
 *
 * - On controller listeners. A block of producer ids that nobody else gets.
 * - STALE_BROKER_EPOCH for a broker that is not the last registered of its id.
 */
import { Errors } from '../../protocol/errors.ts'
import { allocateProducerIds } from '../../protocol/messages/67-allocate-producer-ids.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  allocateProducerIds,
  '0',
  async ({ brokerId, brokerEpoch }, context) => {
    const { firstId, count } = await context.broker.controller.allocateProducerIds(brokerId, brokerEpoch)
    return { errorCode: Errors.NONE, producerIdStart: firstId, producerIdLen: count }
  },
  { listeners: ['controller'] },
)
