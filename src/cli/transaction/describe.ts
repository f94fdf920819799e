/** `ottla transaction describe` */
import { Errors } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import { type DescribedTransaction, describeTransaction, listAllTransactions } from '../../client/transactions.ts'
import { shownPartitions } from '../group/describe.ts'
import { shownDuration, shownInstant } from '../shell/duration.ts'
import { suggestion } from '../shell/near-names.ts'
import type { Session } from '../shell/session.ts'

export async function describeTheTransaction(session: Session, _options: object, ids: string[]): Promise<void> {
  const described: DescribedTransaction[] = []
  for (const id of new Set(ids)) described.push(await namedTransaction(session, id))
  if (session.json) return session.printJson({ transactions: described })
  for (const [i, each] of described.entries()) {
    if (i > 0) await session.print('\n')
    const { transactionalId, state, producerId, producerEpoch, timeoutMs, startMs, partitions } = each
    const since =
      startMs < 0 ? '-' : `${shownInstant(startMs)} (${shownDuration(session.host.clock.now() - startMs)} ago)`
    await session.facts([
      ['Transactional id', transactionalId],
      ['State', state],
      ['Producer', `${producerId}, epoch ${producerEpoch}`],
      ['Timeout', shownDuration(timeoutMs)],
      ['Began', since],
      ['Partitions', shownPartitions(partitions) || '-'],
    ])
  }
}

/** Throws ClientError, with near names for an id that does not exist. */
export async function namedTransaction({ client }: Session, id: string): Promise<DescribedTransaction> {
  try {
    return await describeTransaction(client, id)
  } catch (error) {
    if (!(error instanceof ClientError) || error.failure !== 'not-found') throw error
    const all = (await listAllTransactions(client)).map(({ transactionalId }) => transactionalId)
    const hint = suggestion(id, all, '`ottla transaction list` shows those that there are.')
    throw new ClientError('not-found', `there is no transactional id ${id}`, {
      code: Errors.TRANSACTIONAL_ID_NOT_FOUND,
      hints: [hint],
    })
  }
}
