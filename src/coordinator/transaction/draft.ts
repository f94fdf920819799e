/** What one event does to transactional ids, gathered while it is decided. */
import type { DecideContext, Outcome, Ticket, Timer } from '../../machine/machine.ts'
import type { TransactionEvent, TransactionReply, WriteMarkers } from './events.ts'
import type { TransactionRecord } from './records.ts'
import type { TransactionSettings } from './settings.ts'
import { completed, isPrepared, type PartitionSet, type Transaction } from './transaction.ts'

export type TransactionOutcome = Outcome<TransactionEvent, TransactionRecord, TransactionReply, WriteMarkers>

/** Timer names; ids may hold any character, but each timer has but one. */
export const timeoutTimer = (transactionalId: string) => `timeout:${transactionalId}`
export const markersTimer = (transactionalId: string) => `markers:${transactionalId}`
export const expiryTimer = 'expire-ids'

export class Draft {
  readonly context: DecideContext
  readonly settings: TransactionSettings
  readonly #records: TransactionRecord[] = []
  readonly #replies: [Ticket, TransactionReply][] = []
  readonly #timers: Record<string, Timer<TransactionEvent> | null> = {}
  readonly #sends: WriteMarkers[] = []

  constructor(context: DecideContext, settings: TransactionSettings) {
    this.context = context
    this.settings = settings
  }

  reply(ticket: Ticket, reply: TransactionReply): void {
    this.#replies.push([ticket, reply])
  }

  record(record: TransactionRecord): void {
    this.#records.push(record)
  }

  set(name: string, delayMs: number, event: TransactionEvent): void {
    this.#timers[name] = { delayMs, event }
  }

  /** The transactional id as it is from now on. */
  put(value: Transaction): void {
    this.record({ kind: 'transaction', transactionalId: value.transactionalId, value })
  }

  /** A transaction begins: its time runs. */
  begin(transaction: Transaction): void {
    const { transactionalId, startMs, timeoutMs } = transaction
    this.put(transaction)
    this.set(timeoutTimer(transactionalId), timeoutMs, { kind: 'timedOut', transactionalId, startMs })
  }

  /** The end is decided: the partitions get their markers, or it is over where there are none. */
  end(transaction: Transaction): void {
    const { transactionalId, partitions } = transaction
    this.#timers[timeoutTimer(transactionalId)] = null
    if (partitions.size === 0) return this.put(completed(transaction, this.context.nowMs))
    this.put(transaction)
    this.sendMarkers(transaction, partitions)
  }

  sendMarkers(transaction: Transaction, partitions: PartitionSet): void {
    const { transactionalId, producerId, producerEpoch, state, clientVersion } = transaction
    const commit = state === 'PrepareCommit'
    this.#sends.push({
      transactionalId,
      producerId,
      producerEpoch,
      commit,
      transactionVersion: clientVersion,
      partitions,
    })
  }

  /** What a coordinator that takes over has to do for an id: to end what is being ended, and to watch what is open. */
  resume(transaction: Transaction): void {
    const { transactionalId, startMs, timeoutMs } = transaction
    if (isPrepared(transaction)) {
      // Without partitions too: what comes of it completes the transaction.
      this.sendMarkers(transaction, transaction.partitions)
    } else if (transaction.state === 'Ongoing') {
      // Wall clocks of two brokers are compared here: never longer than the whole time, nor less than nothing.
      const leftMs = Math.min(Math.max(startMs + timeoutMs - this.context.nowMs, 0), timeoutMs)
      this.set(timeoutTimer(transactionalId), leftMs, { kind: 'timedOut', transactionalId, startMs })
    }
  }

  outcome(divisible = false): TransactionOutcome {
    return { records: this.#records, replies: this.#replies, timers: this.#timers, sends: this.#sends, divisible }
  }
}
