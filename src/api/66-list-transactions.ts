/**
 * ListTransactions, versions 0-1.
 *
 * - The transactional ids that this broker coordinates, by state and by producer id; states that nobody knows are told.
 * - v1 only those whose transaction began longer ago than a duration.
 * - Left out: v2, a pattern of the id.
 */
import { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import { allTransactionStates } from '../coordinator/transaction/transaction.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(listTransactions, '0-1', async (request, context) => {
  const { stateFilters, producerIdFilters, durationFilter } = request
  const { errorCode, transactions } = await context.broker.transactions.list({
    kind: 'list',
    states: new Set(stateFilters),
    producerIds: new Set(producerIdFilters),
    durationMs: durationFilter,
    matches: null,
  })
  const unknownStateFilters = stateFilters.filter(state => !allTransactionStates.has(state))
  return { errorCode, unknownStateFilters, transactionStates: [...transactions] }
})
