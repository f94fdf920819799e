/** What happens to transactional ids, and what they answer. Names are those of the protocol's messages. */
import type { ErrorCode } from '../../../protocol/errors.ts'
import type { PartitionSet } from './transaction.ts'

export interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerEvent {
  readonly kind: 'initProducer'
  readonly transactionalId: string
  readonly timeoutMs: number
  /** Who the producer believes to be (KIP-360); null for one that has just started. */
  readonly current: Producer | null
  /** A producer id that nobody had before; null is answered with `needsProducerId` where one is needed. */
  readonly freshProducerId: number | null
  readonly connectionId: number
}

export interface InitProducerReply extends Producer {
  readonly kind: 'initProducer'
  readonly errorCode: ErrorCode
  readonly needsProducerId: boolean
}

/** Requests of a producer in its transaction. */
interface OfProducer extends Producer {
  readonly transactionalId: string
  /**
   * The connection that it came by; null where it does not matter. A request on an older connection than the last one is
   * late: its client has given it up, and may be in another transaction of the same epoch by now.
   */
  readonly connectionId: number | null
}

export interface AddPartitionsEvent extends OfProducer {
  readonly kind: 'addPartitions'
  readonly partitions: PartitionSet
  /** Level of `transaction.version` that the client works by. */
  readonly clientVersion: number
}

export interface AddPartitionsReply {
  readonly kind: 'addPartitions'
  readonly errorCode: ErrorCode
  /** Nothing was done: the request was late. */
  readonly isLate: boolean
}

/** Whether partitions take part in the open transaction; changes nothing. */
export interface VerifyPartitionsEvent extends Producer {
  readonly kind: 'verifyPartitions'
  readonly transactionalId: string
}

export interface VerifyPartitionsReply {
  readonly kind: 'verifyPartitions'
  /** Of the whole question. */
  readonly errorCode: ErrorCode
  readonly partitions: PartitionSet
}

export interface EndEvent extends OfProducer {
  readonly kind: 'end'
  readonly commit: boolean
  readonly clientVersion: number
  /** As in InitProducerEvent. */
  readonly freshProducerId: number | null
}

export interface EndReply extends Producer {
  readonly kind: 'end'
  readonly errorCode: ErrorCode
  readonly isLate: boolean
  readonly needsProducerId: boolean
}

export interface DescribeEvent {
  readonly kind: 'describe'
  readonly transactionalIds: readonly string[]
}

export interface DescribedTransaction extends Producer {
  readonly errorCode: ErrorCode
  readonly transactionalId: string
  readonly transactionState: string
  readonly transactionTimeoutMs: number
  readonly transactionStartTimeMs: number
  readonly topics: readonly { topic: string; partitions: number[] }[]
}

export interface DescribeReply {
  readonly kind: 'describe'
  readonly transactions: readonly DescribedTransaction[]
}

export interface ListEvent {
  readonly kind: 'list'
  /** Empty for all. */
  readonly states: ReadonlySet<string>
  /** Empty for all. */
  readonly producerIds: ReadonlySet<number>
  /** Only those that began longer ago than this; -1 for all. */
  readonly durationMs: number
  /** Null for all. */
  readonly matches: ((transactionalId: string) => boolean) | null
}

export interface ListReply {
  readonly kind: 'list'
  readonly errorCode: ErrorCode
  readonly transactions: readonly { transactionalId: string; producerId: number; transactionState: string }[]
}

/** What the leaders of partitions said to the markers of one transaction. */
export interface MarkersAnsweredEvent extends Producer {
  readonly kind: 'markersAnswered'
  readonly transactionalId: string
  /** Those that have the marker, or will never need it. */
  readonly settled: PartitionSet
}

export type TimerEvent =
  | { readonly kind: 'timedOut'; readonly transactionalId: string; readonly startMs: number }
  | ({ readonly kind: 'retryMarkers'; readonly transactionalId: string } & Producer)
  | { readonly kind: 'expireIds' }

export type RequestEvent =
  | InitProducerEvent
  | AddPartitionsEvent
  | VerifyPartitionsEvent
  | EndEvent
  | DescribeEvent
  | ListEvent

export type TransactionEvent = RequestEvent | MarkersAnsweredEvent | TimerEvent

export type TransactionReply =
  | InitProducerReply
  | AddPartitionsReply
  | VerifyPartitionsReply
  | EndReply
  | DescribeReply
  | ListReply

/** The reply that belongs to an event. */
export type ReplyTo<E extends RequestEvent> = Extract<TransactionReply, { kind: E['kind'] }>

/** Asks the leaders of these partitions to end a transaction; the answer is a MarkersAnsweredEvent. */
export interface WriteMarkers extends Producer {
  readonly transactionalId: string
  readonly commit: boolean
  readonly transactionVersion: number
  readonly partitions: PartitionSet
}
