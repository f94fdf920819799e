/**
 * InitProducerId, versions 0-5.
 *
 * - Without a transactional id: a fresh producer id with epoch 0, from blocks that the controller hands out.
 * - With one: fences whoever had it before and aborts what it left open (CONCURRENT_TRANSACTIONS until that is done).
 * - v3 a producer may say who it is, and gets the next epoch (KIP-360); v4 a fenced one is told PRODUCER_FENCED, before
 *   INVALID_PRODUCER_EPOCH.
 * - Left out: v6 (KIP-939), which Apache Kafka doesn't advertise either.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'
import { fencedCode } from './transactional.ts'

/** The first version whose clients know PRODUCER_FENCED. */
const producerFencedFrom = 4

export const handler = defineHandler(
  initProducerId,
  '0-5',
  async (request, context) => {
    const { transactionalId, transactionTimeoutMs: timeoutMs } = request
    const current = currentProducer(request)
    if (transactionalId === null) {
      const producerId = await context.broker.producerIds.next()
      return { errorCode: Errors.NONE, producerId, producerEpoch: 0 }
    }
    if (transactionalId === '') throw new KafkaError(Errors.INVALID_REQUEST)
    const { connectionId } = context.peer
    const { errorCode, producerId, producerEpoch } = await context.broker.transactions.initProducer({
      kind: 'initProducer',
      transactionalId,
      timeoutMs,
      current,
      connectionId,
    })
    return { errorCode: fencedCode(errorCode, context.version, producerFencedFrom), producerId, producerEpoch }
  },
  { failed: (_request, error) => ({ errorCode: error.code, producerId: -1, producerEpoch: -1 }) },
)

function currentProducer({ producerId, producerEpoch }: RequestOf<typeof initProducerId>) {
  if (producerId === -1 && producerEpoch === -1) return null
  if (producerId === -1 || producerEpoch === -1) throw new KafkaError(Errors.INVALID_REQUEST)
  return { producerId, producerEpoch }
}
