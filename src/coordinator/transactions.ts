/**
 * The transaction coordinators of this broker: one shard for each partition of `__transaction_state` that it leads. A
 * transactional id belongs to the partition that it hashes to.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import type { Host } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import { getOrCreate } from '../lib/get-or-create.ts'
import type { ReplicatedLog } from '../machine/machine.ts'
import { Shard } from '../machine/shard.ts'
import type { InternalTopic } from './internal-topic.ts'
import type { ProducerIds } from './producer-ids.ts'
import type {
  DescribedTransaction,
  EndEvent,
  EndReply,
  InitProducerEvent,
  InitProducerReply,
  ListEvent,
  ListReply,
  ReplyTo,
  RequestEvent,
  TransactionEvent,
  TransactionReply,
  WriteMarkers,
} from './transaction/events.ts'
import { TransactionMachine } from './transaction/machine.ts'
import type { MarkerSender } from './transaction/marker-sender.ts'
import { type TransactionRecord, transactionRecordCodec } from './transaction/records.ts'
import { failedReply } from './transaction/replies.ts'
import type { TransactionSettings } from './transaction/settings.ts'

export interface TransactionsOptions {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly topic: InternalTopic
  readonly settings: TransactionSettings
  readonly commitTimeoutMs: number
  readonly producerIds: Pick<ProducerIds, 'next'>
  readonly markers: Pick<MarkerSender, 'send'>
}

type TransactionShard = Shard<TransactionEvent, TransactionRecord, TransactionReply, WriteMarkers>

/** Requests that concern one transactional id. */
type IdRequest = Extract<RequestEvent, { transactionalId: string }>

export class Transactions {
  readonly #options: TransactionsOptions
  readonly #shards = new Map<number, TransactionShard>()

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  /** This broker now leads a partition of the topic: its transactional ids are loaded and served from here on. */
  onPartitionLeader(index: number, log: ReplicatedLog): void {
    this.onPartitionLost(index)
    const { host, settings, commitTimeoutMs, markers } = this.#options
    const machine = new TransactionMachine(settings)
    const coordinatorEpoch = log.leaderEpoch
    const codec = transactionRecordCodec(settings.version)
    const shard: TransactionShard = new Shard(machine, codec, log, host, { commitTimeoutMs }, send =>
      markers.send(send, coordinatorEpoch),
    )
    this.#shards.set(index, shard)
    void shard.load()
  }

  onPartitionLost(index: number): void {
    this.#shards.get(index)?.drop()
    this.#shards.delete(index)
  }

  close(): void {
    for (const index of [...this.#shards.keys()]) this.onPartitionLost(index)
  }

  /** Of the topic of transactions. */
  partitionOf(transactionalId: string): number {
    return this.#options.topic.partitionOf(transactionalId)
  }

  /** The broker that coordinates a transactional id; -1 while there is none. */
  coordinatorOf(transactionalId: string): number {
    return this.#options.topic.leaderOf(transactionalId)
  }

  /** Creates the topic of transaction states unless it is there. Answers the error, if any. */
  ensureTopic(): Promise<number> {
    return this.#options.topic.ensure()
  }

  /** One request of one transactional id. Never rejects: errors are in the reply. */
  async ask<E extends IdRequest>(event: E): Promise<ReplyTo<E>> {
    const shard = this.#shards.get(this.#options.topic.partitionOf(event.transactionalId))
    return replyTo(event, shard ? await shard.submit(event) : failedReply(Errors.NOT_COORDINATOR, event))
  }

  /** As `ask`, with a new producer id where one is needed. Rejects with KafkaError when there is none to be had. */
  async initProducer(event: Omit<InitProducerEvent, 'freshProducerId'>): Promise<InitProducerReply> {
    const reply = await this.ask({ ...event, freshProducerId: null })
    if (!reply.needsProducerId) return reply
    return this.ask({ ...event, freshProducerId: await this.#options.producerIds.next() })
  }

  /** As `initProducer`. */
  async end(event: Omit<EndEvent, 'freshProducerId'>): Promise<EndReply> {
    const reply = await this.ask({ ...event, freshProducerId: null })
    if (!reply.needsProducerId) return reply
    return this.ask({ ...event, freshProducerId: await this.#options.producerIds.next() })
  }

  /** In the order asked for. */
  async describe(transactionalIds: readonly string[]): Promise<DescribedTransaction[]> {
    const byPartition = new Map<number, string[]>()
    for (const id of new Set(transactionalIds)) {
      getOrCreate(byPartition, this.#options.topic.partitionOf(id), () => []).push(id)
    }
    const replies = await Promise.all(
      [...byPartition].map(async ([index, ids]) => {
        const event = { kind: 'describe', transactionalIds: ids } as const
        const shard = this.#shards.get(index)
        return replyTo(event, shard ? await shard.submit(event) : failedReply(Errors.NOT_COORDINATOR, event))
      }),
    )
    const byId = new Map(
      replies.flatMap(({ transactions }) => transactions).map(described => [described.transactionalId, described]),
    )
    return transactionalIds.map(id => byId.get(id)!)
  }

  /** All transactional ids that this broker coordinates; an error while some of them are still being loaded. */
  async list(event: ListEvent): Promise<ListReply> {
    const replies = await Promise.all([...this.#shards.values()].map(shard => shard.submit(event)))
    const transactions: ListReply['transactions'][number][] = []
    let errorCode: ErrorCode = Errors.NONE
    for (const reply of replies.map(reply => replyTo(event, reply))) {
      transactions.push(...reply.transactions)
      if (reply.errorCode !== Errors.NONE && reply.errorCode !== Errors.NOT_COORDINATOR) errorCode = reply.errorCode
    }
    return { kind: 'list', errorCode, transactions: errorCode === Errors.NONE ? transactions : [] }
  }
}

function replyTo<E extends RequestEvent>(event: E, reply: TransactionReply): ReplyTo<E> {
  assert(isReplyTo(event, reply), `${event.kind} was answered by ${reply.kind}`)
  return reply
}

function isReplyTo<E extends RequestEvent>(event: E, reply: TransactionReply): reply is ReplyTo<E> {
  return reply.kind === event.kind
}
