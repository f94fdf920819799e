/** Clients of the crash test: writers that note what they are told, and a reader that reads everything back. */
import type { Kafka, Producer } from 'kafkajs'
import type { BrokerProcess } from './broker-process.ts'
import { type History, type ReadRecord, recordValue, type WriterName } from './history.ts'

export const topic = 'crash'

/** An idempotent producer retries over the restart of its broker; a plain one gives up at once. */
const idempotentRetries = 200
const readLimitMs = 120_000

type Pick = (n: number) => number

export class Writers {
  readonly #producers: Producer[] = []
  readonly #running: Promise<void>[] = []
  readonly #history: History
  readonly #pick: Pick
  #stopping = false
  #onAcknowledged: () => void = () => {}
  #sinceCount = 0
  /** Errors that no crash explains. */
  readonly problems: string[] = []

  private constructor(history: History, pick: Pick) {
    this.#history = history
    this.#pick = pick
  }

  /** One idempotent and one plain producer, each writing to every partition one request after the other. */
  static async start(broker: BrokerProcess, history: History, round: number, partitions: number, pick: Pick) {
    const writers = new Writers(history, pick)
    for (const idempotent of [true, false]) {
      const kind = idempotent ? 'idempotent' : 'plain'
      const client = broker.client(`${kind}-${round}`, idempotent ? idempotentRetries : 0)
      const producer = client.producer({ idempotent, allowAutoTopicCreation: false, maxInFlightRequests: 5 })
      await producer.connect()
      writers.#producers.push(producer)
      for (let partition = 0; partition < partitions; partition++) {
        const name: WriterName = { id: `${kind}-${round}-${partition}`, partition, idempotent }
        history.add(name)
        writers.#running.push(writers.#write(producer, name))
      }
    }
    return writers
  }

  /** Resolves when this many more records have been acknowledged, or nobody writes any more. */
  async acknowledged(count: number): Promise<void> {
    this.#sinceCount = 0
    const reached = new Promise<void>(resolve => {
      this.#onAcknowledged = () => {
        if (this.#sinceCount >= count) resolve()
      }
    })
    await Promise.race([reached, Promise.all(this.#running)])
  }

  /** No new requests. Those under way end, in an idempotent producer after retries. */
  stop(): void {
    this.#stopping = true
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running)
    await Promise.all(this.#producers.map(producer => producer.disconnect()))
  }

  async #write(producer: Producer, writer: WriterName): Promise<void> {
    let sequence = 0
    while (!this.#stopping) {
      const values = Array.from({ length: 1 + this.#pick(20) }, (_, at) =>
        recordValue(writer, sequence + at, this.#pick(50) === 0 ? this.#pick(100_000) : this.#pick(2000)),
      )
      this.#history.sending(writer, sequence + values.length)
      try {
        const messages = values.map(value => ({ value, partition: writer.partition }))
        const [answer] = await producer.send({ topic, acks: -1, timeout: 10_000, messages })
        const base = Number(answer.baseOffset)
        for (let at = 0; at < values.length; at++) this.#history.acknowledged(writer, sequence + at, base + at)
        this.#sinceCount += values.length
        this.#onAcknowledged()
      } catch (error) {
        if (!isOutage(error) || writer.idempotent) this.problems.push(`${writer.id}: ${(error as Error).message}`)
        return
      }
      sequence += values.length
    }
  }
}

/** Errors that a broker which has just been killed, or has lost its disk, is allowed to cause. */
function isOutage(error: unknown): boolean {
  const texts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    texts.push(at.name, at.message, 'type' in at ? String(at.type) : '')
  }
  const outage = /Connection|ECONN|EPIPE|socket|timed out|KAFKA_STORAGE_ERROR|NOT_LEADER|LEADER_NOT_AVAILABLE/i
  return outage.test(texts.join(' '))
}

/** Every record of the topic from the first to the last. Throws when the end is not reached. */
export async function readAll(client: Kafka, groupId: string): Promise<ReadRecord[]> {
  const admin = client.admin()
  await admin.connect()
  const ends = new Map<number, number>()
  for (const { partition, high } of await admin.fetchTopicOffsets(topic)) ends.set(partition, Number(high))
  await admin.disconnect()
  const left = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
  const records: ReadRecord[] = []
  if (left.size === 0) return records

  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const missing = () => [...left].map(partition => `${partition} up to ${ends.get(partition)}`).join(', ')
      timer = setTimeout(() => reject(new Error(`not read within ${readLimitMs} ms: ${missing()}`)), readLimitMs)
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const run = consumer.run({
        eachBatch: async ({ batch }) => {
          for (const { offset, value } of batch.messages) {
            records.push({ partition: batch.partition, offset: Number(offset), value: String(value) })
          }
          if (Number(batch.lastOffset()) + 1 >= ends.get(batch.partition)!) left.delete(batch.partition)
          if (left.size === 0) resolve()
        },
      })
      run.catch(reject)
    })
  } finally {
    clearTimeout(timer)
    await consumer.disconnect()
  }
  return records.filter(({ partition, offset }) => offset < ends.get(partition)!)
}
