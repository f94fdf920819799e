// Producer, and consumers whose group is not the point.
import zlib from 'node:zlib'
import { assert, deferred, rejects, test, unique } from '../lib/harness.mjs'
import { admin, consume, consumer, newTopic, producer, send, theProducer, values } from './client.mjs'

const codecs = ['none', 'gzip', 'snappy', 'lz4']
if (zlib.zstdCompressSync) codecs.push('zstd') // the client uses what Node has, from 22.15 on

for (const codec of codecs) {
  test(`produce ${codec}`, async () => {
    const topic = await newTopic()
    const sent = Array.from({ length: 200 }, (_, i) => `${i}:${'abc'.repeat(60)}`)
    await send(
      topic,
      sent.map(value => ({ value })),
      codec === 'none' ? {} : { compression: codec },
    )
    assert.deepEqual(values(await consume(topic, 200)), sent)
  })
}

for (const acks of [0, 1, -1]) {
  test(`produce acks=${acks === -1 ? 'all' : acks}`, async () => {
    const topic = await newTopic()
    const answer = await send(topic, [{ value: 'one' }, { value: 'two' }], { acks })
    if (acks !== 0) assert.equal(answer.offsets[0].offset, 0n)
    assert.deepEqual(values(await consume(topic, 2)), ['one', 'two'])
  })
}

test('produce idempotent', async () => {
  const topic = await newTopic()
  const client = producer({ idempotent: true })
  for (let i = 0; i < 20; i++) await client.send({ messages: [{ topic, value: `m${i}` }] })
  assert.deepEqual(
    values(await consume(topic, 20)),
    Array.from({ length: 20 }, (_, i) => `m${i}`),
  )
})

test('produce keys, headers and tombstones', async () => {
  const topic = await newTopic()
  await send(topic, [{ key: 'k', headers: { one: 'x', two: '' } }])
  const [message] = await consume(topic, 1)
  assert.equal(message.key, 'k')
  assert.equal(message.headers.get('one'), 'x')
  assert.ok(message.value === undefined || message.value === null || message.value === '', `value ${message.value}`)
})

test('produce timestamps', async () => {
  const topic = await newTopic()
  const stamp = BigInt(Date.now() - 50_000)
  await send(topic, [{ value: 'x', timestamp: stamp }])
  const [message] = await consume(topic, 1)
  assert.equal(message.timestamp, stamp)
})

test('produce too large a message', async () => {
  const topic = await newTopic(1, [{ name: 'max.message.bytes', value: '1000' }])
  const error = await rejects(send(topic, [{ value: 'x'.repeat(2000) }]))
  assert.match(
    JSON.stringify(
      [error, error.errors, error.cause],
      Object.getOwnPropertyNames(error).concat('apiId', 'errors', 'message'),
    ),
    /MESSAGE_TOO_LARGE|larger than/,
  )
})

test('produce to many partitions', async () => {
  const topic = await newTopic(6)
  await send(
    topic,
    Array.from({ length: 60 }, (_, i) => ({ value: `m${i}`, partition: i % 6 })),
  )
  const got = await consume(topic, 60)
  assert.equal(new Set(got.map(message => message.partition)).size, 6)
  assert.equal(new Set(values(got)).size, 60)
})

test('auto-create topic on produce', async () => {
  const topic = unique('platformatic-auto')
  const client = producer({ autocreateTopics: true })
  await client.send({ messages: [{ topic, value: 'x' }] })
  assert.deepEqual(values(await consume(topic, 1)), ['x'])
})

test('consume from earliest', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'a' }, { value: 'b' }])
  assert.deepEqual(values(await consume(topic, 2)), ['a', 'b'])
})

test('consume from latest', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'old' }])
  const client = consumer()
  const stream = await client.consume({ topics: [topic], mode: 'latest', autocommit: false })
  const first = deferred()
  stream.on('data', message => first.resolve(message.value))
  const ready = deferred()
  stream.once('offsets', () => ready.resolve())
  await Promise.race([ready.promise, new Promise(resolve => setTimeout(resolve, 1500))])
  await send(topic, [{ value: 'late' }])
  assert.equal(await first.promise, 'late')
  await stream.close()
  await client.close(true)
})

test('consume from offset', async () => {
  const topic = await newTopic()
  await send(
    topic,
    [0, 1, 2, 3, 4].map(i => ({ value: `m${i}` })),
  )
  const got = await consume(topic, 2, { mode: 'manual', offsets: [{ topic, partition: 0, offset: 3n }] })
  assert.deepEqual(values(got), ['m3', 'm4'])
})

test('consume from timestamp', async () => {
  const topic = await newTopic()
  const base = Date.now() - 60_000
  for (let i = 0; i < 4; i++) await send(topic, [{ value: `m${i}`, timestamp: BigInt(base + i * 1000) }])
  const client = consumer()
  const found = await client.listOffsetsWithTimestamps({ topics: [topic], timestamp: BigInt(base + 1500) })
  assert.equal(found.get(topic).get(0).offset, 2n)
  assert.equal(found.get(topic).get(0).timestamp, BigInt(base + 2000))
  await client.close(true)
})

test('consume read_committed', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'a' }, { value: 'b' }])
  assert.deepEqual(values(await consume(topic, 2, { isolationLevel: 1 })), ['a', 'b'])
})

test('list offsets', async () => {
  const topic = await newTopic(2)
  await send(topic, [
    { value: 'a', partition: 0 },
    { value: 'b', partition: 0 },
  ])
  const client = consumer()
  const latest = await client.listOffsets({ topics: [topic] })
  assert.deepEqual(latest.get(topic), [2n, 0n])
  const partitions = [{ partitionIndex: 0, timestamp: -2n }]
  const [{ partitions: found }] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  assert.equal(found[0].offset, 0n)
  await client.close(true)
})

test('transaction commit', () => transaction('commit'), { needs: 'transactions' })
test('transaction abort', () => transaction('abort'), { needs: 'transactions' })

async function transaction(end) {
  const topic = await newTopic()
  const client = producer({ transactionalId: `tx-${topic}`, idempotent: true })
  const running = await client.beginTransaction()
  await running.send({ messages: [{ topic, value: 'inside' }] })
  await running[end]()
  await theProducer().send({ messages: [{ topic, value: 'after' }] })
  const got = await consume(topic, end === 'commit' ? 2 : 1, { isolationLevel: 1 })
  assert.deepEqual(values(got), end === 'commit' ? ['inside', 'after'] : ['after'])
}
