/**
 * EndTxn, versions 0-5.
 *
 * - Answered when the decision is committed; markers follow. CONCURRENT_TRANSACTIONS while those of the last transaction are
 *   still being written.
 * - v5 (transaction version 2, KIP-890): the producer's epoch rises with each end, and the answer has it. A repeated request
 *   is known by the epoch before, so none that was held up can end a later transaction. An abort of nothing gives a new
 *   epoch.
 * - v0-4 cannot be told from a later one by their epoch: a request on an older connection than the producer's last one is
 *   not served, and its connection is closed.
 * - v2 PRODUCER_FENCED, before INVALID_PRODUCER_EPOCH.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { endTxn } from '../../protocol/messages/26-end-txn.ts'
import { defineHandler } from './define.ts'
import { fencedCode, producerFencedFrom, refuseLate } from './transactional.ts'

/** The first version of clients that get a new epoch with each transaction. */
const epochBumpFrom = 5

export const handler = defineHandler(
  endTxn,
  '0-5',
  async (request, context) => {
    const { transactionalId, producerId, producerEpoch, committed: commit } = request
    if (transactionalId === '') throw new KafkaError(Errors.INVALID_REQUEST)
    const bumps = context.version >= epochBumpFrom
    const reply = await context.broker.transactions.end({
      kind: 'end',
      transactionalId,
      producerId,
      producerEpoch,
      commit,
      clientVersion: bumps ? 2 : 0,
      connectionId: bumps ? null : context.peer.connectionId,
    })
    if (reply.isLate) refuseLate(endTxn.name)
    return {
      errorCode: fencedCode(reply.errorCode, context.version, producerFencedFrom),
      producerId: reply.producerId,
      producerEpoch: reply.producerEpoch,
    }
  },
  { failed: (_request, error) => ({ errorCode: error.code, producerId: -1, producerEpoch: -1 }) },
)
