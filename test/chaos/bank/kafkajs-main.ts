/** The bank's clients that are kafkajs: `deposit`, `clerk` (writes orders), `teller` (transfers), `copier` (carries out orders). */
import { writeSync } from 'node:fs'
import { type Consumer, Kafka, logLevel, type Message, type Producer } from 'kafkajs'
import { monotonicMs, sleep } from '../workload/clock.ts'
import type { BankLine, BankOptions, Transfer } from './lines.ts'

const opening = 1000
const transactionTimeoutMs = 10_000
const abortOneIn = 6

type Told<L = BankLine> = L extends BankLine ? Omit<L, 'time'> : never

class Bank {
  readonly #options: BankOptions
  readonly kafka: Kafka
  stopping = false

  constructor(options: BankOptions) {
    this.#options = options
    this.kafka = new Kafka({
      clientId: options.name,
      brokers: options.servers.split(','),
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      retry: { retries: 200, initialRetryTime: 50, maxRetryTime: 500 },
    })
  }

  /** Synchronously: what has been said stays said when the process is killed. */
  tell(line: Told): void {
    writeSync(1, `${JSON.stringify({ ...line, time: monotonicMs() })}\n`)
  }

  trouble(error: unknown): void {
    this.tell({ what: 'trouble', error: (error as Error).message })
  }

  pause(): Promise<void> {
    return sleep(Math.random() * 2 * this.#options.pauseMs)
  }

  async producer(): Promise<Producer> {
    const producer = this.kafka.producer({
      transactionalId: this.#options.name,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: transactionTimeoutMs,
      allowAutoTopicCreation: false,
    })
    await producer.connect()
    // Ends what an earlier process has left open, before anybody looks at committed offsets.
    await (await producer.transaction()).abort()
    return producer
  }

  randomTransfer(id: string): Transfer {
    const { accounts } = this.#options
    const from = Math.floor(Math.random() * accounts)
    const to = (from + 1 + Math.floor(Math.random() * (accounts - 1))) % accounts
    return { id, from, to, amount: 1 + Math.floor(Math.random() * 100) }
  }

  leg(id: string, account: number, delta: number): Message {
    const value = JSON.stringify({ id, account, delta })
    return { key: String(account), value, partition: account % this.#options.ledgerPartitions }
  }

  /** One transaction. Throws when the producer is of no use any more. */
  async carryOut(
    producer: Producer,
    transfer: Transfer,
    offset: { group: string; topic: string; next: string } | null,
  ): Promise<boolean> {
    const { id, from, to, amount } = transfer
    this.tell({ what: 'begin', ...transfer })
    const transaction = await producer.transaction()
    try {
      // One by one: when a leader changes, kafkajs (2.2.4) sends what else was in the same call twice, or not at all.
      await transaction.send({ topic: this.#options.ledger, messages: [this.leg(id, from, -amount)] })
      await transaction.send({ topic: this.#options.ledger, messages: [this.leg(id, to, amount)] })
      if (offset) {
        const partitions = [{ partition: 0, offset: offset.next }]
        const topics = [{ topic: offset.topic, partitions }]
        await transaction.sendOffsets({ consumerGroupId: offset.group, topics })
      }
      if (Math.random() * abortOneIn < 1) {
        await transaction.abort()
        this.tell({ what: 'end', id, outcome: 'aborted' })
        return false
      }
    } catch (error) {
      // Nobody has asked for a commit, and the next life of this producer ends it.
      this.tell({ what: 'end', id, outcome: 'aborted' })
      throw error
    }
    this.tell({ what: 'committing', id })
    try {
      await transaction.commit()
    } catch (error) {
      this.tell({ what: 'end', id, outcome: 'unknown' })
      throw error
    }
    this.tell({ what: 'end', id, outcome: 'committed' })
    return true
  }

  async deposit(): Promise<void> {
    const { accounts, ledger } = this.#options
    const producer = await this.producer()
    const transaction = await producer.transaction()
    for (let account = 0; account < accounts; account++) {
      await transaction.send({ topic: ledger, messages: [this.leg('deposit', account, opening)] })
    }
    await transaction.commit()
    await producer.disconnect()
  }

  async clerk(): Promise<void> {
    const { orders, name } = this.#options
    const producer = this.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    await producer.connect()
    for (let number = 0; !this.stopping; number++) {
      const transfer = this.randomTransfer(`${name}.${number}`)
      this.tell({ what: 'order', ...transfer })
      const topic = orders[number % orders.length]
      await producer.send({ topic, messages: [{ value: JSON.stringify(transfer), partition: 0 }] })
      this.tell({ what: 'ordered', id: transfer.id })
      await this.pause()
    }
  }

  async teller(): Promise<void> {
    const { name, life } = this.#options
    let number = 0
    while (!this.stopping) {
      let producer: Producer | null = null
      try {
        producer = await this.producer()
        while (!this.stopping) {
          await this.carryOut(producer, this.randomTransfer(`${name}.${life}.${number++}`), null)
          await this.pause()
        }
      } catch (error) {
        this.trouble(error)
        await sleep(200)
      }
      await producer?.disconnect().catch(() => {})
    }
  }

  /** The only member of its group, fenced by its transactional id: what it has read is carried out once. */
  async copier(): Promise<void> {
    while (!this.stopping) {
      let producer: Producer | null = null
      let consumer: Consumer | null = null
      try {
        producer = await this.producer()
        consumer = this.kafka.consumer({
          groupId: this.#options.name,
          sessionTimeout: 3000,
          rebalanceTimeout: 3000,
          heartbeatInterval: 500,
          maxWaitTimeInMs: 200,
          allowAutoTopicCreation: false,
          retry: { retries: 10, initialRetryTime: 50, maxRetryTime: 500, restartOnFailure: async () => false },
        })
        await consumer.connect()
        await this.#copy(producer, consumer)
      } catch (error) {
        this.trouble(error)
        await sleep(200)
      }
      await consumer?.disconnect().catch(() => {})
      await producer?.disconnect().catch(() => {})
    }
  }

  async #copy(producer: Producer, consumer: Consumer): Promise<void> {
    const [topic] = this.#options.orders
    await consumer.subscribe({ topic, fromBeginning: true })
    // kafkajs would give the same batch again to a handler that failed, from where it began.
    let isOver = false
    const ended = new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => this.stopping && resolve(), 100)
      timer.unref()
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer
        .run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, heartbeat, isRunning, isStale }) => {
            try {
              for (const { offset, value } of batch.messages) {
                if (isOver || this.stopping || !isRunning() || isStale()) return
                const next = String(BigInt(offset) + 1n)
                const order = JSON.parse(String(value)) as Transfer
                const place = { group: this.#options.name, topic, next }
                while (!(await this.carryOut(producer, order, place))) await this.pause()
                await heartbeat()
              }
            } catch (error) {
              isOver = true
              // Which of them are done only the committed offset says: from there on, with a new producer.
              reject(error)
              throw error
            }
            const last = BigInt(batch.lastOffset()) + 1n
            consumer.seek({ topic, partition: 0, offset: String(last) })
          },
        })
        .catch(reject)
    })
    await ended
  }
}

const [role, text] = process.argv.slice(2)
const bank = new Bank(JSON.parse(text) as BankOptions)
process.stdin.on('close', () => {
  bank.stopping = true
  // kafkajs does not always come to an end.
  setTimeout(() => process.exit(0), 5000).unref()
})
process.stdin.resume()
if (role === 'deposit') await bank.deposit()
if (role === 'clerk') await bank.clerk()
if (role === 'teller') await bank.teller()
if (role === 'copier') await bank.copier()
process.exit(0)
