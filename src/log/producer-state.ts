/**
 * What one partition remembers of idempotent and transactional producers (KIP-98, KIP-360, KIP-890): the sequences and
 * epochs that tell a retry from new data, the transactions that are open, and those whose end is not replicated yet.
 *
 * Pure and synchronous. `check` looks at a batch before it is appended and changes nothing; `apply` takes in a batch
 * that is in the log and cannot fail. A replay of the log through `apply` alone gives the same state.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { addToSequence } from '../../protocol/records/batch.ts'
import { OpenTransactions } from './open-transactions.ts'
import { VerificationStates } from './verification.ts'

/**
 * `client`: everything is checked. `coordinator`: written by this broker for itself, sequences are not checked.
 * `replication`: the leader has checked it, nothing is.
 */
export type AppendOrigin = 'client' | 'coordinator' | 'replication'

/** The end of a transaction, as a control batch says it. */
export interface TransactionMarker {
  readonly commit: boolean
  readonly coordinatorEpoch: number
}

/** What producer state needs to know of a batch that has a producer id. */
export interface ProducerBatch {
  readonly producerId: number
  readonly producerEpoch: number
  /** -1 in control batches. */
  readonly baseSequence: number
  readonly lastSequence: number
  readonly maxTimestampMs: number
  readonly isTransactional: boolean
  /** Null in batches of data. */
  readonly marker: TransactionMarker | null
}

/** A batch that was appended before: its sequences are the answer to a retry. */
export interface CachedBatch {
  readonly lastSequence: number
  readonly lastOffset: number
  /** lastOffset - offset of its first record. */
  readonly offsetDelta: number
  readonly timestampMs: number
}

export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly aborted: boolean
}

/** One producer, as DescribeProducers tells it. */
export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** -1 when no transaction is open. */
  readonly currentTxnStartOffset: number
}

/** One producer, as a snapshot file keeps it. Sequence and offset are -1 when no batch of this epoch is remembered. */
export interface ProducerSnapshotEntry {
  readonly producerId: number
  readonly epoch: number
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnFirstOffset: number
}

export interface CheckOptions {
  /** Level of the feature `transaction.version` that a marker was written under. */
  readonly transactionVersion: number
  /**
   * The guard that `verification.begin` gave before this batch's transaction was verified; undefined when transactions
   * are not verified here.
   */
  readonly guard?: symbol | null
}

/** Retries are recognised among this many batches: Kafka's clients have at most five requests in flight. */
const cachedBatchesMax = 5

const producerEpochMax = 0x7fff
const sequenceMax = 0x7fffffff
const none = -1

class Producer {
  readonly producerId: number
  epoch = none
  coordinatorEpoch = none
  lastTimestampMs = none
  /** When the producer was last heard of, by the clock of this broker; record timestamps may be of any time. */
  lastActiveMs = none
  transactionFirstOffset = none
  /** The oldest first. */
  batches: CachedBatch[] = []

  constructor(producerId: number) {
    this.producerId = producerId
  }

  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? none
  }
}

export class ProducerState {
  readonly #producers = new Map<number, Producer>()
  readonly #transactions = new OpenTransactions()
  /** The proofs asked of coordinators before a transactional write is taken (KIP-890). */
  readonly verification = new VerificationStates()

  get size(): number {
    return this.#producers.size
  }

  /**
   * Whether this batch may be appended. The cached batch when it was appended before: then it is answered with success
   * and not appended again. Throws KafkaError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE,
   * TRANSACTION_COORDINATOR_FENCED.
   */
  check(batch: ProducerBatch, origin: AppendOrigin, options: CheckOptions): CachedBatch | null {
    if (origin === 'replication') return null
    const producer = this.#producers.get(batch.producerId) ?? null
    if (batch.marker) {
      checkMarker(producer, batch, batch.marker, options.transactionVersion)
      return null
    }
    if (origin === 'client') {
      const duplicate = producer && findDuplicate(producer, batch)
      if (duplicate) return duplicate
    }
    this.#checkVerified(batch, options.guard)
    if (producer && batch.producerEpoch < producer.epoch) {
      throw new KafkaError(
        Errors.INVALID_PRODUCER_EPOCH,
        `epoch ${batch.producerEpoch} of producer ${batch.producerId} is older than ${producer.epoch}`,
      )
    }
    if (origin === 'client') this.#checkSequence(producer, batch)
    if (producer && producer.transactionFirstOffset >= 0 && !batch.isTransactional) {
      throw new KafkaError(
        Errors.INVALID_TXN_STATE,
        `producer ${batch.producerId} has a transaction open and wrote outside of it`,
      )
    }
    return null
  }

  /**
   * Takes in a batch that is in the log at these offsets. `nowMs` is the time of this broker's clock, or the batch's own
   * timestamp in a replay. The transaction that a marker ended, null when it ended none.
   */
  apply(batch: ProducerBatch, baseOffset: number, lastOffset: number, nowMs: number): CompletedTransaction | null {
    let producer = this.#producers.get(batch.producerId)
    if (!producer) {
      producer = new Producer(batch.producerId)
      this.#producers.set(batch.producerId, producer)
    }
    if (producer.epoch !== batch.producerEpoch) {
      producer.epoch = batch.producerEpoch
      producer.batches = []
    }
    producer.lastTimestampMs = batch.maxTimestampMs
    producer.lastActiveMs = Math.max(producer.lastActiveMs, batch.maxTimestampMs, nowMs)
    if (batch.marker) return this.#applyMarker(producer, batch.marker, lastOffset)

    if (producer.batches.length === cachedBatchesMax) producer.batches.shift()
    producer.batches.push({
      lastSequence: batch.lastSequence,
      lastOffset,
      offsetDelta: lastOffset - baseOffset,
      timestampMs: batch.maxTimestampMs,
    })
    if (batch.isTransactional) {
      this.verification.end(batch.producerId)
      if (producer.transactionFirstOffset < 0) {
        producer.transactionFirstOffset = baseOffset
        this.#transactions.begin(producer.producerId, baseOffset)
      }
    }
    return null
  }

  /** Whether a transaction of this producer epoch is open here: its further batches need no verification. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    const producer = this.#producers.get(producerId)
    return producer !== undefined && producer.transactionFirstOffset >= 0 && producer.epoch === producerEpoch
  }

  /**
   * Whether this batch says last what its producer did here, so that compaction must leave its header: the one of data that
   * ends at `lastOffset`, or, when the producer wrote none in its epoch, a marker (null).
   */
  isLastBatch(producerId: number, producerEpoch: number, lastOffset: number | null): boolean {
    const producer = this.#producers.get(producerId)
    if (!producer) return false
    const last = producer.batches.at(-1)
    if (last === undefined) return lastOffset === null && producer.epoch === producerEpoch
    return last.lastOffset === lastOffset
  }

  /**
   * The first offset that read-committed consumers may not pass yet: of an open transaction, or of one whose marker is
   * not below the high watermark. Null when there is none.
   */
  firstUnstableOffset(highWatermark: number): number | null {
    return this.#transactions.firstUnstableOffset(highWatermark)
  }

  /** The last stable offset once this transaction has ended, as the transaction index keeps it. */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    return this.#transactions.firstOpenOffset() ?? completed.lastOffset + 1
  }

  /** Records before this offset are gone, and so are transactions that ended before it. */
  logStartMoved(logStartOffset: number): void {
    this.#transactions.ended(logStartOffset)
  }

  /** Forgets producers idle for `expirationMs` that have no open transaction; their next batch may have any sequence. */
  expire(nowMs: number, expirationMs: number): number {
    let expired = 0
    for (const producer of this.#producers.values()) {
      if (producer.transactionFirstOffset >= 0 || nowMs - producer.lastActiveMs < expirationMs) continue
      this.#producers.delete(producer.producerId)
      expired++
    }
    this.verification.expire(nowMs, expirationMs)
    return expired
  }

  activeProducers(): ActiveProducer[] {
    return [...this.#producers.values()].map(producer => ({
      producerId: producer.producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: producer.lastTimestampMs,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.transactionFirstOffset,
    }))
  }

  /** What a snapshot file holds. Only the last batch of each producer, as in Kafka. */
  snapshot(): ProducerSnapshotEntry[] {
    return [...this.#producers.values()].map(producer => {
      const last = producer.batches.at(-1)
      return {
        producerId: producer.producerId,
        epoch: producer.epoch,
        lastSequence: last?.lastSequence ?? none,
        lastOffset: last?.lastOffset ?? none,
        offsetDelta: last?.offsetDelta ?? 0,
        timestamp: producer.lastTimestampMs,
        coordinatorEpoch: producer.coordinatorEpoch,
        currentTxnFirstOffset: producer.transactionFirstOffset,
      }
    })
  }

  /** Forgets everything and starts from a snapshot (or nothing); the log after it is then replayed by `apply`. */
  reset(entries: readonly ProducerSnapshotEntry[] = []): void {
    this.#producers.clear()
    this.#transactions.clear()
    this.verification.clear()
    const open: Producer[] = []
    for (const entry of entries) {
      const producer = new Producer(entry.producerId)
      producer.epoch = entry.epoch
      producer.coordinatorEpoch = entry.coordinatorEpoch
      producer.lastTimestampMs = entry.timestamp
      producer.lastActiveMs = entry.timestamp
      producer.transactionFirstOffset = entry.currentTxnFirstOffset
      if (entry.lastOffset >= 0) {
        const { lastSequence, lastOffset, offsetDelta, timestamp } = entry
        producer.batches.push({ lastSequence, lastOffset, offsetDelta, timestampMs: timestamp })
      }
      this.#producers.set(producer.producerId, producer)
      if (producer.transactionFirstOffset >= 0) open.push(producer)
    }
    open.sort((a, b) => a.transactionFirstOffset - b.transactionFirstOffset)
    for (const producer of open) this.#transactions.begin(producer.producerId, producer.transactionFirstOffset)
  }

  #applyMarker(producer: Producer, marker: TransactionMarker, offset: number): CompletedTransaction | null {
    const firstOffset = producer.transactionFirstOffset
    producer.coordinatorEpoch = marker.coordinatorEpoch
    producer.transactionFirstOffset = none
    this.verification.end(producer.producerId)
    // A marker without data changes nothing for anyone who reads.
    if (firstOffset < 0) return null
    this.#transactions.complete(producer.producerId, offset)
    return { producerId: producer.producerId, firstOffset, lastOffset: offset, aborted: !marker.commit }
  }

  #checkVerified(batch: ProducerBatch, guard: symbol | null | undefined): void {
    if (guard === undefined || !batch.isTransactional) return
    if (this.hasOpenTransaction(batch.producerId, batch.producerEpoch)) return
    if (guard === null || this.verification.guardOf(batch.producerId) !== guard) {
      throw new KafkaError(
        Errors.INVALID_TXN_STATE,
        `the transaction of producer ${batch.producerId} has not been verified`,
      )
    }
  }

  #checkSequence(producer: Producer | null, batch: ProducerBatch): void {
    const asked = this.verification.get(batch.producerId)
    // A producer that was replaced may have asked with its old epoch: that says nothing of the sequences of the new one.
    const verification = asked?.epoch === batch.producerEpoch ? asked : null
    const first = batch.baseSequence
    if (verification && first > verification.lowestSequence) throw outOfOrder(batch, verification.lowestSequence)
    if (!producer || producer.epoch === none) {
      // A transaction that bumped the epoch (KIP-890) starts its sequences anew: a gap means that batches were lost.
      if (verification?.bumpsEpoch && first !== 0) throw outOfOrder(batch, 0)
      return
    }
    if (batch.producerEpoch !== producer.epoch) {
      if (first !== 0) throw outOfOrder(batch, 0)
      return
    }
    const expected = producer.lastSequence === sequenceMax ? 0 : producer.lastSequence + 1
    if (first !== expected) throw outOfOrder(batch, expected)
  }
}

function outOfOrder(batch: ProducerBatch, expected: number): KafkaError {
  return new KafkaError(
    Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `producer ${batch.producerId} sent sequence ${batch.baseSequence}, expected ${expected}`,
  )
}

function findDuplicate(producer: Producer, batch: ProducerBatch): CachedBatch | null {
  if (producer.epoch !== batch.producerEpoch) return null
  const same = (cached: CachedBatch) =>
    cached.lastSequence === batch.lastSequence &&
    addToSequence(batch.baseSequence, cached.offsetDelta) === cached.lastSequence
  return producer.batches.find(same) ?? null
}

function checkMarker(
  producer: Producer | null,
  batch: ProducerBatch,
  marker: TransactionMarker,
  transactionVersion: number,
): void {
  if (!producer) return
  const { epoch } = producer
  if (batch.producerEpoch < epoch) throw staleMarker(batch, epoch)
  if (transactionVersion >= 2 && batch.producerEpoch === epoch) {
    // The end of a transaction bumps the epoch: an equal one is the retry of a marker that is written already.
    if (producer.transactionFirstOffset >= 0 && epoch !== producerEpochMax) throw staleMarker(batch, epoch)
  }
  if (marker.coordinatorEpoch < producer.coordinatorEpoch) {
    throw new KafkaError(
      Errors.TRANSACTION_COORDINATOR_FENCED,
      `coordinator epoch ${marker.coordinatorEpoch} is older than ${producer.coordinatorEpoch}`,
    )
  }
}

function staleMarker(batch: ProducerBatch, epoch: number): KafkaError {
  return new KafkaError(
    Errors.INVALID_PRODUCER_EPOCH,
    `marker epoch ${batch.producerEpoch} of producer ${batch.producerId} does not follow ${epoch}`,
  )
}
