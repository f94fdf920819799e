/**
 * DescribeTransactions, version 0.
 *
 * - Transactions by id, from their coordinator; TRANSACTIONAL_ID_NOT_FOUND for an id that nobody uses.
 */
import { describeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  describeTransactions,
  '0',
  async ({ transactionalIds }, context) => {
    const described = await context.broker.transactions.describe(transactionalIds)
    return { transactionStates: described.map(({ topics, ...rest }) => ({ ...rest, topics: [...topics] })) }
  },
  {
    failed: ({ transactionalIds }, { code: errorCode }) => ({
      transactionStates: transactionalIds.map(transactionalId => ({
        errorCode,
        transactionalId,
        transactionState: '',
        transactionTimeoutMs: 0,
        transactionStartTimeMs: 0,
        producerId: 0,
        producerEpoch: 0,
        topics: [],
      })),
    }),
  },
)
