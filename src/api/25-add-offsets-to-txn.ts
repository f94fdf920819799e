/**
 * AddOffsetsToTxn, versions 0-4.
 *
 * - The partition of the offsets topic that the group belongs to takes part in the transaction.
 * - v2 PRODUCER_FENCED, before INVALID_PRODUCER_EPOCH.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { addOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { partitionSet } from '../coordinator/transaction/transaction.ts'
import { offsetsTopic } from '../metadata/internal-topics.ts'
import { defineHandler } from './define.ts'
import { fencedCode, producerFencedFrom, refuseLate } from './transactional.ts'

export const handler = defineHandler(addOffsetsToTxn, '0-4', async (request, context) => {
  const { transactionalId, producerId, producerEpoch, groupId } = request
  const { transactions, coordinators } = context.broker
  if (transactionalId === '') throw new KafkaError(Errors.INVALID_REQUEST)
  const partition = coordinators.partitionOfGroup(groupId)
  const { errorCode, isLate } = await transactions.ask({
    kind: 'addPartitions',
    transactionalId,
    producerId,
    producerEpoch,
    connectionId: context.peer.connectionId,
    partitions: partitionSet([{ name: offsetsTopic, partitions: [partition] }]),
    clientVersion: 0,
  })
  if (isLate) refuseLate(addOffsetsToTxn.name)
  return { errorCode: fencedCode(errorCode, context.version, producerFencedFrom) }
})
