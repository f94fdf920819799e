/** Topics and records of a double, made and read without a client. */
import { produce } from '../../protocol/messages/00-produce.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { listOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { createTopics } from '../../protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { offsetAfter, type ReadRecord, recordsOf } from '../client/fetched-records.ts'
import { partitionOfKey } from '../client/murmur2.ts'
import { check, type Insider } from './inside.ts'
import type { NamedPart } from './parts.ts'

export interface TopicOptions {
  /** Default 1. */
  readonly partitions?: number
  /** Default: what the broker's settings say. */
  readonly replicationFactor?: number
  /** Settings of the topic, such as `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

type Text = string | Uint8Array

/** A record to be written. */
export interface NewRecord {
  /** Text, bytes, or null; default null. */
  readonly key?: Text | null
  readonly value?: Text | null
  readonly headers?: Readonly<Record<string, Text | null>>
  /** Default: where Kafka's own producers would put the key; 0 without one. */
  readonly partition?: number
  /** Default: the broker's time. */
  readonly timestampMs?: number
}

/** A record as it was read. */
export interface StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  /** As text. */
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string | null>>
}

export interface ReadOptions {
  /** Only this partition. */
  readonly partition?: number
  /** From this offset on, in each partition. */
  readonly from?: number
  /** Default 'read_committed': records of open and aborted transactions are left out. */
  readonly isolation?: 'read_committed' | 'read_uncommitted'
}

const timeoutMs = 10_000
const earliest = -2
const fetchBytesMax = 16 << 20
/** The last versions that name topics by name. */
const lastNamed = { produce: 12, fetch: 12 }

export class Contents {
  readonly #insider: Insider
  readonly #now: () => number

  constructor(insider: Insider, now: () => number) {
    this.#insider = insider
    this.#now = now
  }

  async createTopic(name: string, options: TopicOptions): Promise<void> {
    const { partitions = 1, replicationFactor = -1, config = {} } = options
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value: String(value) }))
    const topics = [{ name, numPartitions: partitions, replicationFactor, assignments: [], configs }]
    const answer = await this.#insider.ask(createTopics, { topics, timeoutMs })
    for (const { errorCode, errorMessage } of answer.topics) check(errorCode, `topic ${name}`, errorMessage)
  }

  async deleteTopic(name: string): Promise<void> {
    const answer = await this.#insider.ask(deleteTopics, { topics: [{ name, topicId: zeroUuid }], timeoutMs })
    for (const { errorCode, errorMessage } of answer.responses) check(errorCode, `topic ${name}`, errorMessage)
  }

  /** Without those of the broker itself. */
  topics(): { name: string; partitions: number }[] {
    const all = [...this.#insider.metadata.topics.values()].filter(({ name }) => !name.startsWith('__'))
    return all.map(({ name, partitions }) => ({ name, partitions: partitions.length })).sort(byName)
  }

  /** The offset of each record. */
  async produce(topic: string, records: readonly (NewRecord | Text)[]): Promise<number[]> {
    if (!this.#insider.metadata.topics.has(topic)) await this.createTopic(topic, {})
    const partitions = this.#insider.partitionsOf(topic)
    const byPartition = new Map<number, number[]>()
    const all = records.map(record =>
      typeof record === 'string' || record instanceof Uint8Array ? { value: record } : record,
    )
    for (const [i, record] of all.entries()) {
      const key = bytesOf(record.key)
      const partition = record.partition ?? (key === null ? 0 : partitionOfKey(key, partitions))
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), i])
    }
    const offsets: number[] = []
    for (const [partition, members] of byPartition) {
      const written = members.map(i => all[i])
      const base = await this.#insider.settled(() => this.#write(topic, partition, written))
      for (const [at, i] of members.entries()) offsets[i] = base + at
    }
    return offsets
  }

  async #write(topic: string, index: number, records: readonly NewRecord[]): Promise<number> {
    const nowMs = this.#now()
    const bytes = buildBatch({
      records: records.map(({ key, value, headers = {}, timestampMs = nowMs }) => ({
        key: bytesOf(key),
        value: bytesOf(value),
        headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: bytesOf(text) })),
        timestampMs,
      })),
    })
    const topicData = [{ name: topic, topicId: zeroUuid, partitionData: [{ index, records: bytes }] }]
    const body = { acks: -1, timeoutMs, topicData }
    const answer = await this.#insider.askLeader({ topic, partition: index }, produce, body, lastNamed.produce)
    const [{ errorCode, baseOffset, errorMessage }] = answer.responses[0].partitionResponses
    check(errorCode, `writing to ${topic}-${index}`, errorMessage)
    return baseOffset
  }

  /** In the order of partitions, and in each of offsets. */
  async records(topic: string, options: ReadOptions): Promise<StoredRecord[]> {
    const partitions = this.#insider.partitionsOf(topic)
    const wanted =
      options.partition === undefined ? Array.from({ length: partitions }, (_, i) => i) : [options.partition]
    const found: StoredRecord[] = []
    for (const partition of wanted) {
      for await (const record of this.#read({ topic, partition }, options)) found.push(stored(record))
    }
    return found
  }

  async *#read(part: NamedPart, { from = 0, isolation = 'read_committed' }: ReadOptions): AsyncGenerator<ReadRecord> {
    const isCommitted = isolation === 'read_committed'
    const { topic, partition } = part
    let at = Math.max(from, await this.offset(part, earliest))
    for (;;) {
      const partitions = [{ partition, fetchOffset: at, partitionMaxBytes: fetchBytesMax }]
      const answer = await this.#insider.askLeader(
        part,
        fetch,
        {
          maxWaitMs: 0,
          minBytes: 0,
          maxBytes: fetchBytesMax,
          isolationLevel: isCommitted ? 1 : 0,
          sessionEpoch: -1,
          topics: [{ topic, topicId: zeroUuid, partitions }],
          forgottenTopicsData: [],
        },
        lastNamed.fetch,
      )
      check(answer.errorCode, `reading ${topic}`)
      const [{ errorCode, records, abortedTransactions }] = answer.responses[0].partitions
      check(errorCode, `reading ${topic}-${partition}`)
      const next = records === null ? null : offsetAfter(records, part)
      if (records === null || next === null) return
      const aborted = isCommitted ? (abortedTransactions ?? []) : null
      yield* recordsOf({ topic, partition, from: at, until: null, next, bytes: records, aborted })
      at = next
    }
  }

  /** By a timestamp, or -1 for the end, -2 for the beginning. */
  async offset(part: NamedPart, timestamp: number, isolationLevel = 0): Promise<number> {
    const { topic, partition } = part
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }]
    const body = { replicaId: -1, isolationLevel, topics, timeoutMs }
    const answer = await this.#insider.askLeader(part, listOffsets, body)
    const [{ errorCode, offset }] = answer.topics[0].partitions
    check(errorCode, `offsets of ${topic}-${partition}`)
    return offset
  }
}

function bytesOf(text: Text | null | undefined): Buffer | null {
  if (text === null || text === undefined) return null
  return typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.length)
}

function stored({ topic, partition, offset, timestampMs, key, value, headers }: ReadRecord): StoredRecord {
  const named = headers.map(header => [header.key, textOf(header.value)])
  return {
    topic,
    partition,
    offset,
    timestampMs,
    key: textOf(key),
    value: textOf(value),
    headers: Object.fromEntries(named),
  }
}

function textOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString()
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}
