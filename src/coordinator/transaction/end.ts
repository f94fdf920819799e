/**
 * EndTxn. Up to version 4 the epoch stays as it is, so a request that was held up somewhere could end a later transaction:
 * the connection it came by tells. From version 5 on (KIP-890) each end has a new epoch, and a repeated request is known by
 * the epoch before.
 */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { Ticket } from '../../machine/machine.ts'
import type { Draft } from './draft.ts'
import type { EndEvent, EndReply, Producer } from './events.ts'
import { isLate, noteConnection } from './partitions.ts'
import { isExhausted, isPrepared, noProducerId, prepared, type Transaction } from './transaction.ts'

export function endAnswer(errorCode: ErrorCode, producer?: Producer): EndReply {
  const { producerId = -1, producerEpoch = -1 } = producer ?? {}
  return { kind: 'end', errorCode, producerId, producerEpoch, isLate: false, needsProducerId: false }
}

export function end(
  draft: Draft,
  known: Transaction | null,
  newestConnection: number,
  event: EndEvent,
  ticket: Ticket,
): void {
  if (!known) return draft.reply(ticket, endAnswer(Errors.INVALID_PRODUCER_ID_MAPPING))
  if (event.clientVersion >= 2) return endAndBump(draft, known, event, ticket)
  if (known.producerId !== event.producerId) return draft.reply(ticket, endAnswer(Errors.INVALID_PRODUCER_ID_MAPPING))
  if (known.producerEpoch !== event.producerEpoch) return draft.reply(ticket, endAnswer(Errors.PRODUCER_FENCED))
  if (isLate(event.connectionId, newestConnection)) {
    return draft.reply(ticket, { ...endAnswer(Errors.NONE), isLate: true })
  }
  noteConnection(draft, event.transactionalId, event.connectionId, newestConnection)
  if (known.state !== 'Ongoing') return draft.reply(ticket, endAnswer(repeated(known, event.commit), known))
  draft.end(prepared(known, event.commit, event.clientVersion, noProducerId, draft.context.nowMs))
  draft.reply(ticket, endAnswer(Errors.NONE, known))
}

/** What an end is answered that was asked for before, or makes no sense. */
function repeated({ state }: Transaction, commit: boolean): ErrorCode {
  if (state === (commit ? 'PrepareCommit' : 'PrepareAbort')) return Errors.CONCURRENT_TRANSACTIONS
  if (state === (commit ? 'CompleteCommit' : 'CompleteAbort')) return Errors.NONE
  return Errors.INVALID_TXN_STATE
}

function endAndBump(draft: Draft, known: Transaction, event: EndEvent, ticket: Ticket): void {
  const answer = (errorCode: ErrorCode, producer?: Producer) => draft.reply(ticket, endAnswer(errorCode, producer))
  const isCurrent = known.producerId === event.producerId && known.producerEpoch === event.producerEpoch
  if (isPrepared(known)) {
    // Who is current then knows its new epoch already; what it asks for is decided when the markers are written.
    const isNext = known.nextProducerId === event.producerId && event.producerEpoch === 0
    if (isNext || isCurrent) return answer(Errors.CONCURRENT_TRANSACTIONS)
  }
  const isRetry = isRepeated(known, event)
  if (known.producerId !== event.producerId && !isRetry) return answer(Errors.INVALID_PRODUCER_ID_MAPPING)
  if (isRetry && known.state !== 'Ongoing' && known.state !== 'Empty')
    return answer(repeated(known, event.commit), known)
  if (!isCurrent) return answer(Errors.PRODUCER_FENCED)
  // An abort of nothing is how a client gets a new epoch after an error; a commit of nothing is a mistake.
  if (known.state !== 'Ongoing' && event.commit) return answer(Errors.INVALID_TXN_STATE)
  const exhausted = isExhausted(known.producerEpoch)
  if (exhausted && event.freshProducerId === null) {
    return draft.reply(ticket, { ...endAnswer(Errors.NONE), needsProducerId: true })
  }
  const nextProducerId = exhausted ? (event.freshProducerId ?? noProducerId) : noProducerId
  const ending = prepared(known, event.commit, event.clientVersion, nextProducerId, draft.context.nowMs)
  draft.end(ending)
  answer(Errors.NONE, exhausted ? { producerId: nextProducerId, producerEpoch: 0 } : ending)
}

/** The client did not get the answer to its last end, and has the epoch from before. */
function isRepeated(known: Transaction, { producerId, producerEpoch }: Producer): boolean {
  if (producerId === known.producerId && producerEpoch === known.producerEpoch - 1) return true
  const rotated = known.producerEpoch === 0 && producerId === known.previousProducerId
  return rotated && producerId !== known.producerId && isExhausted(producerEpoch)
}
