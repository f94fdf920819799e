/**
 * A state machine that decides by writing records and learns only from records. `shard.ts` runs it over a log.
 * Nothing here waits, reads a clock or touches a file: a test states an event and compares the outcome.
 */
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Watermark } from '../lib/watermark.ts'

/** Names one parked answer; the shard hands it out with the event and delivers the reply that names it. */
export type Ticket = number

export interface DecideContext {
  /** Wall clock in milliseconds, for timestamps inside records. */
  readonly nowMs: number
  /** Monotonic milliseconds, for sessions and timeouts. */
  readonly monotonicMs: number
  readonly random: { below(n: number): number; uuid(): string }
}

/** Where a record stands in the log. */
export interface Position {
  readonly offset: number
  /** Append time or record timestamp of the batch, milliseconds. */
  readonly timestampMs: number
  readonly leaderEpoch: number
  /** Of a transactional batch; -1 for every other record. */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface Timer<Event> {
  readonly delayMs: number
  readonly event: Event
  /** One of the same name that is running goes on instead. */
  readonly isKept?: boolean
}

/** A transaction that records belong to: they are written as a transactional batch, and count when its marker says so. */
export interface ProducerTransaction {
  readonly producerId: number
  readonly producerEpoch: number
  /** Proof that the transaction's coordinator knows of it (KIP-890); undefined where none is asked for. */
  readonly guard?: symbol | null
}

/** The end of a producer's transaction in one log. */
export interface TransactionEnd {
  readonly producerId: number
  readonly producerEpoch: number
  readonly commit: boolean
  readonly coordinatorEpoch: number
  /** Level of the feature `transaction.version` that it was decided under. */
  readonly transactionVersion: number
}

export interface Outcome<Event, Rec, Reply, Send = never> {
  /** Appended as one atomic batch, then applied in order. */
  readonly records: readonly Rec[]
  /** Delivered once the log is committed up to the last record of this outcome (at once without records). */
  readonly replies: readonly (readonly [Ticket, Reply])[]
  /** Set (replacing the same name) or cancelled (null). A timer is an event with a delay. */
  readonly timers: Readonly<Record<string, Timer<Event> | null>>
  /** The records may be written as several batches: clean-up that is right at every step. */
  readonly divisible?: boolean
  /** The records are part of this transaction. */
  readonly transaction?: ProducerTransaction
  /** Asked of others once the log is committed up to the last record; what came of it is an event. */
  readonly sends?: readonly Send[]
}

export interface Machine<Event, Rec, Reply, Send = never> {
  /** May draw randomness, since the result is in the record. Changes no state. */
  decide(event: Event, ticket: Ticket, context: DecideContext): Outcome<Event, Rec, Reply, Send>
  /** Changes state. May not draw randomness, may not fail. */
  apply(record: Rec, at: Position): void
  /** The whole log was replayed: the timers that the state calls for (sessions after a restart). */
  loaded(context: DecideContext): Outcome<Event, Rec, Reply, Send>
  /** The reply that `ticket` gets when the records of its event could not be written. */
  failed(error: ErrorCode, event: Event): Reply
  /** A transaction that wrote records into this log ended; may not fail. Absent where no transaction ever writes. */
  endTransaction?(commit: boolean, at: Position): void
}

/** What a machine's records look like in the log: a key (or none) and a value (null is a tombstone). */
export interface RecordCodec<Rec> {
  /** Null for a change that only lives in memory: it is applied with the others and never written. */
  encode(record: Rec): LogEntry | null
  /** Null for records that a newer version wrote and this one has no use for. */
  decode(key: Buffer | null, value: Buffer | null): Rec | null
}

/** What a shard needs of a log. A partition and the metadata quorum both are one. */
export interface ReplicatedLog {
  /**
   * Appends one batch, assigning offsets now. Returns the offset of the first record.
   * Throws KafkaError when this broker may not write (not leader, directory offline, too large).
   */
  append(entries: readonly LogEntry[], timestampMs: number, transaction?: ProducerTransaction): number
  /** Appends the marker that ends a transaction; as `append`. Absent where no transaction ever writes. */
  appendMarker?(end: TransactionEnd, timestampMs: number): number
  /** Every offset below this is committed: durable here, and on as many replicas as the settings ask. */
  readonly committed: Watermark
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly leaderEpoch: number
  /** Raw record batches from `offset` on (the first may begin before it), empty at the end of the log. */
  read(offset: number, bytesMax: number): Promise<Buffer>
}

export interface LogEntry {
  readonly key: Buffer | null
  readonly value: Buffer | null
}
