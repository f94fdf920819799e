/**
 * One transactional id: its producer, and the transaction that is open, being ended, or was the last one. Values: every
 * step makes a new one, and the functions here are all the steps there are.
 */
import { assert } from '../../lib/assert.ts'

/** By topic, the partitions that take part. */
export type PartitionSet = ReadonlyMap<string, ReadonlySet<number>>

export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'

/** In the order of the ids that are stored; 6 and 7 are for memory only in Kafka, and never here. */
export const transactionStates: readonly TransactionState[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
]

/** Every name that a filter may use. */
export const allTransactionStates: ReadonlySet<string> = new Set([...transactionStates, 'Dead', 'PrepareEpochFence'])

export interface Transaction {
  readonly transactionalId: string
  readonly state: TransactionState
  readonly producerId: number
  readonly producerEpoch: number
  /** The producer id before the last step: differs for one step after a producer ran out of epochs. */
  readonly previousProducerId: number
  /** Takes over when the transaction is complete, because the epochs have run out; -1 for none. */
  readonly nextProducerId: number
  /** The epoch before the producer's own last bump: who still has it repeats a request. -1 after a new producer came. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly partitions: PartitionSet
  /** Wall clock; -1 before the first transaction. */
  readonly startMs: number
  readonly lastUpdateMs: number
  /** The level of `transaction.version` that the client of this transaction works by: 2 bumps the epoch at its end. */
  readonly clientVersion: number
}

export const noProducerId = -1
export const noProducerEpoch = -1
const producerEpochMax = 0x7fff
export const noPartitions: PartitionSet = new Map()

/** The level from which each transaction ends with a new epoch (KIP-890). */
const bumpingVersion = 2

/** The last epoch is kept for the coordinator itself, to fence the producer with. */
export function isExhausted(producerEpoch: number): boolean {
  return producerEpoch >= producerEpochMax - 1
}

export function isPrepared({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

export function newTransaction(
  transactionalId: string,
  producerId: number,
  timeoutMs: number,
  nowMs: number,
): Transaction {
  return {
    transactionalId,
    state: 'Empty',
    producerId,
    producerEpoch: 0,
    previousProducerId: producerId,
    nextProducerId: noProducerId,
    lastProducerEpoch: noProducerEpoch,
    timeoutMs,
    partitions: noPartitions,
    startMs: -1,
    lastUpdateMs: nowMs,
    clientVersion: 0,
  }
}

/** A producer initialized itself: nothing is open, and the epoch is as given. */
export function initialized(
  transaction: Transaction,
  producer: Pick<Transaction, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'>,
  timeoutMs: number,
  nowMs: number,
): Transaction {
  return {
    ...transaction,
    ...producer,
    state: 'Empty',
    previousProducerId: transaction.producerId,
    nextProducerId: noProducerId,
    timeoutMs,
    partitions: noPartitions,
    startMs: -1,
    lastUpdateMs: nowMs,
  }
}

/** The partitions take part; the transaction begins unless it is open. */
export function withPartitions(
  transaction: Transaction,
  added: PartitionSet,
  clientVersion: number,
  nowMs: number,
): Transaction {
  assert(!isPrepared(transaction), 'nothing is added to a transaction that ends')
  const isOpen = transaction.state === 'Ongoing'
  return {
    ...transaction,
    state: 'Ongoing',
    previousProducerId: transaction.producerId,
    partitions: union(isOpen ? transaction.partitions : noPartitions, added),
    startMs: isOpen ? transaction.startMs : nowMs,
    lastUpdateMs: nowMs,
    clientVersion,
  }
}

/**
 * The end is decided. From version 2 on the epoch rises here, so that the markers already have the new one.
 * `nextProducerId` takes over when they are written, -1 for none.
 */
export function prepared(
  transaction: Transaction,
  commit: boolean,
  clientVersion: number,
  nextProducerId: number,
  nowMs: number,
): Transaction {
  assert(!isPrepared(transaction), 'a transaction ends once')
  const bumps = clientVersion >= bumpingVersion
  assert(!bumps || transaction.producerEpoch < producerEpochMax, 'there is an epoch to bump to')
  return {
    ...transaction,
    state: commit ? 'PrepareCommit' : 'PrepareAbort',
    previousProducerId: transaction.producerId,
    nextProducerId,
    producerEpoch: bumps ? transaction.producerEpoch + 1 : transaction.producerEpoch,
    lastProducerEpoch: bumps ? transaction.producerEpoch : transaction.lastProducerEpoch,
    // Without partitions it never began.
    startMs: transaction.state === 'Ongoing' ? transaction.startMs : nowMs,
    partitions: transaction.state === 'Ongoing' ? transaction.partitions : noPartitions,
    lastUpdateMs: nowMs,
    clientVersion,
  }
}

/** As `prepared` for an abort that the producer did not ask for: its epoch is fenced in any case. */
export function fenced(transaction: Transaction, serverVersion: number, nowMs: number): Transaction {
  const aborted = prepared(transaction, false, serverVersion, noProducerId, nowMs)
  const producerEpoch = transaction.producerEpoch + 1
  return { ...aborted, producerEpoch, lastProducerEpoch: noProducerEpoch }
}

/** All markers are written. */
export function completed(transaction: Transaction, nowMs: number): Transaction {
  assert(isPrepared(transaction), 'only what was prepared completes')
  const { nextProducerId } = transaction
  const rotates = nextProducerId !== noProducerId
  return {
    ...transaction,
    state: transaction.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    producerId: rotates ? nextProducerId : transaction.producerId,
    producerEpoch: rotates ? 0 : transaction.producerEpoch,
    previousProducerId: transaction.producerId,
    nextProducerId: noProducerId,
    partitions: noPartitions,
    lastUpdateMs: nowMs,
  }
}

export function union(a: PartitionSet, b: PartitionSet): PartitionSet {
  const both = new Map(a)
  for (const [topic, indexes] of b) both.set(topic, new Set([...(a.get(topic) ?? []), ...indexes]))
  return both
}

/** What is in `a` and not in `b`. */
export function difference(a: PartitionSet, b: PartitionSet): PartitionSet {
  const rest = new Map<string, ReadonlySet<number>>()
  for (const [topic, indexes] of a) {
    const left = [...indexes].filter(index => !b.get(topic)?.has(index))
    if (left.length > 0) rest.set(topic, new Set(left))
  }
  return rest
}

export function contains(set: PartitionSet, topic: string, index: number): boolean {
  return set.get(topic)?.has(index) ?? false
}

export function partitionSet(
  topics: Iterable<{ readonly name: string; readonly partitions: Iterable<number> }>,
): PartitionSet {
  const set = new Map<string, Set<number>>()
  for (const { name, partitions } of topics) set.set(name, new Set([...(set.get(name) ?? []), ...partitions]))
  return set
}
