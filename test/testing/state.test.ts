import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import {
  type AnyApi,
  addPartitionsToTxn,
  apiVersions,
  fetch,
  findCoordinator,
  initProducerId,
  produce,
  zeroUuid,
} from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../../src/testing/index.ts'
import { RawClient } from '../network/raw-client.ts'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

async function started(t: Test, options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await startTestBroker(options)
  t.teardown(() => broker.close())
  return broker
}

const kafkaOf = (broker: TestBroker) =>
  new Kafka({
    brokers: [broker.bootstrap],
    clientId: 'app',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  })

const values = async (broker: TestBroker, topic: string) => (await broker.records(topic)).map(({ value }) => value)

t.test('topics and records without a client', async t => {
  const broker = await started(t)
  await broker.createTopic('orders', { partitions: 3, config: { 'retention.ms': 1000 } })
  await t.rejects(broker.createTopic('orders'), /topic orders: TOPIC_ALREADY_EXISTS/)
  await t.rejects(broker.createTopic('bad', { config: { nothing: 1 } }), /topic bad: INVALID_CONFIG/)
  t.same(await broker.produce('orders', [{ key: 'a', value: '1' }, { key: 'a', value: null }, 'three']), [0, 1, 0])
  t.same(await broker.produce('orders', [{ value: Buffer.from('4'), partition: 2, headers: { h: 'x' } }]), [0])
  const all = await broker.records('orders')
  t.match(all, [
    { topic: 'orders', partition: 0, value: 'three', key: null },
    { partition: 1, offset: 0, key: 'a', value: '1' },
    { partition: 1, offset: 1, key: 'a', value: null },
    { partition: 2, value: '4', headers: { h: 'x' } },
  ])
  t.same(await broker.records('orders', { partition: 1, from: 1 }), [all[2]])
  t.same(broker.topics, [{ name: 'orders', partitions: 3 }])
  await broker.deleteTopic('orders')
  await t.rejects(broker.records('orders'), /there is no topic orders/)
  t.equal(broker.journal.length, 0, 'nothing of it is in the journal')
  t.same(await broker.produce('made', ['x']), [0], 'a topic is made')
})

t.test('groups', async t => {
  const broker = await started(t)
  await broker.produce('orders', ['1', '2', '3', '4'])
  t.equal(await broker.group('readers'), null)
  await broker.commitOffsets('readers', [{ topic: 'orders', partition: 0, offset: 2, metadata: 'begin here' }])
  t.match(await broker.group('readers'), {
    state: 'Empty',
    type: 'classic',
    members: [],
    offsets: [{ topic: 'orders', partition: 0, offset: 2, endOffset: 4, lag: 2, metadata: 'begin here' }],
  })
  const consumer = kafkaOf(broker).consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders' })
  const read: (string | undefined)[] = []
  const done = new Promise<void>(resolve => {
    consumer.run({
      eachMessage: async ({ message }) => {
        read.push(message.value?.toString())
        if (read.length === 2) resolve()
      },
    })
  })
  await done
  t.same(read, ['3', '4'])
  await broker.journal.waitFor('OffsetCommit', {
    group: 'readers',
    matching: ({ request }) => {
      return request.topics[0].partitions[0].committedOffset === 4
    },
  })
  t.match(await broker.group('readers'), {
    state: 'Stable',
    members: [{ clientId: 'app', partitions: [{ topic: 'orders', partition: 0 }] }],
    offsets: [{ offset: 4, lag: 0 }],
  })
  t.same([...new Set(broker.connections.map(({ softwareName }) => softwareName))], ['unknown'])
  // Time goes by, and nobody hears of the member.
  const silent = broker.on('Heartbeat').hold()
  await broker.clock.advance(31_000)
  t.match(await broker.group('readers'), { state: 'Empty', members: [] })
  silent.stop()
  await consumer.disconnect()
})

t.test('retention', async t => {
  const broker = await started(t)
  await broker.createTopic('short', { config: { 'retention.ms': 3_600_000 } })
  await broker.produce('short', ['old'])
  await broker.clock.advance(1_800_000)
  t.same(await values(broker, 'short'), ['old'])
  await broker.produce('short', ['newer'])
  await broker.clock.advance(7 * 86_400_000)
  t.same(await values(broker, 'short'), [])
  t.ok(broker.clock.now() > Date.now() + 7 * 86_400_000)
})

async function begin(client: RawClient, topic: string, value: string, transactionTimeoutMs: number) {
  await client.call(findCoordinator, 1, { key: 'tx', keyType: 1, coordinatorKeys: [] })
  const id = { transactionalId: 'tx', producerId: -1, producerEpoch: -1 }
  const given = await client.call(initProducerId, 4, { ...id, transactionTimeoutMs })
  const { producerId = -1, producerEpoch = -1 } = given ?? {}
  const names = {
    v3AndBelowTransactionalId: 'tx',
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
  }
  await client.call(addPartitionsToTxn, 3, {
    ...names,
    transactions: [],
    v3AndBelowTopics: [{ name: topic, partitions: [0] }],
  })
  const records = [{ key: null, value: Buffer.from(value) }]
  const batch = buildBatch({
    records,
    producerId,
    producerEpoch,
    baseSequence: 0,
    transactional: true,
    baseTimestamp: Date.now(),
  })
  const partitionData = [{ index: 0, records: batch }]
  const answer = await client.call(produce, 9, {
    transactionalId: 'tx',
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: topic, topicId: zeroUuid, partitionData }],
  })
  return answer?.responses[0].partitionResponses[0].errorCode
}

t.test('transactions run out of time', async t => {
  const broker = await started(t)
  await broker.createTopic('paid', {})
  const client = await RawClient.connect(broker.port)
  t.teardown(() => client.destroy())
  t.equal(await begin(client, 'paid', 'never', 60_000), 0)
  await broker.produce('paid', ['after'])
  const uncommitted = async () => (await broker.records('paid', { isolation: 'read_uncommitted' })).length
  t.same(await values(broker, 'paid'), [], 'it is open')
  t.equal(await uncommitted(), 2)
  await broker.clock.advance(59_000)
  t.same(await values(broker, 'paid'), [])
  await broker.clock.advance(20_000)
  t.same(await values(broker, 'paid'), ['after'], 'it was aborted')
  t.equal(await uncommitted(), 2)
})

t.test('a long poll ends when its time comes', async t => {
  const broker = await started(t)
  await broker.createTopic('quiet')
  const client = await RawClient.connect(broker.port)
  t.teardown(() => client.destroy())
  broker.clock.stop()
  const came = broker.on('Fetch').once().hold()
  const polled = client.call(fetch, 11, {
    maxWaitMs: 20_000,
    minBytes: 1,
    sessionEpoch: -1,
    topics: [
      { topic: 'quiet', topicId: zeroUuid, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] },
    ],
    forgottenTopicsData: [],
  })
  await came.whenHit()
  came.release()
  await broker.clock.advance(0)
  await broker.clock.advance(19_000)
  t.match(broker.journal.last('Fetch'), { outcome: 'pending' })
  await broker.clock.advance(1000)
  t.match(await polled, { errorCode: 0 })
})

t.test('the clock', async t => {
  const broker = await started(t)
  const { clock } = broker
  const ran: [string, number][] = []
  clock.stop()
  const beganMs = clock.monotonic()
  const note = (name: string) => () => ran.push([name, Math.round(clock.monotonic() - beganMs)])
  clock.after(2000, note('late'))
  clock.after(1000, () => {
    note('early')()
    clock.after(500, note('between'))
  })
  clock.after(700, note('never'))()
  await clock.advance(1999)
  await clock.advance(1)
  const seen = ran.filter(([name]) => ['late', 'early', 'between', 'never'].includes(name))
  t.same(
    seen.map(([name]) => name),
    ['early', 'between', 'late'],
  )
  t.ok(
    seen.every(([name, atMs]) => Math.abs(atMs - { early: 1000, between: 1500, late: 2000 }[name]!) <= 2),
    'at their times',
  )
  t.equal(clock.isStopped, true)
  clock.start()
  await new Promise<void>(resolve => clock.after(1, resolve))
  t.throws(() => clock.advance(-1), RangeError)
})

t.test('there and back', async t => {
  const broker = await started(t)
  const producer = kafkaOf(broker).producer()
  await producer.connect()
  await producer.send({ topic: 'a', messages: [{ value: 'kept' }] })
  await broker.commitOffsets('readers', [{ topic: 'a', partition: 0, offset: 1 }])
  const snapshot = await broker.snapshot()
  await producer.send({ topic: 'a', messages: [{ value: 'gone' }] })
  await broker.createTopic('b', {})
  await broker.commitOffsets('readers', [{ topic: 'a', partition: 0, offset: 2 }])
  for (let round = 0; round < 3; round++) {
    const beganMs = performance.now()
    await broker.restore(snapshot)
    t.comment(`${(performance.now() - beganMs).toFixed(1)} ms to restore`)
    t.same(await values(broker, 'a'), ['kept'])
    t.same(broker.topics, [{ name: 'a', partitions: 1 }])
    t.match(await broker.group('readers'), { offsets: [{ offset: 1, lag: 0 }] })
    await producer.send({ topic: 'a', messages: [{ value: `round ${round}` }] })
    t.same(await values(broker, 'a'), ['kept', `round ${round}`])
  }
  t.equal(broker.connections.length, 1, 'the producer has kept its connection')
  broker.on('Produce').fail('UNKNOWN_SERVER_ERROR')
  const beganMs = performance.now()
  await broker.reset()
  t.comment(`${(performance.now() - beganMs).toFixed(1)} ms to reset`)
  t.same(broker.topics, [])
  t.equal(broker.journal.length, 0)
  await producer.send({ topic: 'a', messages: [{ value: 'new' }] })
  t.same(await values(broker, 'a'), ['new'])
  await producer.disconnect()
})

t.test('whoever asks while the broker is put back waits', async t => {
  const broker = await started(t)
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(broker.port)))
  const versions: AnyApi = apiVersions
  let asked = 0
  let ended = false
  const busy = clients.map(async client => {
    while (!ended) {
      if ((await client.call(versions, 0, {})) === null) throw new Error('the connection was cut')
      asked += 1
    }
  })
  for (let i = 0; i < 5; i++) await broker.reset()
  ended = true
  await t.resolves(Promise.all(busy))
  t.ok(asked > 0)
  for (const client of clients) client.destroy()
})
