/** `ottla transaction abort` */
import { Errors } from '../../../protocol/errors.ts'
import { ClientError, refusal } from '../../client/client-error.ts'
import { abortInPartition, fenceTransactionalId, producersOf } from '../../client/transactions.ts'
import { parseNumber } from '../shell/arguments.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedPartitions } from '../topic/named-topics.ts'
import { namedTransaction } from './describe.ts'

export interface AbortOptions {
  readonly partition?: string
  readonly startOffset?: string
  readonly yes?: boolean
}

export async function abortTransaction(session: Session, options: AbortOptions, id: string | undefined): Promise<void> {
  const { partition, startOffset } = options
  if ((id === undefined) === (partition === undefined)) {
    throw new UsageError('a transactional id, or --partition with --start-offset')
  }
  if (id !== undefined) return abortOfId(session, options, id)
  if (partition === undefined || startOffset === undefined)
    throw new UsageError('--partition needs --start-offset: which of them?')
  return abortHanging(session, options, partition, parseNumber(startOffset, '--start-offset'))
}

async function abortOfId(session: Session, { yes }: AbortOptions, id: string): Promise<void> {
  const { state } = await namedTransaction(session, id)
  await session.confirm(`fence the producer of ${id} (${state}), and abort what it has open`, yes)
  await fenceTransactionalId(session.client, id)
  if (session.json) return session.printJson({ transactionalId: id, before: state, aborted: state === 'Ongoing' })
  await session.print(
    state === 'Ongoing' ? `aborted the transaction of ${id}\n` : `fenced the producer of ${id}; it had nothing open\n`,
  )
}

async function abortHanging(session: Session, { yes }: AbortOptions, text: string, startOffset: number): Promise<void> {
  const [where, ...others] = await namedPartitions(session, [text])
  if (others.length > 0) throw new UsageError(`--partition ${text}: one partition is expected`, ['Such as orders:3.'])
  const [{ errorCode, errorMessage, value }] = await producersOf(session.client, [where])
  if (errorCode !== Errors.NONE) throw refusal(text, errorCode, errorMessage)
  const producer = (value ?? []).find(({ transactionStartOffset }) => transactionStartOffset === startOffset)
  if (!producer) {
    const open = (value ?? []).map(each => each.transactionStartOffset).filter(offset => offset >= 0)
    throw new ClientError('not-found', `no transaction is open in ${text} since offset ${startOffset}`, {
      hints: [open.length > 0 ? `Open are those since ${open.join(', ')}.` : 'None is open there.'],
    })
  }
  await session.confirm(`abort the transaction of producer ${producer.producerId} in ${text}`, yes)
  await abortInPartition(session.client, where, producer)
  if (session.json) return session.printJson({ ...where, producerId: producer.producerId, startOffset, aborted: true })
  await session.print(`aborted the transaction of producer ${producer.producerId} in ${text}\n`)
}
