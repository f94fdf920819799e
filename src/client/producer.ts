/**
 * Produces records: batches by partition, idempotent where the cluster can do that, so that asking again after a lost
 * connection appends nothing twice. One batch of a partition is under way at a time; what comes meanwhile gathers in the next.
 */
import { Errors, errorName, isRetriable } from '../../protocol/errors.ts'
import { produce } from '../../protocol/messages/00-produce.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { addToSequence } from '../../protocol/records/batch.ts'
import { buildBatch, type NewRecord } from '../../protocol/records/builder.ts'
import { compressionReady } from '../../protocol/records/compression.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { backoffMs, type Client } from './client.ts'
import { ClientError, refusal } from './client-error.ts'
import type { TopicView } from './cluster-view.ts'
import type { Deadline } from './deadline.ts'
import { clientLimits } from './limits.ts'
import { partitionOfKey } from './murmur2.ts'

export interface ProducerOptions {
  readonly topic: string
  /** -1: all replicas in sync. */
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codecId: number
}

export interface Delivery {
  readonly partition: number
  /** -1 where the cluster does not tell: acks=0. */
  readonly baseOffset: number
  readonly records: number
}

interface Batch {
  readonly records: NewRecord[]
  bytes: number
  sequence: number
}

/** What waits for one partition. */
class Queue {
  readonly batches: Batch[] = []
  sending = false
  nextSequence = 0
}

interface ProducerIdentity {
  readonly id: number
  readonly epoch: number
}

export class Producer {
  readonly #client: Client
  readonly #options: ProducerOptions
  readonly #delivered: (delivery: Delivery) => void
  readonly #queues = new Map<number, Queue>()
  #identity: ProducerIdentity | null = null
  #topic: TopicView | null = null
  #buffered = 0
  #underWay = 0
  #failure: Error | null = null
  #sticky = -1
  readonly #waiting = new Set<() => void>()

  /** `delivered` hears of each batch that was acknowledged. */
  constructor(client: Client, options: ProducerOptions, delivered: (delivery: Delivery) => void = () => {}) {
    this.#client = client
    this.#options = options
    this.#delivered = delivered
  }

  /** Finds the topic and gets a producer id. Throws ClientError. */
  async open(): Promise<void> {
    await compressionReady
    const { topic, idempotent } = this.#options
    this.#topic = await this.#findTopic(topic)
    if (!idempotent) return
    const answer = await this.#client.ask(
      'any',
      initProducerId,
      { transactionalId: null, transactionTimeoutMs: 60_000 },
      { codes: ({ errorCode }) => [errorCode] },
    )
    if (answer.errorCode !== Errors.NONE) throw refusal('producer id', answer.errorCode)
    this.#identity = { id: answer.producerId, epoch: answer.producerEpoch }
  }

  /** Takes a record. When it gives a promise, that is to be awaited before the next. Throws ClientError for an earlier failure. */
  send(record: NewRecord, partition: number | null): Promise<void> | null {
    if (this.#failure) throw this.#failure
    const bytes = recordBytes(record)
    const queue = this.#queue(partition ?? this.#choose(record.key))
    const last = queue.batches.at(-1)
    const open = last && (queue.batches.length > 1 || !queue.sending) ? last : null
    if (open && open.bytes + bytes <= clientLimits.batchBytesMax) {
      open.records.push(record)
      open.bytes += bytes
    } else {
      queue.batches.push({ records: [record], bytes, sequence: -1 })
      // Records without a key go to one partition until its batch is full.
      if (open && record.key === null && partition === null) this.#sticky = -1
    }
    this.#buffered += bytes
    this.#pump()
    return this.#buffered > clientLimits.bufferedBytesMax ? this.#drained() : null
  }

  async #drained(): Promise<void> {
    while (this.#failure === null && this.#buffered > clientLimits.bufferedBytesMax / 2) await this.#change()
    if (this.#failure) throw this.#failure
  }

  /** Resolves when everything was acknowledged. Throws ClientError for the first that was not. */
  async flush(): Promise<void> {
    while (this.#failure === null && (this.#buffered > 0 || this.#underWay > 0)) await this.#change()
    if (this.#failure) throw this.#failure
  }

  async #findTopic(name: string): Promise<TopicView> {
    await this.#client.refresh([name])
    const topic = this.#client.view.topics.get(name)
    if (!topic) throw refusal(`topic ${name}`, Errors.UNKNOWN_TOPIC_OR_PARTITION)
    return topic
  }

  #choose(key: Buffer | null): number {
    const partitions = this.#topic?.partitions ?? []
    if (key !== null) return partitionOfKey(key, partitions.length)
    if (this.#sticky < 0) {
      const led = partitions.filter(({ leader }) => leader >= 0)
      const among = led.length > 0 ? led : partitions
      this.#sticky = among[this.#client.host.random.below(among.length)].partition
    }
    return this.#sticky
  }

  #queue(partition: number): Queue {
    let queue = this.#queues.get(partition)
    if (queue) return queue
    if (!this.#topic?.partitions.some(each => each.partition === partition)) {
      throw refusal(`partition ${partition} of ${this.#options.topic}`, Errors.UNKNOWN_TOPIC_OR_PARTITION, null, [
        `It has partitions 0 to ${(this.#topic?.partitions.length ?? 0) - 1}.`,
      ])
    }
    queue = new Queue()
    this.#queues.set(partition, queue)
    return queue
  }

  /** After the records of this turn have gathered, every idle partition sends what it has. */
  #pumping = false
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    this.#client.host.clock.soon(() => {
      this.#pumping = false
      for (const [partition, queue] of this.#queues) {
        if (queue.sending || queue.batches.length === 0 || this.#failure) continue
        queue.sending = true
        this.#underWay++
        this.#deliver(partition, queue).then(
          () => this.#settled(queue),
          error => {
            this.#failure ??= error
            this.#settled(queue)
          },
        )
      }
    })
  }

  #settled(queue: Queue): void {
    queue.sending = false
    this.#underWay--
    const done = queue.batches.shift()
    this.#buffered -= done?.bytes ?? 0
    this.#wake()
    if (queue.batches.length > 0) this.#pump()
  }

  async #deliver(partition: number, queue: Queue): Promise<void> {
    const [batch] = queue.batches
    const { codecId, acks } = this.#options
    const sequence = queue.nextSequence
    const records = buildBatch({
      records: batch.records,
      codecId,
      producerId: this.#identity?.id,
      producerEpoch: this.#identity?.epoch,
      baseSequence: this.#identity ? sequence : undefined,
    })
    const deadline = this.#client.deadline()
    const baseOffset = acks === 0 ? await this.#tell(partition, records) : await this.#ask(partition, records, deadline)
    queue.nextSequence = addToSequence(sequence, batch.records.length)
    this.#delivered({ partition, baseOffset, records: batch.records.length })
  }

  async #tell(partition: number, records: Buffer): Promise<number> {
    const broker = this.#client.view.leaderOf(this.#options.topic, partition)
    if (broker < 0) throw refusal(this.#name(partition), Errors.LEADER_NOT_AVAILABLE)
    await this.#client.tell({ broker }, produce, this.#request(partition, records, 0), {
      lane: 'produce',
      maxVersion: 12,
    })
    return -1
  }

  async #ask(partition: number, records: Buffer, deadline: Deadline): Promise<number> {
    const { topic } = this.#options
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(partition, records, deadline)
      if (outcome.errorCode === Errors.NONE || outcome.errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER) {
        return outcome.baseOffset
      }
      if (!isRetriable(outcome.errorCode)) throw refusal(this.#name(partition), outcome.errorCode, outcome.detail)
      if (deadline.passed) {
        throw new ClientError(
          'timeout',
          `${this.#name(partition)}: not acknowledged within ${deadline.budgetMs} ms (${outcome.detail ?? errorName(outcome.errorCode)})`,
          { hints: ['It may have been written all the same. A larger --timeout gives it more time.'] },
        )
      }
      await deadline.pause(backoffMs(attempt))
      await this.#client.refresh([topic], deadline)
    }
  }

  async #attempt(partition: number, records: Buffer, deadline: Deadline) {
    const broker = this.#client.view.leaderOf(this.#options.topic, partition)
    if (broker < 0) return { errorCode: Errors.LEADER_NOT_AVAILABLE, baseOffset: -1, detail: 'it has no leader' }
    try {
      const request = this.#request(partition, records, deadline.leftMs)
      const answer = await this.#client.askOnce({ broker }, produce, request, {
        lane: 'produce',
        maxVersion: 12,
        deadline,
      })
      const [{ errorCode, baseOffset, errorMessage, recordErrors }] = answer.responses[0].partitionResponses
      return { errorCode, baseOffset, detail: recordErrors[0]?.batchIndexErrorMessage ?? errorMessage }
    } catch (error) {
      if (!(error instanceof ClientError) || !['connection', 'timeout', 'not-found'].includes(error.failure))
        throw error
      // Without a producer id a second attempt could append twice.
      if (error.failure === 'timeout' && this.#identity === null) throw error
      return { errorCode: Errors.NETWORK_EXCEPTION, baseOffset: -1, detail: error.message }
    }
  }

  #request(partition: number, records: Buffer, timeoutMs: number) {
    const { topic, acks } = this.#options
    return {
      transactionalId: null,
      acks,
      timeoutMs: Math.ceil(timeoutMs),
      topicData: [{ name: topic, topicId: zeroUuid, partitionData: [{ index: partition, records }] }],
    }
  }

  #name(partition: number): string {
    return `partition ${partition} of ${this.#options.topic}`
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.add(resolve)
    })
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }
}

function recordBytes({ key, value, headers = [] }: NewRecord): number {
  let bytes = 20 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += 10 + Buffer.byteLength(header.key) + (header.value?.length ?? 0)
  return bytes
}
