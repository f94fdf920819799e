/** All transactional ids of one partition of `__transaction_state`, as a machine. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { DecideContext, Machine, Position, Ticket } from '../../machine/machine.ts'
import { Draft, expiryTimer, markersTimer, type TransactionOutcome } from './draft.ts'
import { end } from './end.ts'
import type {
  DescribedTransaction,
  ListEvent,
  ListReply,
  MarkersAnsweredEvent,
  TransactionEvent,
  TransactionReply,
  WriteMarkers,
} from './events.ts'
import { initProducer } from './init-producer.ts'
import { addPartitions, verifyPartitions } from './partitions.ts'
import type { TransactionRecord } from './records.ts'
import { failedReply } from './replies.ts'
import type { TransactionSettings } from './settings.ts'
import { completed, difference, fenced, isPrepared, type PartitionSet, type Transaction } from './transaction.ts'

interface Markers {
  /** Partitions whose leader has not confirmed the marker yet. */
  readonly missing: PartitionSet
  readonly attempt: number
}

export class TransactionMachine
  implements Machine<TransactionEvent, TransactionRecord, TransactionReply, WriteMarkers>
{
  readonly settings: TransactionSettings
  readonly #transactions = new Map<string, Transaction>()
  /** Of transactions that are being ended. */
  readonly #markers = new Map<string, Markers>()
  readonly #connections = new Map<string, number>()

  constructor(settings: TransactionSettings) {
    this.settings = settings
  }

  get(transactionalId: string): Transaction | null {
    return this.#transactions.get(transactionalId) ?? null
  }

  decide(event: TransactionEvent, ticket: Ticket, context: DecideContext): TransactionOutcome {
    const draft = new Draft(context, this.settings)
    switch (event.kind) {
      case 'initProducer':
        initProducer(draft, this.get(event.transactionalId), event, ticket)
        break
      case 'addPartitions':
        addPartitions(draft, this.get(event.transactionalId), this.#newest(event.transactionalId), event, ticket)
        break
      case 'verifyPartitions':
        draft.reply(ticket, verifyPartitions(this.get(event.transactionalId), event))
        break
      case 'end':
        end(draft, this.get(event.transactionalId), this.#newest(event.transactionalId), event, ticket)
        break
      case 'describe':
        draft.reply(ticket, { kind: 'describe', transactions: event.transactionalIds.map(id => this.#describe(id)) })
        break
      case 'list':
        draft.reply(ticket, this.#list(event, context.nowMs))
        break
      case 'markersAnswered':
        this.#markersAnswered(draft, event)
        break
      case 'retryMarkers':
        this.#retryMarkers(draft, event)
        break
      case 'timedOut':
        this.#timedOut(draft, event.transactionalId, event.startMs)
        break
      case 'expireIds':
        this.#expireIds(draft)
        return draft.outcome(true)
    }
    return draft.outcome()
  }

  apply(record: TransactionRecord, _at: Position): void {
    const { transactionalId } = record
    switch (record.kind) {
      case 'transaction': {
        const { value } = record
        if (value) this.#transactions.set(transactionalId, value)
        else {
          this.#transactions.delete(transactionalId)
          this.#connections.delete(transactionalId)
        }
        if (value && isPrepared(value)) this.#markers.set(transactionalId, { missing: value.partitions, attempt: 0 })
        else this.#markers.delete(transactionalId)
        return
      }
      case 'markers':
        this.#markers.set(transactionalId, { missing: record.missing, attempt: record.attempt })
        return
      case 'connection':
        this.#connections.set(transactionalId, record.connectionId)
    }
  }

  loaded(context: DecideContext): TransactionOutcome {
    const draft = new Draft(context, this.settings)
    for (const transaction of this.#transactions.values()) draft.resume(transaction)
    draft.set(expiryTimer, this.settings.idExpirationCheckMs, { kind: 'expireIds' })
    return draft.outcome(true)
  }

  failed(error: ErrorCode, event: TransactionEvent): TransactionReply {
    return failedReply(error, event)
  }

  #newest(transactionalId: string): number {
    return this.#connections.get(transactionalId) ?? -1
  }

  #markersAnswered(draft: Draft, event: MarkersAnsweredEvent): void {
    const { transactionalId, settled } = event
    const transaction = this.#ending(event)
    const markers = this.#markers.get(transactionalId)
    if (!transaction || !markers) return
    const missing = difference(markers.missing, settled)
    if (missing.size === 0) return draft.put(completed(transaction, draft.context.nowMs))
    const { markerRetryMs, markerRetryMaxMs } = this.settings
    const { producerId, producerEpoch } = transaction
    const delayMs = Math.min(markerRetryMs * 2 ** Math.min(markers.attempt, 20), markerRetryMaxMs)
    draft.record({ kind: 'markers', transactionalId, missing, attempt: markers.attempt + 1 })
    draft.set(markersTimer(transactionalId), delayMs, {
      kind: 'retryMarkers',
      transactionalId,
      producerId,
      producerEpoch,
    })
  }

  #retryMarkers(draft: Draft, event: Extract<TransactionEvent, { kind: 'retryMarkers' }>): void {
    const transaction = this.#ending(event)
    const markers = this.#markers.get(event.transactionalId)
    if (transaction && markers) draft.sendMarkers(transaction, markers.missing)
  }

  /** The transaction that is being ended, if it is the one that is spoken of. */
  #ending(event: { transactionalId: string; producerId: number; producerEpoch: number }): Transaction | null {
    const transaction = this.get(event.transactionalId)
    if (!transaction || !isPrepared(transaction)) return null
    const { producerId, producerEpoch } = transaction
    return producerId === event.producerId && producerEpoch === event.producerEpoch ? transaction : null
  }

  #timedOut(draft: Draft, transactionalId: string, startMs: number): void {
    const transaction = this.get(transactionalId)
    if (transaction?.state !== 'Ongoing' || transaction.startMs !== startMs) return
    draft.end(fenced(transaction, this.settings.version(), draft.context.nowMs))
  }

  #expireIds(draft: Draft): void {
    const { idExpirationMs, idExpirationCheckMs } = this.settings
    for (const { transactionalId, state, lastUpdateMs } of this.#transactions.values()) {
      const isIdle = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
      if (!isIdle || draft.context.nowMs - lastUpdateMs < idExpirationMs) continue
      draft.record({ kind: 'transaction', transactionalId, value: null })
    }
    draft.set(expiryTimer, idExpirationCheckMs, { kind: 'expireIds' })
  }

  #describe(transactionalId: string): DescribedTransaction {
    const transaction = this.get(transactionalId)
    if (!transaction) {
      const nothing = { transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: 0, topics: [] }
      return {
        errorCode: Errors.TRANSACTIONAL_ID_NOT_FOUND,
        transactionalId,
        producerId: 0,
        producerEpoch: 0,
        ...nothing,
      }
    }
    const { state, timeoutMs, startMs, producerId, producerEpoch, partitions } = transaction
    return {
      errorCode: Errors.NONE,
      transactionalId,
      transactionState: state,
      transactionTimeoutMs: timeoutMs,
      transactionStartTimeMs: startMs,
      producerId,
      producerEpoch,
      topics: [...partitions].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
    }
  }

  #list({ states, producerIds, durationMs, matches }: ListEvent, nowMs: number): ListReply {
    const transactions: ListReply['transactions'][number][] = []
    for (const { transactionalId, producerId, state, startMs } of this.#transactions.values()) {
      if (producerIds.size > 0 && !producerIds.has(producerId)) continue
      if (states.size > 0 && !states.has(state)) continue
      if (durationMs >= 0 && nowMs - startMs <= durationMs) continue
      if (matches && !matches(transactionalId)) continue
      transactions.push({ transactionalId, producerId, transactionState: state })
    }
    return { kind: 'list', errorCode: Errors.NONE, transactions }
  }
}
