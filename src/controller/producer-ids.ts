/** Blocks of producer ids, handed to brokers so that ids are unique in the cluster and never given out twice. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { ControllerContext, Decision } from './context.ts'
import { checkBrokerEpoch } from './heartbeats.ts'

export const producerIdBlockSize = 1000

export function allocateProducerIds(
  context: ControllerContext,
  brokerId: number,
  brokerEpoch: number,
): Decision<{ readonly firstId: number; readonly count: number }> {
  checkBrokerEpoch(context, brokerId, brokerEpoch)
  const firstId = context.state.nextProducerId
  const nextProducerId = firstId + producerIdBlockSize
  if (!Number.isSafeInteger(nextProducerId))
    throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, 'no producer ids are left')
  return {
    records: [{ kind: 'producerIds', version: 0, value: { brokerId, brokerEpoch, nextProducerId } }],
    answer: { firstId, count: producerIdBlockSize },
  }
}
