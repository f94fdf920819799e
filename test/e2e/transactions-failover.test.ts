/** Transactions that are open while brokers stop, die and come back. */
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { type Cluster, startBroker, startCluster } from 'ottla'
import t from 'tap'
import { transactionsTopic } from '../../src/metadata/internal-topics.ts'
import { temporaryDirectory } from '../bin/ottla-process.ts'
import { RawClient } from '../network/raw-client.ts'
import { committedOffset, readAll, TransactionalProducer, until } from './transactional-producer.ts'
import { makeTopics } from './whole-broker.ts'

t.setTimeout(120_000)

for (const generation of [1, 2] as const) {
  t.test(`a broker restarts in the middle of a transaction of generation ${generation}`, async t => {
    const dataDir = await temporaryDirectory(t)
    const first = await startBroker({ dataDir })
    const setup = await RawClient.connect(first.port)
    await makeTopics(setup, { a: {}, in: {} })
    setup.destroy()
    const producer = await TransactionalProducer.start(first.port, 'tx', generation)
    if (generation === 1) t.equal(await producer.addPartition('a'), 'NONE')
    t.equal(await producer.write('a', ['one']), 'NONE')
    t.equal(await producer.commitOffset('g', 'in', 3), 'NONE')
    await first.close()
    const second = await startBroker({ dataDir, port: first.port })
    t.teardown(() => second.close())
    const reader = await RawClient.connect(second.port)
    await producer.reconnect()
    t.same(await readAll(reader, 'a'), [], 'still open')
    t.equal(await until('UNSTABLE_OFFSET_COMMIT', () => committedOffset(reader, 'g', 'in')), 'UNSTABLE_OFFSET_COMMIT')
    t.equal(await producer.write('a', ['two']), 'NONE')
    t.equal(await until('NONE', () => producer.end(true)), 'NONE')
    t.same(await until(['one', 'two'], () => readAll(reader, 'a')), ['one', 'two'])
    t.equal(await until(3, () => committedOffset(reader, 'g', 'in')), 3)
    producer.close()
    reader.destroy()
  })
}

const accounts = ['debit', 'credit']
const transfers = 24

/** What read-committed consumers see of an account. */
async function statement(cluster: Cluster, topic: string): Promise<string[]> {
  const leader = cluster.brokers.find(({ id }) => id === cluster.leaderOf(topic, 0))!
  const client = await RawClient.connect(leader.port)
  const values = await readAll(client, topic)
  client.destroy()
  return values.sort()
}

t.test('transfers between two partitions, while coordinators and leaders die', async t => {
  const cluster = await startCluster({ brokers: 3, config: { 'min.insync.replicas': 2 } })
  const kafka = new Kafka({
    brokers: cluster.brokers.map(({ bootstrap }) => bootstrap),
    logLevel: logLevel.NOTHING,
    requestTimeout: 5000,
    retry: { retries: 40, initialRetryTime: 50, maxRetryTime: 300 },
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: accounts.map(topic => ({ topic, numPartitions: 1, replicationFactor: 3 })) })
  await admin.disconnect()
  const open = async () => {
    const producer = kafka.producer({ transactionalId: 'bank', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    return producer
  }
  let producer: Producer = await open()
  t.teardown(async () => {
    await producer.disconnect()
    await cluster.close()
  })
  const done = new Set<string>()
  const given = new Set<string>()
  for (let i = 0; i < transfers; i++) {
    const value = String(i).padStart(2, '0')
    const victim =
      i % 6 === 2
        ? [0, 1, 2].map(index => cluster.leaderOf(transactionsTopic, index)).find(id => id >= 0)
        : i % 6 === 5
          ? cluster.leaderOf(accounts[i % 2], 0)
          : undefined
    try {
      const transaction = await producer.transaction()
      await transaction.send({ topic: accounts[0], acks: -1, messages: [{ value }] })
      if (victim !== undefined) await cluster.stop(victim, { abrupt: true })
      await transaction.send({ topic: accounts[1], acks: -1, messages: [{ value }] })
      if (i % 4 === 3) {
        await transaction.abort()
        given.add(value)
      } else {
        await transaction.commit()
        done.add(value)
      }
    } catch {
      // Nobody knows what became of it, but it is whole; another producer goes on.
      await producer.disconnect()
      producer = await open()
    }
    if (victim !== undefined) {
      await cluster.start(victim)
      await cluster.whenInSync()
    }
  }
  // A new producer ends whatever is still open.
  await producer.disconnect()
  producer = await open()
  const settled = await until(true, async () => {
    const [debit, credit] = await Promise.all(accounts.map(account => statement(cluster, account)))
    return JSON.stringify(debit) === JSON.stringify(credit) && [...done].every(value => debit.includes(value))
  })
  t.ok(settled)
  const [debit, credit] = await Promise.all(accounts.map(account => statement(cluster, account)))
  t.same(debit, credit, 'every transfer is whole')
  t.equal(new Set(debit).size, debit.length, 'none is repeated')
  t.same(
    [...done].filter(value => !debit.includes(value)),
    [],
    'none is lost',
  )
  t.same(
    debit.filter(value => given.has(value)),
    [],
    'none that was taken back is there',
  )
  t.ok(done.size > transfers / 4, `${done.size} of ${transfers} went through`)
  t.comment(`${done.size} done, ${given.size} taken back, ${transfers - done.size - given.size} not known`)
})
