/** `ottla transaction list` */
import { listAllTransactions } from '../../client/transactions.ts'
import { parseTime } from '../shell/duration.ts'
import type { Session } from '../shell/session.ts'

export interface ListTransactionsOptions {
  readonly state?: string
  readonly longerThan?: string
}

export async function listOfTransactions(
  session: Session,
  { state, longerThan }: ListTransactionsOptions,
): Promise<void> {
  const transactions = await listAllTransactions(session.client, {
    states: state === undefined ? [] : [state],
    longerThanMs: longerThan === undefined ? undefined : parseTime(longerThan, 'longer-than'),
  })
  if (session.json) return session.printJson({ transactions })
  if (transactions.length === 0) return session.note('no transactions')
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [{ title: 'TRANSACTIONAL ID' }, right('COORDINATOR'), right('PRODUCER'), { title: 'STATE' }],
    transactions.map(({ transactionalId, coordinator, producerId, state }) => [
      transactionalId,
      String(coordinator),
      String(producerId),
      state,
    ]),
  )
}
