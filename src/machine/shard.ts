/**
 * Runs a machine over a log: event, decide, append one atomic batch, apply, set timers, answer when committed.
 *
 * There is no `await` between the check and the act, so nothing changes in between and nothing is rolled back. What was
 * appended is applied at once; an answer that could tell of it waits until the log is committed that far. A shard that
 * lost its log is dropped for good: the next leader replays the log into a fresh machine.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { Host } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import type { Waiter } from '../lib/watermark.ts'
import type {
  DecideContext,
  LogEntry,
  Machine,
  Outcome,
  ProducerTransaction,
  RecordCodec,
  ReplicatedLog,
  Ticket,
  TransactionEnd,
} from './machine.ts'
import { replayBatches } from './replay.ts'
import { Timers } from './timers.ts'

export interface ShardOptions {
  /** How long an answer may wait for its records to be committed. */
  readonly commitTimeoutMs: number
  /** Bytes read at a time while loading. */
  readonly loadBytes: number
  /** When a timer's event could not be written, it is decided again after this long. */
  readonly retryMs: number
  /** Most records in one batch of an outcome that may be divided. */
  readonly divideRecords: number
  /** The machine already holds everything before this offset; the start of the log when null. */
  readonly loadFrom: number | null
}

export const defaultShardOptions: ShardOptions = {
  commitTimeoutMs: 5000,
  loadBytes: 1 << 20,
  retryMs: 500,
  divideRecords: 1000,
  loadFrom: null,
}

export type ShardState = 'loading' | 'active' | 'dropped'

interface Parked<Event, Reply> {
  readonly event: Event
  readonly answer: (reply: Reply) => void
}

/** The ticket of events that nobody waits for: timers. */
const noTicket: Ticket = 0

/** Carries out what a machine asks of others; always resolves, with the event that tells what came of it. */
export type Sender<Send, Event> = (send: Send) => Promise<Event>

export class Shard<Event, Rec, Reply, Send = never> {
  readonly #machine: Machine<Event, Rec, Reply, Send>
  readonly #codec: RecordCodec<Rec>
  readonly #log: ReplicatedLog
  readonly #host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly #options: ShardOptions
  readonly #sender: Sender<Send, Event> | null
  readonly #parked = new Map<Ticket, Parked<Event, Reply>>()
  /** Ends the waiting of those who wait for a commit. */
  readonly #giveUps = new Set<() => void>()
  readonly #timers: Timers<Event>
  #state: ShardState = 'loading'
  #lastTicket: Ticket = noTicket
  #lastAnswer = 0
  /** Everything below was applied. */
  #appliedEnd: number

  constructor(
    machine: Machine<Event, Rec, Reply, Send>,
    codec: RecordCodec<Rec>,
    log: ReplicatedLog,
    host: Pick<Host, 'clock' | 'random' | 'log'>,
    options: Partial<ShardOptions> = {},
    sender: Sender<Send, Event> | null = null,
  ) {
    this.#sender = sender
    this.#machine = machine
    this.#codec = codec
    this.#log = log
    this.#host = host
    this.#options = { ...defaultShardOptions, ...options }
    this.#appliedEnd = this.#options.loadFrom ?? log.logStartOffset
    this.#timers = new Timers(host.clock, (name, event) => this.#onTimer(name, event))
  }

  get state(): ShardState {
    return this.#state
  }

  get machine(): Machine<Event, Rec, Reply, Send> {
    return this.#machine
  }

  /** Replays the log. An empty log is ready when this call returns; never rejects. */
  async load(): Promise<void> {
    assert(this.#state === 'loading', 'a shard is loaded once')
    const end = this.#log.logEndOffset
    try {
      while (this.#state === 'loading' && this.#appliedEnd < end) {
        const chunk = await this.#log.read(this.#appliedEnd, this.#options.loadBytes)
        if (this.#state !== 'loading') return
        const next = this.#replay(chunk)
        if (next <= this.#appliedEnd) break
        this.#appliedEnd = next
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#host.log.error({ error: error.message, offset: this.#appliedEnd }, 'a coordinator could not load its log')
      this.drop()
      return
    }
    this.#appliedEnd = Math.max(this.#appliedEnd, end)
    this.#state = 'active'
    this.#perform(this.#machine.loaded(this.#context()))
  }

  /**
   * Decides one event. The promise always resolves: with the machine's reply, or with its reply to the error of a shard
   * that is loading, was dropped or could not write.
   */
  submit(event: Event): Promise<Reply> {
    if (this.#state === 'loading') return this.#refuse(Errors.COORDINATOR_LOAD_IN_PROGRESS, event)
    if (this.#state === 'dropped') return this.#refuse(Errors.NOT_COORDINATOR, event)
    return new Promise(answer => {
      const ticket = ++this.#lastTicket
      this.#parked.set(ticket, { event, answer })
      const outcome = this.#machine.decide(event, ticket, this.#context())
      const failure = this.#perform(outcome)
      if (failure) this.#answer(ticket, this.#machine.failed(failure, event))
    })
  }

  /**
   * Writes the marker that ends a producer's transaction in this log, and tells the machine. Resolves when the marker is
   * committed, with the error otherwise: that of the log itself, as the leader of any other partition would tell it.
   */
  endTransaction(end: TransactionEnd): Promise<ErrorCode> {
    if (this.#state !== 'active') return Promise.resolve(Errors.NOT_LEADER_OR_FOLLOWER)
    const log = this.#log
    assert(log.appendMarker, 'a log that takes transactions takes markers')
    const timestampMs = this.#host.clock.now()
    let offset: number
    try {
      offset = log.appendMarker(end, timestampMs)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return Promise.resolve(error.code)
    }
    this.#appliedEnd = offset + 1
    const { commit, producerId, producerEpoch } = end
    const at = { offset, timestampMs, leaderEpoch: log.leaderEpoch, producerId, producerEpoch }
    this.#machine.endTransaction?.(commit, at)
    return new Promise(resolve => {
      this.#whenCommitted(failure => {
        if (failure === Errors.NOT_COORDINATOR) resolve(Errors.NOT_LEADER_OR_FOLLOWER)
        else resolve(failure ?? Errors.NONE)
      })
    })
  }

  /** Leadership is lost: every parked answer is NOT_COORDINATOR, no timer runs any more. */
  drop(): void {
    if (this.#state === 'dropped') return
    this.#state = 'dropped'
    this.#timers.clear()
    for (const giveUp of [...this.#giveUps]) giveUp()
    for (const [ticket, { event }] of [...this.#parked]) {
      this.#answer(ticket, this.#machine.failed(Errors.NOT_COORDINATOR, event))
    }
  }

  #refuse(error: ErrorCode, event: Event): Promise<Reply> {
    return Promise.resolve(this.#machine.failed(error, event))
  }

  #context(): DecideContext {
    const { clock, random } = this.#host
    return { nowMs: clock.now(), monotonicMs: clock.monotonic(), random }
  }

  #onTimer(name: string, event: Event): void {
    const failure = this.#perform(this.#machine.decide(event, noTicket, this.#context()))
    if (failure && this.#state === 'active') this.#timers.set(name, { delayMs: this.#options.retryMs, event })
  }

  /** Appends, applies, sets timers and parks replies; or changes nothing and says why. */
  #perform(outcome: Outcome<Event, Rec, Reply, Send>): ErrorCode | null {
    const step = outcome.divisible ? this.#options.divideRecords : Number.POSITIVE_INFINITY
    for (let from = 0; from < outcome.records.length; from += step) {
      const failure = this.#write(outcome.records.slice(from, from + step), outcome.transaction)
      if (failure) return failure
    }
    for (const [name, timer] of Object.entries(outcome.timers)) {
      if (timer) this.#timers.set(name, timer)
      else this.#timers.cancel(name)
    }
    for (const [ticket, reply] of outcome.replies) this.#answerWhenCommitted(ticket, reply)
    for (const send of outcome.sends ?? []) this.#sendWhenCommitted(send)
    return null
  }

  #write(records: readonly Rec[], transaction?: ProducerTransaction): ErrorCode | null {
    const timestampMs = this.#host.clock.now()
    const entries: LogEntry[] = []
    /** How many entries stand before each record and with it. */
    const counts: number[] = []
    for (const record of records) {
      const entry = this.#codec.encode(record)
      if (entry) entries.push(entry)
      counts.push(entries.length)
    }
    let offset = this.#appliedEnd
    if (entries.length > 0) {
      try {
        offset = this.#log.append(entries, timestampMs, transaction)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return coordinatorError(error.code)
      }
      this.#appliedEnd = offset + entries.length
    }
    const { producerId, producerEpoch } = transaction ?? { producerId: -1, producerEpoch: -1 }
    const at = { timestampMs, leaderEpoch: this.#log.leaderEpoch, producerId, producerEpoch }
    records.forEach((record, i) => {
      // A change that is not written stands where the record before it does.
      this.#machine.apply(record, { ...at, offset: offset + Math.max(counts[i] - 1, 0) })
    })
    return null
  }

  /** Reads wait too: what was applied but may still be lost is never shown. */
  #answerWhenCommitted(ticket: Ticket, reply: Reply): void {
    const parked = this.#parked.get(ticket)
    if (!parked) return
    this.#whenCommitted(failure => {
      this.#answer(ticket, failure === null ? reply : this.#machine.failed(failure, parked.event))
    })
  }

  /** Runs once, when the log is committed up to what is applied now; or with the error for those that wait for it. */
  #whenCommitted(run: (failure: ErrorCode | null) => void): void {
    if (this.#log.committed.value >= this.#appliedEnd) return run(null)
    let waiter: Waiter | null = null
    const settle = (failure: ErrorCode | null) => {
      if (!this.#giveUps.delete(giveUp)) return
      cancelDeadline()
      waiter?.cancel()
      run(failure)
    }
    const giveUp = () => settle(Errors.NOT_COORDINATOR)
    this.#giveUps.add(giveUp)
    const cancelDeadline = this.#host.clock.after(this.#options.commitTimeoutMs, () => {
      settle(coordinatorError(Errors.REQUEST_TIMED_OUT))
    })
    waiter = this.#log.committed.reached(this.#appliedEnd, failure => {
      settle(failure ? Errors.NOT_COORDINATOR : null)
    })
  }

  /** However long the commit takes: nobody else would do it, unless this shard is dropped. */
  #sendWhenCommitted(send: Send): void {
    const sender = this.#sender
    assert(sender, 'a machine that sends has somebody who carries it out')
    this.#log.committed.reached(this.#appliedEnd, failure => {
      if (failure || this.#state !== 'active') return
      void sender(send).then(event => {
        if (this.#state === 'active') this.#onTimer(`answer ${++this.#lastAnswer}`, event)
      })
    })
  }

  #answer(ticket: Ticket, reply: Reply): void {
    const parked = this.#parked.get(ticket)
    if (!parked) return
    this.#parked.delete(ticket)
    parked.answer(reply)
  }

  #replay(chunk: Buffer): number {
    return replayBatches(chunk, this.#appliedEnd, {
      record: (key, value, at) => {
        const record = this.#codec.decode(key, value)
        if (record) this.#machine.apply(record, at)
      },
      endTransaction: (commit, at) => this.#machine.endTransaction?.(commit, at),
      unreadable: (offset, reason) =>
        this.#host.log.warn({ offset, reason }, 'a record of a coordinator could not be read and is skipped'),
    })
  }
}

/** What a client of a coordinator is told when the coordinator's own write failed. */
export function coordinatorError(code: ErrorCode): ErrorCode {
  switch (code) {
    case Errors.UNKNOWN_TOPIC_OR_PARTITION:
    case Errors.NOT_ENOUGH_REPLICAS:
    case Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case Errors.REQUEST_TIMED_OUT:
      return Errors.COORDINATOR_NOT_AVAILABLE
    case Errors.NOT_LEADER_OR_FOLLOWER:
    case Errors.KAFKA_STORAGE_ERROR:
      return Errors.NOT_COORDINATOR
    case Errors.MESSAGE_TOO_LARGE:
    case Errors.RECORD_LIST_TOO_LARGE:
    case Errors.INVALID_FETCH_SIZE:
      return Errors.UNKNOWN_SERVER_ERROR
    case Errors.NETWORK_EXCEPTION:
      return Errors.COORDINATOR_LOAD_IN_PROGRESS
    default:
      return code
  }
}
