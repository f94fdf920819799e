/** What an event is answered when the coordinator as a whole cannot serve it. */
import type { ErrorCode } from '../../../protocol/errors.ts'
import { endAnswer } from './end.ts'
import type { TransactionEvent, TransactionReply } from './events.ts'
import { initProducerError } from './init-producer.ts'
import { addPartitionsAnswer } from './partitions.ts'
import { noPartitions } from './transaction.ts'

export function failedReply(errorCode: ErrorCode, event: TransactionEvent): TransactionReply {
  switch (event.kind) {
    case 'initProducer':
      return initProducerError(errorCode)
    case 'verifyPartitions':
      return { kind: 'verifyPartitions', errorCode, partitions: noPartitions }
    case 'end':
      return endAnswer(errorCode)
    case 'describe':
      return {
        kind: 'describe',
        transactions: event.transactionalIds.map(transactionalId => ({
          errorCode,
          transactionalId,
          transactionState: '',
          transactionTimeoutMs: 0,
          transactionStartTimeMs: 0,
          producerId: 0,
          producerEpoch: 0,
          topics: [],
        })),
      }
    case 'list':
      return { kind: 'list', errorCode, transactions: [] }
    default:
      // AddPartitionsToTxn; and events that nobody reads the answer of.
      return addPartitionsAnswer(errorCode)
  }
}
