/** AddPartitionsToTxn and AddOffsetsToTxn, and the question of partition leaders whether a write belongs to a transaction. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { Ticket } from '../../machine/machine.ts'
import type { Draft } from './draft.ts'
import type {
  AddPartitionsEvent,
  AddPartitionsReply,
  Producer,
  VerifyPartitionsEvent,
  VerifyPartitionsReply,
} from './events.ts'
import { difference, isPrepared, noPartitions, type Transaction, withPartitions } from './transaction.ts'

export function addPartitionsAnswer(errorCode: ErrorCode, isLate = false): AddPartitionsReply {
  return { kind: 'addPartitions', errorCode, isLate }
}

/** `newestConnection` is the newest one that a request of this producer came by. */
export function addPartitions(
  draft: Draft,
  known: Transaction | null,
  newestConnection: number,
  event: AddPartitionsEvent,
  ticket: Ticket,
): void {
  const error = checkProducer(known, event)
  if (!known || error !== Errors.NONE) return draft.reply(ticket, addPartitionsAnswer(error))
  if (isLate(event.connectionId, newestConnection)) return draft.reply(ticket, addPartitionsAnswer(Errors.NONE, true))
  noteConnection(draft, event.transactionalId, event.connectionId, newestConnection)
  const { nowMs } = draft.context
  const isOpen = known.state === 'Ongoing'
  if (!isOpen) draft.begin(withPartitions(known, event.partitions, event.clientVersion, nowMs))
  else if (difference(event.partitions, known.partitions).size > 0) {
    draft.put(withPartitions(known, event.partitions, event.clientVersion, nowMs))
  }
  draft.reply(ticket, addPartitionsAnswer(Errors.NONE))
}

export function verifyPartitions(known: Transaction | null, event: VerifyPartitionsEvent): VerifyPartitionsReply {
  const errorCode = checkProducer(known, event)
  if (!known || errorCode !== Errors.NONE) return { kind: 'verifyPartitions', errorCode, partitions: noPartitions }
  const partitions = known.state === 'Ongoing' ? known.partitions : noPartitions
  return { kind: 'verifyPartitions', errorCode, partitions }
}

/** Whether a producer may write now. */
function checkProducer(known: Transaction | null, { producerId, producerEpoch }: Producer): ErrorCode {
  if (!known) return Errors.INVALID_PRODUCER_ID_MAPPING
  if (isPrepared(known)) {
    // The client may know already who it will be when this transaction is complete.
    if (known.nextProducerId === producerId && producerEpoch === 0) return Errors.CONCURRENT_TRANSACTIONS
  }
  if (known.producerId !== producerId) return Errors.INVALID_PRODUCER_ID_MAPPING
  if (known.producerEpoch !== producerEpoch) return Errors.PRODUCER_FENCED
  return isPrepared(known) ? Errors.CONCURRENT_TRANSACTIONS : Errors.NONE
}

/** A connection that the client had given up before it sent its last request. */
export function isLate(connectionId: number | null, newestConnection: number): boolean {
  return connectionId !== null && connectionId < newestConnection
}

export function noteConnection(
  draft: Draft,
  transactionalId: string,
  connectionId: number | null,
  newest: number,
): void {
  if (connectionId === null || connectionId === newest) return
  draft.record({ kind: 'connection', transactionalId, connectionId })
}
