/** A transactional producer by hand, so that a test decides what is sent, when, and by which connection. */
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  Errors,
  endTxn,
  errorName,
  fetch,
  findCoordinator,
  initProducerId,
  offsetFetch,
  txnOffsetCommit,
} from '../../protocol/index.ts'
import { isControl, iterateBatches, producerId } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { RawClient } from '../network/raw-client.ts'
import { produceTo } from './whole-broker.ts'

const noTopicId = 'AAAAAAAAAAAAAAAAAAAAAA'

/** `generation` 1 names partitions beforehand and keeps its epoch; 2 (KIP-890) does neither. */
export class TransactionalProducer {
  readonly id: string
  readonly generation: 1 | 2
  client: RawClient
  producerId = -1
  epoch = -1
  readonly #port: number
  /** Next sequence by topic and partition. */
  #sequences = new Map<string, number>()

  private constructor(id: string, generation: 1 | 2, port: number, client: RawClient) {
    this.id = id
    this.generation = generation
    this.#port = port
    this.client = client
  }

  static async start(
    port: number,
    id: string,
    generation: 1 | 2 = 2,
    timeoutMs = 60_000,
  ): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(id, generation, port, await RawClient.connect(port))
    await producer.client.call(findCoordinator, 4, { key: '', keyType: 1, coordinatorKeys: [id] })
    await producer.init(timeoutMs)
    return producer
  }

  /** As clients do: again while the last transaction is still being ended. */
  async init(timeoutMs = 60_000): Promise<void> {
    for (;;) {
      const answer = await this.client.call(initProducerId, 4, {
        transactionalId: this.id,
        transactionTimeoutMs: timeoutMs,
      })
      if (answer?.errorCode === Errors.CONCURRENT_TRANSACTIONS) continue
      if (answer?.errorCode !== Errors.NONE) throw new Error(`InitProducerId: ${errorName(answer?.errorCode ?? -1)}`)
      this.producerId = answer.producerId ?? -1
      this.epoch = answer.producerEpoch
      this.#sequences.clear()
      return
    }
  }

  async reconnect(): Promise<RawClient> {
    const before = this.client
    this.client = await RawClient.connect(this.#port)
    return before
  }

  get #producer() {
    return { transactionalId: this.id, producerId: this.producerId, producerEpoch: this.epoch }
  }

  async addPartition(topic: string, partition = 0): Promise<string> {
    for (;;) {
      const answer = await this.client.call(addPartitionsToTxn, 3, {
        transactions: [],
        v3AndBelowTransactionalId: this.id,
        v3AndBelowProducerId: this.producerId,
        v3AndBelowProducerEpoch: this.epoch,
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
      })
      const code = answer?.resultsByTopicV3AndBelow[0].resultsByPartition[0].partitionErrorCode
      if (code === Errors.CONCURRENT_TRANSACTIONS) continue
      return code === undefined ? 'closed' : errorName(code)
    }
  }

  /** The error of the first attempt that is not to be repeated at once. */
  async write(topic: string, values: readonly string[], partition = 0): Promise<string> {
    const key = `${topic}-${partition}`
    const first = this.#sequences.get(key) ?? 0
    const batch = () =>
      buildBatch({
        records: values.map(value => ({ key: null, value: Buffer.from(value) })),
        baseTimestamp: Date.now(),
        transactional: true,
        producerId: this.producerId,
        producerEpoch: this.epoch,
        baseSequence: first,
      })
    for (;;) {
      const answer = await produceTo(this.client, topic, batch(), {
        version: this.generation === 2 ? 12 : 9,
        partition,
        transactionalId: this.id,
      })
      if (answer?.errorCode === Errors.CONCURRENT_TRANSACTIONS) continue
      if (answer?.errorCode === Errors.NONE) this.#sequences.set(key, first + values.length)
      return answer === null ? 'closed' : errorName(answer.errorCode)
    }
  }

  async commitOffset(groupId: string, topic: string, offset: number): Promise<string> {
    await this.client.call(findCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: [groupId] })
    if (this.generation === 1) {
      const added = await this.client.call(addOffsetsToTxn, 3, { ...this.#producer, groupId })
      if (added?.errorCode !== Errors.NONE) return errorName(added?.errorCode ?? -1)
    }
    for (;;) {
      const answer = await this.client.call(txnOffsetCommit, this.generation === 2 ? 5 : 3, {
        ...this.#producer,
        groupId,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }],
      })
      const code = answer?.topics[0].partitions[0].errorCode
      if (code === Errors.CONCURRENT_TRANSACTIONS) continue
      return code === undefined ? 'closed' : errorName(code)
    }
  }

  /** One attempt by any connection. */
  async endOnce(committed: boolean, client = this.client, epoch = this.epoch): Promise<string> {
    const version = this.generation === 2 ? 5 : 3
    const answer = await client.call(endTxn, version, { ...this.#producer, producerEpoch: epoch, committed })
    if (answer === null) return 'closed'
    if (answer.errorCode === Errors.NONE && this.generation === 2) {
      if (answer.producerEpoch !== this.epoch || answer.producerId !== this.producerId) this.#sequences.clear()
      this.producerId = answer.producerId ?? -1
      this.epoch = answer.producerEpoch ?? -1
    }
    return errorName(answer.errorCode)
  }

  async end(committed: boolean): Promise<string> {
    for (;;) {
      const error = await this.endOnce(committed)
      if (error !== 'CONCURRENT_TRANSACTIONS') return error
    }
  }

  close(): void {
    this.client.destroy()
  }
}

/** What a consumer sees: all values when `committed` is false; otherwise without what is undecided or aborted. */
export async function readAll(client: RawClient, topic: string, committed = true, partition = 0): Promise<string[]> {
  const partitions = [
    {
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      logStartOffset: -1,
      partitionMaxBytes: 1 << 20,
    },
  ]
  const answer = await client.call(fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    isolationLevel: committed ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, topicId: noTopicId, partitions }],
    forgottenTopicsData: [],
    rackId: '',
  })
  const data = answer?.responses[0].partitions[0]
  if (!data || data.errorCode !== Errors.NONE) throw new Error(`Fetch: ${errorName(data?.errorCode ?? -1)}`)
  const aborted = [...(data.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
  const abortedNow = new Set<number>()
  const values: string[] = []
  const records = data.records ?? Buffer.alloc(0)
  for (const at of iterateBatches(records)) {
    const producer = producerId(records, at)
    for (const { offset, value, key } of readRecords(records, at)) {
      for (; aborted.length > 0 && aborted[0].firstOffset <= offset; aborted.shift())
        abortedNow.add(aborted[0].producerId)
      if (isControl(records, at)) {
        if (key?.readInt16BE(2) === 0) abortedNow.delete(producer)
      } else if (!abortedNow.has(producer)) values.push(String(value))
    }
  }
  return values
}

/** The committed offset of partition 0, or the name of an error. */
export async function committedOffset(client: RawClient, groupId: string, topic: string): Promise<number | string> {
  const answer = await client.call(offsetFetch, 7, {
    groupId,
    topics: [{ name: topic, partitionIndexes: [0] }],
    groups: [],
    requireStable: true,
  })
  const partition = answer?.topics[0]?.partitions[0]
  if (!partition) return errorName(answer?.errorCode ?? -1)
  return partition.errorCode === Errors.NONE ? partition.committedOffset : errorName(partition.errorCode)
}

/** Until a question has the wished answer: markers are written after the answer to EndTxn. */
export async function until<T>(wanted: T, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 5000
  for (;;) {
    const found = await ask()
    if (JSON.stringify(found) === JSON.stringify(wanted) || performance.now() > deadline) return found
  }
}
