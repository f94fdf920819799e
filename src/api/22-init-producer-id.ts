/**
 * InitProducerId, versions 0-5.
 *
 * - For idempotent producers: a fresh producer id with epoch 0, from blocks that the controller hands out.
 * - Left out: transactional ids, which are answered with INVALID_REQUEST since transactions are not served (an empty one
 *   is an INVALID_REQUEST in Kafka too); v6 (KIP-939), which Apache Kafka doesn't advertise either.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  initProducerId,
  '0-5',
  async (request, context) => {
    if (request.transactionalId !== null) throw new KafkaError(Errors.INVALID_REQUEST)
    const producerId = await context.broker.producerIds.next()
    return { errorCode: Errors.NONE, producerId, producerEpoch: 0 }
  },
  { failed: (_request, error) => ({ errorCode: error.code, producerId: -1, producerEpoch: -1 }) },
)
