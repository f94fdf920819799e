/** Transactions: as their coordinators know them, and as the partitions they write to do. */
import { Errors } from '../../protocol/errors.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { writeTxnMarkers } from '../../protocol/messages/27-write-txn-markers.ts'
import { describeProducers } from '../../protocol/messages/61-describe-producers.ts'
import { describeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import type { Client } from './client.ts'
import { ClientError, refusal } from './client-error.ts'
import { askLeaders, type PartitionAnswer } from './leaders.ts'
import { byTopic, byTopicAndPartition, type TopicPartition } from './topic-partition.ts'

export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: string
  readonly coordinator: number
}

export interface TransactionFilter {
  readonly states?: readonly string[]
  readonly producerIds?: readonly number[]
  /** Only those that run for longer. */
  readonly longerThanMs?: number
}

export async function listAllTransactions(
  client: Client,
  filter: TransactionFilter = {},
): Promise<ListedTransaction[]> {
  const { states = [], producerIds = [], longerThanMs = -1 } = filter
  await client.refresh([])
  const found = await Promise.all(
    [...client.view.brokers.keys()].map(async coordinator => {
      const answer = await client.ask(
        { broker: coordinator },
        listTransactions,
        { stateFilters: [...states], producerIdFilters: [...producerIds], durationFilter: longerThanMs },
        { codes: ({ errorCode }) => [errorCode], minVersion: longerThanMs >= 0 ? 1 : 0 },
      )
      if (answer.errorCode !== Errors.NONE) throw refusal(`transactions of broker ${coordinator}`, answer.errorCode)
      if (answer.unknownStateFilters.length > 0) {
        throw new ClientError(
          'invalid',
          `no transaction can be in the state ${answer.unknownStateFilters.join(', ')}`,
          {
            hints: ['Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort.'],
          },
        )
      }
      return answer.transactionStates.map(({ transactionalId, producerId, transactionState: state }) => {
        return { transactionalId, producerId, state, coordinator }
      })
    }),
  )
  return found.flat().sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
}

export interface DescribedTransaction {
  readonly transactionalId: string
  readonly state: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly timeoutMs: number
  /** -1 when none is under way. */
  readonly startMs: number
  readonly partitions: readonly TopicPartition[]
}

/** Throws ClientError `not-found`. */
export async function describeTransaction(client: Client, transactionalId: string): Promise<DescribedTransaction> {
  const answer = await client.ask(
    { transactionalId },
    describeTransactions,
    { transactionalIds: [transactionalId] },
    { codes: ({ transactionStates }) => transactionStates.map(each => each.errorCode) },
  )
  const [found] = answer.transactionStates
  if (found.errorCode !== Errors.NONE) throw refusal(`transactional id ${transactionalId}`, found.errorCode)
  return {
    transactionalId,
    state: found.transactionState,
    producerId: found.producerId,
    producerEpoch: found.producerEpoch,
    timeoutMs: found.transactionTimeoutMs,
    startMs: found.transactionStartTimeMs,
    partitions: found.topics
      .flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
      .sort(byTopicAndPartition),
  }
}

export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  /** -1 when it has no open transaction in the partition. */
  readonly transactionStartOffset: number
}

export function producersOf(
  client: Client,
  partitions: readonly TopicPartition[],
): Promise<PartitionAnswer<ActiveProducer[]>[]> {
  return askLeaders(client, partitions, async (broker, items, deadline) => {
    const topics = byTopic(items).map(({ topic, items }) => ({
      name: topic,
      partitionIndexes: items.map(({ partition }) => partition),
    }))
    const answer = await client.askOnce({ broker }, describeProducers, { topics }, { deadline })
    return answer.topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, errorCode, errorMessage, activeProducers }) => ({
        topic,
        partition,
        errorCode,
        errorMessage,
        value: activeProducers.map(({ currentTxnStartOffset, ...rest }) => ({
          producerId: rest.producerId,
          producerEpoch: rest.producerEpoch,
          coordinatorEpoch: rest.coordinatorEpoch,
          lastSequence: rest.lastSequence,
          lastTimestamp: rest.lastTimestamp,
          transactionStartOffset: currentTxnStartOffset,
        })),
      })),
    )
  })
}

/** Ends what a producer has open in one partition, past its coordinator: for transactions that nobody will end. */
export async function abortInPartition(client: Client, where: TopicPartition, producer: ActiveProducer): Promise<void> {
  const [answer] = await askLeaders(client, [where], async (broker, [{ topic, partition }], deadline) => {
    const { producerId, producerEpoch, coordinatorEpoch } = producer
    const answer = await client.askOnce(
      { broker },
      writeTxnMarkers,
      {
        markers: [
          {
            producerId,
            producerEpoch,
            transactionResult: false,
            topics: [{ name: topic, partitionIndexes: [partition] }],
            coordinatorEpoch: Math.max(0, coordinatorEpoch),
          },
        ],
      },
      { deadline },
    )
    return [{ topic, partition, errorCode: answer.markers[0].topics[0].partitions[0].errorCode, value: null }]
  })
  if (answer.errorCode !== Errors.NONE)
    throw refusal(`${where.topic}:${where.partition}`, answer.errorCode, answer.errorMessage)
}

/** Ends whatever the id has under way, and fences off the producer that began it. */
export async function fenceTransactionalId(client: Client, transactionalId: string): Promise<void> {
  const { timeoutMs } = await describeTransaction(client, transactionalId)
  const answer = await client.ask(
    { transactionalId },
    initProducerId,
    { transactionalId, transactionTimeoutMs: timeoutMs },
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal(`transactional id ${transactionalId}`, answer.errorCode)
}
