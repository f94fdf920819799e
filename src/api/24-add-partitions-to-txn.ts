/**
 * AddPartitionsToTxn, versions 0-5.
 *
 * - v0-3 come from producers: one transaction. A topic that does not exist, or is internal, fails the whole request: the
 *   others are told OPERATION_NOT_ATTEMPTED.
 * - v4-5 come from brokers: many transactions, each added to or only verified (KIP-890); a partition that is not in an open
 *   transaction is TRANSACTION_ABORTABLE.
 * - v2 PRODUCER_FENCED, before INVALID_PRODUCER_EPOCH.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { addPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { contains, partitionSet } from '../coordinator/transaction/transaction.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'
import { fencedCode, producerFencedFrom, refuseLate } from './transactional.ts'

type Request = RequestOf<typeof addPartitionsToTxn>
type Response = ResponseOf<typeof addPartitionsToTxn>
type Transaction = Request['transactions'][number]
type TopicResults = NonNullable<Response['resultsByTopicV3AndBelow']>
type ErrorOf = (topic: string, index: number) => ErrorCode

const brokersFrom = 4
const abortableFrom = 5

export const handler = defineHandler(
  addPartitionsToTxn,
  '0-5',
  async (request, context) => {
    if (context.version >= brokersFrom) {
      const resultsByTransaction = await Promise.all(
        request.transactions.map(async transaction => ({
          transactionalId: transaction.transactionalId,
          topicResults: await ofBroker(transaction, context),
        })),
      )
      return { errorCode: Errors.NONE, resultsByTransaction, resultsByTopicV3AndBelow: [] }
    }
    return ofTopics(await ofProducer(request, context))
  },
  {
    failed: (request, error, context) =>
      context.version >= brokersFrom
        ? { errorCode: error.code, resultsByTransaction: [], resultsByTopicV3AndBelow: [] }
        : ofTopics(results(request.v3AndBelowTopics, () => error.code)),
  },
)

function ofTopics(resultsByTopicV3AndBelow: TopicResults): Response {
  return { errorCode: Errors.NONE, resultsByTransaction: [], resultsByTopicV3AndBelow }
}

async function ofProducer(request: Request, context: RequestContext): Promise<TopicResults> {
  const { v3AndBelowTransactionalId: transactionalId, v3AndBelowTopics: topics } = request
  if (transactionalId === '') return results(topics, () => Errors.INVALID_REQUEST)
  const problems = problemsOf(topics, (name, index) =>
    context.broker.metadata.isInternal(name) ? Errors.TOPIC_AUTHORIZATION_FAILED : unlessThere(name, index, context),
  )
  if (problems) return problems
  const { errorCode, isLate } = await context.broker.transactions.ask({
    kind: 'addPartitions',
    transactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    connectionId: context.peer.connectionId,
    partitions: partitionSet(topics),
    clientVersion: 0,
  })
  if (isLate) refuseLate(addPartitionsToTxn.name)
  return results(topics, () => fencedCode(errorCode, context.version, producerFencedFrom))
}

async function ofBroker(transaction: Transaction, context: RequestContext): Promise<TopicResults> {
  const { transactionalId, producerId, producerEpoch, topics } = transaction
  const { transactions } = context.broker
  const producer = { transactionalId, producerId, producerEpoch }
  if (transactionalId === '') return results(topics, () => Errors.INVALID_REQUEST)
  const problems = problemsOf(topics, (name, index) => unlessThere(name, index, context))
  if (problems) return problems
  if (transaction.verifyOnly) {
    const known = await transactions.ask({ kind: 'verifyPartitions', ...producer })
    if (known.errorCode !== Errors.NONE) return results(topics, () => known.errorCode)
    // Before version 5 brokers know no better name for it.
    const missing = context.version >= abortableFrom ? Errors.TRANSACTION_ABORTABLE : Errors.INVALID_TXN_STATE
    return results(topics, (name, index) => (contains(known.partitions, name, index) ? Errors.NONE : missing))
  }
  const partitions = partitionSet(topics)
  const { errorCode } = await transactions.ask({
    kind: 'addPartitions',
    ...producer,
    connectionId: null,
    partitions,
    clientVersion: 2,
  })
  return results(topics, () => errorCode)
}

function unlessThere(topic: string, index: number, { broker: { metadata } }: RequestContext): ErrorCode {
  return metadata.partition(topic, index) ? Errors.NONE : Errors.UNKNOWN_TOPIC_OR_PARTITION
}

/** One partition that cannot be added keeps the others out too; null when there is none. */
function problemsOf(topics: Request['v3AndBelowTopics'], errorOf: ErrorOf): TopicResults | null {
  const found = topics.some(({ name, partitions }) => partitions.some(index => errorOf(name, index) !== Errors.NONE))
  if (!found) return null
  return results(topics, (name, index) => errorOf(name, index) || Errors.OPERATION_NOT_ATTEMPTED)
}

function results(topics: Request['v3AndBelowTopics'], errorOf: ErrorOf): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(partitionIndex => ({
      partitionIndex,
      partitionErrorCode: errorOf(name, partitionIndex),
    })),
  }))
}
