/**
 * ListTransactions, versions 0-2.
 *
 * - The transactional ids that this broker coordinates, by state and by producer id; states that nobody knows are told.
 * - v1 only those whose transaction began longer ago than a duration.
 * - v2 only those whose whole id matches a pattern in RE2's syntax (KIP-1152); INVALID_REGULAR_EXPRESSION.
 */
import { RE2JS, RE2JSException } from 're2js'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import { allTransactionStates } from '../coordinator/transaction/transaction.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(listTransactions, '0-2', async (request, context) => {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
  const { errorCode, transactions } = await context.broker.transactions.list({
    kind: 'list',
    states: new Set(stateFilters),
    producerIds: new Set(producerIdFilters),
    durationMs: durationFilter,
    matches: matcherOf(transactionalIdPattern),
  })
  const unknownStateFilters = stateFilters.filter(state => !allTransactionStates.has(state))
  return { errorCode, unknownStateFilters, transactionStates: [...transactions] }
})

/** Null for all. The time that a match takes grows with the length of the id and no faster, whatever the pattern. */
function matcherOf(pattern: string | null): ((transactionalId: string) => boolean) | null {
  if (pattern === null || pattern === '') return null
  try {
    const compiled = RE2JS.compile(pattern)
    return transactionalId => compiled.matches(transactionalId)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new KafkaError(Errors.INVALID_REGULAR_EXPRESSION, error.message)
  }
}
