/**
 * What a transaction coordinator writes into `__transaction_state`, in Kafka's bytes: one record for each step of a
 * transactional id, keyed by it. What later Kafkas add is passed over.
 */
import {
  coordinatorKeyType,
  decodeCoordinatorKey,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeVersioned,
} from '../../../protocol/stored/framing.ts'
import { transactionLogKey, transactionLogValue } from '../../../protocol/stored/transaction.ts'
import type { RecordCodec } from '../../machine/machine.ts'
import {
  noProducerEpoch,
  type PartitionSet,
  partitionSet,
  type Transaction,
  type TransactionState,
  transactionStates,
} from './transaction.ts'

export type TransactionRecord =
  | { readonly kind: 'transaction'; readonly transactionalId: string; readonly value: Transaction | null }
  /** Which partitions still lack their marker; a new coordinator begins with all of them again. */
  | {
      readonly kind: 'markers'
      readonly transactionalId: string
      readonly missing: PartitionSet
      readonly attempt: number
    }
  /** The newest connection that a producer's requests came by. */
  | { readonly kind: 'connection'; readonly transactionalId: string; readonly connectionId: number }

/** Id 6: Kafka's name for a transactional id on its way out. It has nothing open, as an empty one. */
const deadId = 6

/** `level` is that of the feature `transaction.version`: from 1 on values have room for what clients of level 2 need. */
export function transactionRecordCodec(level: () => number): RecordCodec<TransactionRecord> {
  return {
    encode(record) {
      if (record.kind !== 'transaction') return null
      const { transactionalId, value } = record
      const key = encodeCoordinatorKey(transactionLogKey, { transactionalId })
      return { key, value: value && encode(value, level() >= 1 ? 1 : 0) }
    },

    decode(key, value) {
      if (!key || coordinatorKeyType(key) !== transactionLogKey.type) return null
      const { transactionalId } = decodeCoordinatorKey(transactionLogKey, key)
      const transaction = value && decode(transactionalId, value)
      // Of a state that a later version invented.
      if (value && !transaction) return null
      return { kind: 'transaction', transactionalId, value: transaction }
    },
  }
}

function encode(transaction: Transaction, version: number): Buffer {
  const { state, partitions } = transaction
  const topics = [...partitions].map(([topic, indexes]) => ({ topic, partitionIds: [...indexes] }))
  return encodeVersioned(transactionLogValue, version, {
    producerId: transaction.producerId,
    ...(version >= 1 && {
      previousProducerId: transaction.previousProducerId,
      nextProducerId: transaction.nextProducerId,
      clientTransactionVersion: transaction.clientVersion,
    }),
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: transactionStates.indexOf(state),
    transactionPartitions: state === 'Empty' ? null : topics,
    transactionLastUpdateTimestampMs: transaction.lastUpdateMs,
    transactionStartTimestampMs: transaction.startMs,
  })
}

function decode(transactionalId: string, value: Buffer): Transaction | null {
  const stored = decodeVersioned(transactionLogValue, value)
  const state: TransactionState | undefined =
    stored.transactionStatus === deadId ? 'Empty' : transactionStates[stored.transactionStatus]
  if (!state) return null
  const topics = stored.transactionPartitions ?? []
  return {
    transactionalId,
    state,
    producerId: stored.producerId,
    producerEpoch: stored.producerEpoch,
    previousProducerId: stored.previousProducerId,
    nextProducerId: stored.nextProducerId,
    // Not on record, in Kafka either: a repeated InitProducerId is only known to the coordinator that answered it.
    lastProducerEpoch: noProducerEpoch,
    timeoutMs: stored.transactionTimeoutMs,
    partitions: partitionSet(topics.map(({ topic, partitionIds }) => ({ name: topic, partitions: partitionIds }))),
    startMs: stored.transactionStartTimestampMs,
    lastUpdateMs: stored.transactionLastUpdateTimestampMs,
    clientVersion: stored.clientTransactionVersion,
  }
}
