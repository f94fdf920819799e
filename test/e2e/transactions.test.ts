/** Transactions through a whole broker, for clients of both generations, and with kafkajs. */
import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import {
  apiVersions,
  describeTransactions,
  Errors,
  errorName,
  findCoordinator,
  initProducerId,
  listTransactions,
} from '../../protocol/index.ts'
import { RawClient } from '../network/raw-client.ts'
import { committedOffset, readAll, TransactionalProducer, until } from './transactional-producer.ts'
import { makeTopics, startWhole } from './whole-broker.ts'

for (const generation of [1, 2] as const) {
  t.test(`a producer of generation ${generation} commits, aborts, and commits offsets`, async t => {
    const broker = await startWhole(t)
    const reader = await broker.connect()
    await makeTopics(reader, { a: {}, b: {}, in: {} })
    const producer = await TransactionalProducer.start(broker.port, 'tx', generation)
    const begin = async (...topics: string[]) => {
      if (generation === 1) for (const topic of topics) t.equal(await producer.addPartition(topic), 'NONE')
    }

    await begin('a', 'b')
    t.equal(await producer.write('a', ['a1', 'a2']), 'NONE')
    t.equal(await producer.write('a', ['a3']), 'NONE')
    t.equal(await producer.write('b', ['b1']), 'NONE')
    t.equal(await producer.commitOffset('g', 'in', 5), 'NONE')
    t.same(await readAll(reader, 'a'), [], 'undecided')
    t.same(await readAll(reader, 'a', false), ['a1', 'a2', 'a3'])
    t.equal(await committedOffset(reader, 'g', 'in'), 'UNSTABLE_OFFSET_COMMIT')
    t.equal(await producer.end(true), 'NONE')
    t.same(await until(['a1', 'a2', 'a3'], () => readAll(reader, 'a')), ['a1', 'a2', 'a3'])
    t.same(await until(['b1'], () => readAll(reader, 'b')), ['b1'])
    t.equal(await until(5, () => committedOffset(reader, 'g', 'in')), 5)

    await begin('a')
    t.equal(await producer.write('a', ['no']), 'NONE')
    t.equal(await producer.commitOffset('g', 'in', 9), 'NONE')
    t.equal(await producer.end(false), 'NONE')
    t.equal(await until(5, () => committedOffset(reader, 'g', 'in')), 5, 'as before')

    await begin('a')
    t.equal(await producer.write('a', ['a4']), 'NONE')
    t.equal(await producer.end(true), 'NONE')
    const all = ['a1', 'a2', 'a3', 'a4']
    t.same(await until(all, () => readAll(reader, 'a')), all)
    t.same(await readAll(reader, 'a', false), ['a1', 'a2', 'a3', 'no', 'a4'])
    t.equal(producer.epoch, generation === 2 ? 3 : 0)
    t.same(broker.errors(), [])
    producer.close()
    reader.destroy()
  })

  t.test(`a new producer of generation ${generation} fences the old one and aborts what it left`, async t => {
    const broker = await startWhole(t)
    const reader = await broker.connect()
    await makeTopics(reader, { a: {} })
    const old = await TransactionalProducer.start(broker.port, 'tx', generation)
    if (generation === 1) await old.addPartition('a')
    t.equal(await old.write('a', ['zombie']), 'NONE')
    const young = await TransactionalProducer.start(broker.port, 'tx', generation)
    t.ok(young.epoch > old.epoch)
    t.equal(await old.write('a', ['zombie']), 'INVALID_PRODUCER_EPOCH')
    t.equal(await old.end(true), generation === 1 ? 'PRODUCER_FENCED' : 'PRODUCER_FENCED')
    if (generation === 1) await young.addPartition('a')
    t.equal(await young.write('a', ['alive']), 'NONE')
    t.equal(await young.end(true), 'NONE')
    t.same(await until(['alive'], () => readAll(reader, 'a')), ['alive'])
    for (const client of [old, young]) client.close()
    reader.destroy()
  })
}

t.test('what was held up on an old connection ends no later transaction', async t => {
  const broker = await startWhole(t)
  const reader = await broker.connect()
  await makeTopics(reader, { a: {} })
  const producer = await TransactionalProducer.start(broker.port, 'tx', 1)
  t.equal(await producer.addPartition('a'), 'NONE')
  t.equal(await producer.write('a', ['one']), 'NONE')
  // The client hears nothing of its first EndTxn, and asks again by a new connection.
  const given = await producer.reconnect()
  t.equal(await producer.end(true), 'NONE')
  t.equal(await producer.addPartition('a'), 'NONE')
  t.equal(await producer.write('a', ['two']), 'NONE')
  t.equal(await producer.endOnce(true, given), 'closed', 'what was held up arrives')
  t.equal(await producer.end(false), 'NONE', "the second transaction is the client's to end")
  t.same(await until(['one'], () => readAll(reader, 'a')), ['one'])
  producer.close()

  const modern = await TransactionalProducer.start(broker.port, 'tx2', 2)
  t.equal(await modern.write('a', ['three']), 'NONE')
  const before = modern.epoch
  t.equal(await modern.end(true), 'NONE')
  t.equal(await until('NONE', () => modern.endOnce(true, modern.client, before)), 'NONE', 'the same once more')
  t.equal(await modern.write('a', ['four']), 'NONE')
  t.equal(await modern.endOnce(true, modern.client, before), 'PRODUCER_FENCED')
  t.equal(await modern.end(false), 'NONE')
  t.same(await until(['one', 'three'], () => readAll(reader, 'a')), ['one', 'three'])
  modern.close()
  reader.destroy()
})

t.test('a transaction that takes too long is aborted', async t => {
  const broker = await startWhole(t)
  const reader = await broker.connect()
  await makeTopics(reader, { a: {} })
  const producer = await TransactionalProducer.start(broker.port, 'tx', 2, 1000)
  t.equal(await producer.write('a', ['late']), 'NONE')
  const state = async () => {
    const answer = await reader.call(describeTransactions, 0, { transactionalIds: ['tx'] })
    return answer?.transactionStates[0].transactionState
  }
  t.equal(await until('CompleteAbort', state), 'CompleteAbort')
  t.same(await readAll(reader, 'a'), [])
  t.equal(await producer.write('a', ['later']), 'INVALID_PRODUCER_EPOCH')
  t.equal(await producer.end(true), 'INVALID_TXN_STATE')
  producer.close()
  reader.destroy()
})

t.test('a batch without a transaction, or of one that does not know the partition', async t => {
  const broker = await startWhole(t)
  const reader = await broker.connect()
  await makeTopics(reader, { a: {}, b: {} })
  const producer = await TransactionalProducer.start(broker.port, 'tx', 1)
  t.equal(await producer.write('a', ['x']), 'INVALID_TXN_STATE')
  t.equal(await producer.addPartition('a'), 'NONE')
  t.equal(await producer.write('b', ['x']), 'INVALID_TXN_STATE')
  t.equal(await producer.write('a', ['x']), 'NONE')
  t.equal(await producer.addPartition('__consumer_offsets'), 'TOPIC_AUTHORIZATION_FAILED')
  t.equal(await producer.addPartition('nowhere'), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await producer.end(true), 'NONE')
  producer.close()
  reader.destroy()
})

t.test('what administrators see', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  await makeTopics(client, { a: {} })
  const producer = await TransactionalProducer.start(broker.port, 'tx', 2)
  t.equal(await producer.write('a', ['x']), 'NONE')
  const listed = await client.call(listTransactions, 1, { stateFilters: ['Ongoing', 'Odd'], producerIdFilters: [] })
  const { producerId, epoch: producerEpoch } = producer
  t.same(listed?.unknownStateFilters, ['Odd'])
  t.same(listed?.transactionStates, [{ transactionalId: 'tx', producerId, transactionState: 'Ongoing' }])
  const none = await client.call(listTransactions, 1, { stateFilters: [], producerIdFilters: [99] })
  t.same(none?.transactionStates, [])
  const matching = async (transactionalIdPattern: string | null) => {
    const filters = { stateFilters: [], producerIdFilters: [], transactionalIdPattern }
    const answer = await client.call(listTransactions, 2, filters)
    const ids = answer?.transactionStates.map(({ transactionalId }) => transactionalId) ?? []
    return [errorName(answer?.errorCode ?? -1), ...ids]
  }
  for (const pattern of [null, '', 't.', '(t|u)x+']) t.same(await matching(pattern), ['NONE', 'tx'], `${pattern}`)
  t.same(await matching('t'), ['NONE'], 'the whole id')
  t.same(await matching('(t'), ['INVALID_REGULAR_EXPRESSION'])
  const described = await client.call(describeTransactions, 0, { transactionalIds: ['tx', 'other'] })
  t.match(described?.transactionStates, [
    {
      errorCode: Errors.NONE,
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      producerId,
      producerEpoch,
      topics: [{ topic: 'a', partitions: [0] }],
    },
    { errorCode: Errors.TRANSACTIONAL_ID_NOT_FOUND, transactionalId: 'other' },
  ])
  const versions = await client.call(apiVersions, 3, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })
  t.match(
    versions?.finalizedFeatures.find(({ name }) => name === 'transaction.version'),
    { maxVersionLevel: 2 },
  )
  producer.close()
  client.destroy()
})

t.test('requests that make no sense', async t => {
  const broker = await startWhole(t)
  const client = await broker.connect()
  const init = async (change: object) => {
    const answer = await client.call(initProducerId, 4, { transactionalId: 'x', transactionTimeoutMs: 1000, ...change })
    return errorName(answer?.errorCode ?? -1)
  }
  t.equal(await init({ transactionalId: '' }), 'INVALID_REQUEST')
  t.equal(await init({}), 'NOT_COORDINATOR', 'before anybody asked for the coordinator')
  const found = await client.call(findCoordinator, 4, { key: '', keyType: 1, coordinatorKeys: ['x', ''] })
  t.same(
    found?.coordinators.map(({ errorCode }) => errorName(errorCode)),
    ['NONE', 'INVALID_REQUEST'],
  )
  t.equal(await init({ transactionTimeoutMs: 0 }), 'INVALID_TRANSACTION_TIMEOUT')
  t.equal(await init({ transactionTimeoutMs: 900_001 }), 'INVALID_TRANSACTION_TIMEOUT')
  t.equal(await init({ producerId: 1 }), 'INVALID_REQUEST')
  t.equal(await init({}), 'NONE')
  t.equal(await init({ producerId: 77, producerEpoch: 0 }), 'PRODUCER_FENCED')
  client.destroy()
})

t.test('kafkajs: consume, transform, produce', async t => {
  const broker = await startWhole(t)
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING, retry: { retries: 8 } })
  const client = await RawClient.connect(broker.port)
  await makeTopics(client, { in: {}, out: {} })
  const producer = kafka.producer({ transactionalId: 'js', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const first = await producer.transaction()
  await first.send({ topic: 'out', messages: [{ value: 'x1' }, { value: 'x2' }] })
  await first.sendOffsets({
    consumerGroupId: 'js-group',
    topics: [{ topic: 'in', partitions: [{ partition: 0, offset: '7' }] }],
  })
  await first.commit()
  const second = await producer.transaction()
  await second.send({ topic: 'out', messages: [{ value: 'dropped' }] })
  await second.abort()
  const third = await producer.transaction()
  await third.send({ topic: 'out', messages: [{ value: 'x3' }] })
  await third.commit()
  t.same(await until(['x1', 'x2', 'x3'], () => readAll(client, 'out')), ['x1', 'x2', 'x3'])
  t.equal(await until(7, () => committedOffset(client, 'js-group', 'in')), 7)
  const consumer = kafka.consumer({ groupId: 'readers' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'out', fromBeginning: true })
  const seen: string[] = []
  await new Promise<void>(resolve => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        if (seen.push(String(message.value)) === 3) resolve()
      },
    })
  })
  t.same(seen, ['x1', 'x2', 'x3'])
  await consumer.disconnect()
  await producer.disconnect()
  client.destroy()
  t.same(broker.errors(), [])
})
