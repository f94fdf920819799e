import { assert, rejects, test } from '../lib/harness.mjs'
import { CompressionTypes, consume, newTopic, producer, theAdmin, theProducer, values } from './client.mjs'

const payload = i => `message ${i} ${'abc'.repeat(50)}`

for (const codec of ['None', 'GZIP', 'Snappy', 'LZ4', 'ZSTD']) {
  test(`produce ${codec.toLowerCase()}`, async () => {
    const topic = await newTopic()
    const client = await theProducer()
    const sent = Array.from({ length: 200 }, (_, i) => payload(i))
    await client.send({ topic, compression: CompressionTypes[codec], messages: sent.map(value => ({ value })) })
    const got = await consume(topic, 200)
    assert.deepEqual(values(got), sent)
    assert.deepEqual(
      got.map(message => Number(message.offset)),
      sent.map((_, i) => i),
    )
  })
}

for (const acks of [0, 1, -1]) {
  test(`produce acks=${acks === -1 ? 'all' : acks}`, async () => {
    const topic = await newTopic()
    const client = await theProducer()
    const answer = await client.send({ topic, acks, messages: [{ value: 'one' }, { value: 'two' }] })
    if (acks !== 0) {
      assert.equal(answer[0].errorCode, 0)
      assert.equal(answer[0].baseOffset, '0')
    }
    assert.deepEqual(values(await consume(topic, 2)), ['one', 'two'])
  })
}

test('produce to many topics and partitions', async () => {
  const topics = [await newTopic(3), await newTopic(2)]
  const client = await theProducer()
  const topicMessages = topics.map((topic, t) => ({
    topic,
    messages: Array.from({ length: 30 }, (_, i) => ({ key: `k${i}`, value: `v${i}`, partition: i % (3 - t) })),
  }))
  const answers = await client.sendBatch({ topicMessages })
  assert.equal(answers.length, 5)
  assert.deepEqual((await consume(topics[0], 30)).length, 30)
  const offsets = await (await theAdmin()).fetchTopicOffsets(topics[1])
  assert.deepEqual(offsets.map(({ high }) => high).sort(), ['15', '15'])
})

test('produce idempotent', async () => {
  const topic = await newTopic()
  const client = await producer({ idempotent: true, maxInFlightRequests: 1 })
  for (let i = 0; i < 5; i++) await client.send({ topic, messages: [{ value: `a${i}` }, { value: `b${i}` }] })
  const got = await consume(topic, 10)
  assert.equal(values(got).join(), 'a0,b0,a1,b1,a2,b2,a3,b3,a4,b4')
})

test('produce keys, headers and tombstones', async () => {
  const topic = await newTopic()
  const client = await theProducer()
  const messages = [
    { key: 'k', value: null, headers: { one: 'x', two: ['y', 'z'], empty: '' } },
    { key: null, value: Buffer.from([0, 255, 128]) },
    { key: '', value: '' },
  ]
  await client.send({ topic, messages })
  const [first, second, third] = await consume(topic, 3)
  assert.equal(first.key.toString(), 'k')
  assert.equal(first.value, null)
  assert.equal(first.headers.one.toString(), 'x')
  assert.deepEqual(first.headers.two.map(String), ['y', 'z'])
  assert.equal(first.headers.empty.length, 0)
  assert.equal(second.key, null)
  assert.deepEqual([...second.value], [0, 255, 128])
  assert.equal(third.value.length, 0)
})

test('produce timestamps', async () => {
  const topic = await newTopic()
  const client = await theProducer()
  const base = Date.now() - 100_000
  const stamps = [base, base + 5, base - 5]
  await client.send({ topic, messages: stamps.map(stamp => ({ value: 'x', timestamp: String(stamp) })) })
  assert.deepEqual(
    (await consume(topic, 3)).map(message => Number(message.timestamp)),
    stamps,
  )
})

test('produce with log append time', async () => {
  const topic = await newTopic(1, [{ name: 'message.timestamp.type', value: 'LogAppendTime' }])
  const client = await theProducer()
  const before = Date.now()
  await client.send({ topic, messages: [{ value: 'x', timestamp: '1000' }] })
  const [message] = await consume(topic, 1)
  assert.ok(Math.abs(Number(message.timestamp) - before) < 10_000, message.timestamp)
})

test('produce too large a message', async () => {
  const topic = await newTopic(1, [{ name: 'max.message.bytes', value: '1000' }])
  const client = await theProducer()
  await rejects(client.send({ topic, messages: [{ value: 'x'.repeat(2000) }] }), /MESSAGE_TOO_LARGE/)
  await client.send({ topic, messages: [{ value: 'x'.repeat(500) }] })
})

test('produce a large message', async () => {
  const topic = await newTopic()
  const client = await theProducer()
  const value = 'x'.repeat(900_000)
  await client.send({ topic, messages: [{ value }] })
  const [message] = await consume(topic, 1)
  assert.equal(message.value.length, value.length)
})

test('auto-create topic on produce', async () => {
  const topic = `auto-${Date.now()}-${process.pid}`
  const client = await producer({ allowAutoTopicCreation: true })
  await client.send({ topic, messages: [{ value: 'first' }] })
  assert.deepEqual(values(await consume(topic, 1)), ['first'])
})

test('transaction commit', () => transaction('commit'), { needs: 'transactions' })
test('transaction abort', () => transaction('abort'), { needs: 'transactions' })

async function transaction(end) {
  const topic = await newTopic()
  const client = await producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: `tx-${topic}` })
  const running = await client.transaction()
  await running.send({ topic, messages: [{ value: 'inside' }] })
  await running[end]()
  await (await theProducer()).send({ topic, messages: [{ value: 'after' }] })
  const got = await consume(topic, end === 'commit' ? 2 : 1)
  assert.deepEqual(values(got), end === 'commit' ? ['inside', 'after'] : ['after'])
}

test(
  'transaction with offsets',
  async () => {
    const topic = await newTopic()
    const groupId = `group-${topic}`
    const client = await producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: `tx-${topic}` })
    const running = await client.transaction()
    await running.send({ topic, messages: [{ value: 'inside' }] })
    await running.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: '7' }] }],
    })
    await running.commit()
    const [offsets] = await (await theAdmin()).fetchOffsets({ groupId, topics: [topic] })
    assert.equal(offsets.partitions[0].offset, '7')
  },
  { needs: 'transactions' },
)
