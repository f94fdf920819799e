/**
 * A transaction machine in a world where time passes only when the test says so. Producer ids are handed out from 100 on;
 * markers are written when the test says that partitions answer.
 */
import assert from 'node:assert/strict'
import { errorName } from '../../../protocol/errors.ts'
import type { TransactionOutcome } from '../../../src/coordinator/transaction/draft.ts'
import type {
  ReplyTo,
  RequestEvent,
  TransactionEvent,
  WriteMarkers,
} from '../../../src/coordinator/transaction/events.ts'
import { TransactionMachine } from '../../../src/coordinator/transaction/machine.ts'
import { type TransactionRecord, transactionRecordCodec } from '../../../src/coordinator/transaction/records.ts'
import { defaultTransactionSettings, type TransactionSettings } from '../../../src/coordinator/transaction/settings.ts'
import { type PartitionSet, partitionSet, type Transaction } from '../../../src/coordinator/transaction/transaction.ts'
import type { LogEntry } from '../../../src/machine/machine.ts'

export const startMs = 1_800_000_000_000

/** `'a-0', 'a-1', 'b-0'` as a set. */
export function partitions(...names: string[]): PartitionSet {
  return partitionSet(
    names.map(name => {
      const at = name.lastIndexOf('-')
      return { name: name.slice(0, at), partitions: [Number(name.slice(at + 1))] }
    }),
  )
}

export function namesOf(set: PartitionSet): string[] {
  return [...set].flatMap(([topic, indexes]) => [...indexes].map(index => `${topic}-${index}`)).sort()
}

export interface Asked {
  readonly connectionId?: number | null
}

export class Scenario {
  readonly machine: TransactionMachine
  readonly log: LogEntry[] = []
  /** What the last event wrote. */
  written: TransactionRecord[] = []
  /** Markers asked for and not answered yet. */
  sends: WriteMarkers[] = []
  nowMs: number
  nextProducerId = 100
  readonly #settings: TransactionSettings
  readonly #timers = new Map<string, { deadlineMs: number; event: TransactionEvent }>()
  readonly #replies = new Map<number, unknown>()
  #ticket = 0

  constructor(settings: Partial<TransactionSettings> = {}, log: readonly LogEntry[] = [], nowMs = 0) {
    this.nowMs = nowMs
    this.#settings = { ...defaultTransactionSettings, ...settings }
    this.machine = new TransactionMachine(this.#settings)
    for (const { key, value } of log) {
      const record = this.#codec.decode(key, value)
      if (record) this.machine.apply(record, this.#position)
      this.log.push({ key, value })
    }
    this.#perform(this.machine.loaded(this.#context))
  }

  get #codec() {
    return transactionRecordCodec(this.#settings.version)
  }

  get #position() {
    return { offset: this.log.length, timestampMs: this.nowMs, leaderEpoch: 1, producerId: -1, producerEpoch: -1 }
  }

  get #context() {
    const random = { below: () => 0, uuid: () => '' }
    return { nowMs: startMs + this.nowMs, monotonicMs: this.nowMs, random }
  }

  /** A new coordinator that loads what this one wrote. */
  restarted(): Scenario {
    const next = new Scenario(this.#settings, this.log, this.nowMs)
    next.nextProducerId = this.nextProducerId
    return next
  }

  ask<E extends RequestEvent>(event: E): ReplyTo<E> {
    const ticket = ++this.#ticket
    this.#perform(this.machine.decide(event, ticket, this.#context))
    assert(this.#replies.has(ticket), `${event.kind} is answered at once`)
    return this.#replies.get(ticket) as ReplyTo<E>
  }

  /** The error, or the producer as 'id:epoch'. */
  init(current: string | null = null, { connectionId = 1, timeoutMs = 60_000, id = 'tx' } = {}): string {
    const [producerId, producerEpoch] = (current ?? '').split(':').map(Number)
    const event = {
      kind: 'initProducer',
      transactionalId: id,
      timeoutMs,
      current: current === null ? null : { producerId, producerEpoch },
      freshProducerId: null as number | null,
      connectionId: connectionId ?? 1,
    } as const
    let reply = this.ask(event)
    if (reply.needsProducerId) reply = this.ask({ ...event, freshProducerId: this.nextProducerId++ })
    return reply.errorCode === 0 ? `${reply.producerId}:${reply.producerEpoch}` : errorName(reply.errorCode)
  }

  add(
    producer: string,
    names: string[],
    { connectionId = 1 }: Asked = {},
    clientVersion = connectionId === null ? 2 : 0,
  ) {
    const [producerId, producerEpoch] = producer.split(':').map(Number)
    const event = { kind: 'addPartitions', transactionalId: 'tx', producerId, producerEpoch, connectionId } as const
    const reply = this.ask({ ...event, partitions: partitions(...names), clientVersion })
    return reply.isLate ? 'late' : errorName(reply.errorCode)
  }

  /** As a partition leader does for a client of version 2. */
  write(producer: string, ...names: string[]): string {
    return this.add(producer, names, { connectionId: null })
  }

  /** By a client of version 0. */
  endOld(producer: string, commit: boolean, { connectionId = 1 }: Asked = {}): string {
    return this.#end(producer, commit, 0, connectionId)
  }

  /** By a client of version 2: the error, or the producer from now on. */
  end(producer: string, commit: boolean): string {
    return this.#end(producer, commit, 2, null)
  }

  #end(producer: string, commit: boolean, clientVersion: number, connectionId: number | null): string {
    const [producerId, producerEpoch] = producer.split(':').map(Number)
    const event = {
      kind: 'end',
      transactionalId: 'tx',
      producerId,
      producerEpoch,
      commit,
      clientVersion,
      connectionId,
      freshProducerId: null as number | null,
    } as const
    let reply = this.ask(event)
    if (reply.needsProducerId) reply = this.ask({ ...event, freshProducerId: this.nextProducerId++ })
    if (reply.isLate) return 'late'
    if (reply.errorCode !== 0 || clientVersion < 2) return errorName(reply.errorCode)
    return `${reply.producerId}:${reply.producerEpoch}`
  }

  /** The partitions of the oldest request for markers answer; all of them unless named. */
  answerMarkers(...names: string[]): WriteMarkers {
    const send = this.sends.shift()
    assert(send, 'markers were asked for')
    const { transactionalId, producerId, producerEpoch } = send
    const settled = names.length > 0 ? partitions(...names) : send.partitions
    this.tell({ kind: 'markersAnswered', transactionalId, producerId, producerEpoch, settled })
    return send
  }

  /** An event that nobody waits for. */
  tell(event: TransactionEvent): void {
    this.#perform(this.machine.decide(event, 0, this.#context))
  }

  advance(ms: number): string[] {
    const untilMs = this.nowMs + ms
    const ran: string[] = []
    for (;;) {
      const due = [...this.#timers].filter(([, { deadlineMs }]) => deadlineMs <= untilMs)
      const next = due.sort(([, a], [, b]) => a.deadlineMs - b.deadlineMs)[0]
      if (!next) break
      const [name, { deadlineMs, event }] = next
      this.#timers.delete(name)
      this.nowMs = Math.max(this.nowMs, deadlineMs)
      ran.push(event.kind)
      this.tell(event)
    }
    this.nowMs = untilMs
    return ran
  }

  get transaction(): Transaction {
    const transaction = this.machine.get('tx')
    assert(transaction, 'the id is known')
    return transaction
  }

  /** 'State id:epoch'. */
  get state(): string {
    const { state, producerId, producerEpoch } = this.transaction
    return `${state} ${producerId}:${producerEpoch}`
  }

  /** Brings the id to an epoch, as if that many producers had come and gone. */
  forceEpoch(producerEpoch: number): void {
    const value = { ...this.transaction, producerEpoch }
    this.machine.apply({ kind: 'transaction', transactionalId: 'tx', value }, this.#position)
  }

  #perform(outcome: TransactionOutcome): void {
    this.written = [...outcome.records]
    for (const record of outcome.records) {
      const entry = this.#codec.encode(record)
      if (entry) this.log.push(entry)
      this.machine.apply(record, this.#position)
    }
    for (const [name, timer] of Object.entries(outcome.timers)) {
      if (timer) this.#timers.set(name, { deadlineMs: this.nowMs + timer.delayMs, event: timer.event })
      else this.#timers.delete(name)
    }
    for (const [ticket, reply] of outcome.replies) this.#replies.set(ticket, reply)
    this.sends.push(...(outcome.sends ?? []))
  }
}
