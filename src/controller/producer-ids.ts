/** Blocks of producer ids, handed to brokers so that ids are unique in the cluster and never given out twice. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { ControllerContext, Decision } from './context.ts'

export const producerIdBlockSize = 1000

export function allocateProducerIds(
  context: ControllerContext,
  brokerId: number,
  brokerEpoch: number,
): Decision<{ readonly firstId: number; readonly count: number }> {
  const broker = context.state.brokers.get(brokerId)
  if (!broker) throw new KafkaError(Errors.BROKER_ID_NOT_REGISTERED)
  if (broker.epoch !== brokerEpoch) throw new KafkaError(Errors.STALE_BROKER_EPOCH)
  const firstId = context.state.nextProducerId
  const nextProducerId = firstId + producerIdBlockSize
  if (!Number.isSafeInteger(nextProducerId))
    throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, 'no producer ids are left')
  return {
    records: [{ kind: 'producerIds', version: 0, value: { brokerId, brokerEpoch, nextProducerId } }],
    answer: { firstId, count: producerIdBlockSize },
  }
}
