/**
 * Asks the coordinator of a transaction whether a write belongs to it, before the leader of a partition takes it (KIP-890).
 * Clients of transaction version 2 name no partitions beforehand: for them the question adds the partition.
 */
import { type ErrorCode, Errors, errorCodeOf } from '../../../protocol/errors.ts'
import { addPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.ts'
import type { Clock, Endpoint } from '../../host/host.ts'
import { PeerError, type Peers } from '../../network/peers.ts'
import type { Partition } from '../../replication/partition.ts'
import type { Transactions } from '../transactions.ts'
import { transactionLane } from './marker-sender.ts'
import { contains, type PartitionSet, partitionSet } from './transaction.ts'

export interface VerifierSettings {
  readonly isEnabled: () => boolean
  /** A transaction that is just being ended is waited for: so long between two questions, and in all. */
  readonly retryMs: number
  readonly retryMaxMs: number
  readonly timeoutMs: number
}

export interface VerifierOptions {
  readonly brokerId: number
  readonly clock: Clock
  readonly transactions: Pick<Transactions, 'coordinatorOf' | 'ask'>
  readonly peers: Pick<Peers, 'request'>
  readonly endpointOf: (brokerId: number) => Endpoint | null
  readonly settings: VerifierSettings
}

/** A write to one partition that says it is part of a transaction. */
export interface TransactionalWrite {
  readonly partition: Partition
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

export interface Verdict {
  readonly errorCode: ErrorCode
  /** To append with; undefined when nothing is verified here. */
  readonly guard: symbol | null | undefined
}

export interface Question {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** The partitions are added to the transaction; otherwise they must be in it. */
  readonly adds: boolean
}

type ErrorOf = (topic: string, index: number) => ErrorCode

export class Verifier {
  readonly #options: VerifierOptions

  constructor(options: VerifierOptions) {
    this.#options = options
  }

  get isEnabled(): boolean {
    return this.#options.settings.isEnabled()
  }

  /** Whether a write has to be proven: the first one of a transaction in its partition. */
  isNeeded({ partition, producerId, producerEpoch }: TransactionalWrite): boolean {
    return this.isEnabled && !partition.log.producers.hasOpenTransaction(producerId, producerEpoch)
  }

  /** One verdict for each write, all of one producer. Never rejects. */
  async verify(question: Question, writes: readonly TransactionalWrite[]): Promise<Verdict[]> {
    const { clock } = this.#options
    if (!this.isEnabled) return writes.map(() => ({ errorCode: Errors.NONE, guard: undefined }))
    const { producerId, producerEpoch, adds } = question
    // No guard for those in an open transaction: they need none, unless it is ended meanwhile.
    const guards = writes.map(write => {
      if (!this.isNeeded(write)) return null
      const { verification } = write.partition.log.producers
      return verification.begin(producerId, write.baseSequence, producerEpoch, adds, clock.now())
    })
    const unproven = writes.filter((_write, i) => guards[i] !== null).map(({ partition }) => partition)
    if (unproven.length === 0) return guards.map(guard => ({ errorCode: Errors.NONE, guard }))
    const partitions = partitionSet(unproven.map(({ topic, index }) => ({ name: topic, partitions: [index] })))
    const errorOf = await this.#ask(question, partitions)
    return writes.map(({ partition }, i) => ({
      errorCode: guards[i] === null ? Errors.NONE : errorOf(partition.topic, partition.index),
      guard: guards[i],
    }))
  }

  async #ask(question: Question, partitions: PartitionSet): Promise<ErrorOf> {
    const { clock, settings } = this.#options
    const deadlineMs = clock.monotonic() + settings.retryMaxMs
    for (;;) {
      const errorOf = await this.#askOnce(question, partitions)
      if (!question.adds || clock.monotonic() + settings.retryMs > deadlineMs) return errorOf
      if (!someIs(Errors.CONCURRENT_TRANSACTIONS, partitions, errorOf)) return errorOf
      await new Promise<void>(resolve => clock.after(settings.retryMs, resolve))
    }
  }

  #askOnce(question: Question, partitions: PartitionSet): Promise<ErrorOf> {
    const { brokerId, transactions, endpointOf } = this.#options
    const coordinatorId = transactions.coordinatorOf(question.transactionalId)
    if (coordinatorId === brokerId) return this.#askHere(question, partitions)
    const endpoint = coordinatorId < 0 ? null : endpointOf(coordinatorId)
    if (!endpoint) return Promise.resolve(() => Errors.COORDINATOR_NOT_AVAILABLE)
    return this.#askThere(endpoint, question, partitions)
  }

  async #askHere(question: Question, partitions: PartitionSet): Promise<ErrorOf> {
    const { transactions } = this.#options
    const { transactionalId, producerId, producerEpoch } = question
    const producer = { transactionalId, producerId, producerEpoch }
    if (question.adds) {
      const added = { kind: 'addPartitions', ...producer, partitions, clientVersion: 2, connectionId: null } as const
      const { errorCode } = await transactions.ask(added)
      return () => clientError(errorCode)
    }
    const known = await transactions.ask({ kind: 'verifyPartitions', ...producer })
    if (known.errorCode !== Errors.NONE) return () => clientError(known.errorCode)
    return (topic, index) => (contains(known.partitions, topic, index) ? Errors.NONE : Errors.TRANSACTION_ABORTABLE)
  }

  async #askThere(endpoint: Endpoint, question: Question, partitions: PartitionSet): Promise<ErrorOf> {
    const { peers, settings } = this.#options
    const { transactionalId, producerId, producerEpoch, adds } = question
    const topics = [...partitions].map(([name, indexes]) => ({ name, partitions: [...indexes] }))
    const transaction = { transactionalId, producerId, producerEpoch, verifyOnly: !adds, topics }
    const body = {
      transactions: [transaction],
      v3AndBelowTransactionalId: '',
      v3AndBelowProducerId: 0,
      v3AndBelowProducerEpoch: 0,
      v3AndBelowTopics: [],
    }
    try {
      const options = { lane: transactionLane, timeoutMs: settings.timeoutMs, minVersion: 4 }
      const answer = await peers.request(endpoint, addPartitionsToTxn, body, options)
      // It does not take us for a broker: nothing that the client could do about it.
      if (answer.errorCode !== Errors.NONE) return () => Errors.INVALID_TXN_STATE
      const codes = new Map<string, number>()
      for (const { name, resultsByPartition } of answer.resultsByTransaction.flatMap(
        ({ topicResults }) => topicResults,
      )) {
        for (const { partitionIndex, partitionErrorCode } of resultsByPartition)
          codes.set(`${name}-${partitionIndex}`, partitionErrorCode)
      }
      return (topic, index) => clientError(codes.get(`${topic}-${index}`) ?? Errors.UNKNOWN_SERVER_ERROR)
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      return () => Errors.NETWORK_EXCEPTION
    }
  }
}

/** Producers know a fenced epoch by an older name. */
function clientError(errorCode: number): ErrorCode {
  return errorCode === Errors.PRODUCER_FENCED ? Errors.INVALID_PRODUCER_EPOCH : errorCodeOf(errorCode)
}

function someIs(errorCode: ErrorCode, partitions: PartitionSet, errorOf: ErrorOf): boolean {
  for (const [topic, indexes] of partitions) {
    for (const index of indexes) if (errorOf(topic, index) === errorCode) return true
  }
  return false
}
