/** InitProducerId: a producer says that it is there, and whoever had its transactional id before is fenced. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { Ticket } from '../../machine/machine.ts'
import type { Draft } from './draft.ts'
import type { InitProducerEvent, InitProducerReply, Producer } from './events.ts'
import {
  fenced,
  initialized,
  isExhausted,
  isPrepared,
  newTransaction,
  noProducerEpoch,
  type Transaction,
} from './transaction.ts'

export function initProducerError(errorCode: ErrorCode): InitProducerReply {
  return { kind: 'initProducer', errorCode, producerId: -1, producerEpoch: -1, needsProducerId: false }
}

const needsProducerId: InitProducerReply = { ...initProducerError(Errors.NONE), needsProducerId: true }

export function initProducer(draft: Draft, known: Transaction | null, event: InitProducerEvent, ticket: Ticket): void {
  const { timeoutMs, freshProducerId, current } = event
  const { nowMs } = draft.context
  const refuse = (errorCode: ErrorCode) => draft.reply(ticket, initProducerError(errorCode))
  const accept = (transaction: Transaction) => {
    const { transactionalId, producerId, producerEpoch } = transaction
    draft.put(transaction)
    draft.record({ kind: 'connection', transactionalId, connectionId: event.connectionId })
    draft.reply(ticket, {
      kind: 'initProducer',
      errorCode: Errors.NONE,
      producerId,
      producerEpoch,
      needsProducerId: false,
    })
  }
  if (timeoutMs <= 0 || timeoutMs > draft.settings.timeoutMaxMs) return refuse(Errors.INVALID_TRANSACTION_TIMEOUT)
  if (!known) {
    if (freshProducerId === null) return draft.reply(ticket, needsProducerId)
    return accept(newTransaction(event.transactionalId, freshProducerId, timeoutMs, nowMs))
  }
  // Before anything else: the epochs of an answer that is still on its way to the client are not settled.
  if (isPrepared(known)) return refuse(Errors.CONCURRENT_TRANSACTIONS)
  if (current && !isOf(known, current)) return refuse(Errors.PRODUCER_FENCED)
  if (known.state === 'Ongoing') {
    // With the answer that this producer is still waiting for, somebody has begun a transaction: it is late.
    if (current && !isCurrent(known, current)) return refuse(Errors.PRODUCER_FENCED)
    // Nobody is ever told this epoch: the client comes again when the transaction is aborted, and gets the next one.
    draft.end(fenced(known, draft.settings.version(), nowMs))
    return refuse(Errors.CONCURRENT_TRANSACTIONS)
  }
  const { producerId, producerEpoch, lastProducerEpoch } = known
  if (current && !isCurrent(known, current)) {
    // The answer to its first attempt was lost. Nobody else came in between, since that forgets the last epoch.
    return accept(initialized(known, { producerId, producerEpoch, lastProducerEpoch }, timeoutMs, nowMs))
  }
  const last = current ? producerEpoch : noProducerEpoch
  if (isExhausted(producerEpoch)) {
    if (freshProducerId === null) return draft.reply(ticket, needsProducerId)
    const rotated = { producerId: freshProducerId, producerEpoch: 0, lastProducerEpoch: last }
    return accept(initialized(known, rotated, timeoutMs, nowMs))
  }
  accept(
    initialized(known, { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: last }, timeoutMs, nowMs),
  )
}

/** Whether a producer is the one of this id, or was until the very last step. */
function isOf(known: Transaction, current: Producer): boolean {
  return isCurrent(known, current) || isPrevious(known, current)
}

function isCurrent({ producerId, producerEpoch }: Transaction, current: Producer): boolean {
  return current.producerId === producerId && current.producerEpoch === producerEpoch
}

function isPrevious(known: Transaction, current: Producer): boolean {
  if (current.producerEpoch !== known.lastProducerEpoch || known.lastProducerEpoch === noProducerEpoch) return false
  if (current.producerId === known.producerId) return true
  return current.producerId === known.previousProducerId && isExhausted(current.producerEpoch)
}
