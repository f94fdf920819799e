import { assert, eventually, test, unique } from '../lib/harness.mjs'
import { admin, consumer, newTopic, platformatic, produce, producer, read, refused } from './client.mjs'

const values = count => Array.from({ length: count }, (_, i) => `v${String(i).padStart(5, '0')}`)
const { zstd } = platformatic.compressionsAlgorithms

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  if (compression === 'zstd' && !zstd.available) continue // needs a newer Node
  test(`produce ${compression}`, async () => {
    const topic = await newTopic()
    const sent = values(100).map(value => value.repeat(20))
    await produce(topic, sent, { compression })
    assert.deepEqual(
      (await read(topic, 100)).map(message => message.value),
      sent,
    )
  })
}

for (const [name, acks] of Object.entries({ 0: 0, 1: 1, all: -1 })) {
  test(`produce acks=${name}`, async () => {
    const topic = await newTopic()
    const client = producer()
    for (const value of values(20)) {
      const { offsets } = await client.send({ messages: [{ topic, partition: 0, value }], acks })
      if (acks !== 0) assert.equal(offsets[0].offset, BigInt(value.slice(1)))
    }
    assert.deepEqual(
      (await read(topic, 20)).map(message => message.value),
      values(20),
    )
    await client.close()
  })
}

test('produce to many topics and partitions', async () => {
  const topics = await Promise.all([newTopic(4), newTopic(4), newTopic(4)])
  const client = producer()
  const messages = Array.from({ length: 240 }, (_, i) => ({
    topic: topics[i % 3],
    partition: Math.floor(i / 3) % 4,
    value: 'x',
  }))
  await client.send({ messages, acks: -1 })
  const partitions = [0, 1, 2, 3].map(partitionIndex => ({ partitionIndex, timestamp: -1n }))
  for (const topic of await admin.listOffsets({ topics: topics.map(name => ({ name, partitions })) })) {
    for (const { offset } of topic.partitions) assert.equal(offset, 20n)
  }
  await client.close()
})

test('produce idempotent', async () => {
  const topic = await newTopic()
  const client = producer({ idempotent: true })
  for (const value of values(50)) await client.send({ messages: [{ topic, partition: 0, value }] })
  assert.ok(client.producerId >= 0n)
  assert.equal(client.producerEpoch, 0)
  assert.deepEqual(
    (await read(topic, 50)).map(message => message.value),
    values(50),
  )
  await client.close()
})

test('produce keys, headers and tombstones', async () => {
  const topic = await newTopic()
  await produce(topic, [{ key: 'k' }, { value: 'é', headers: { a: '1', b: '' } }])
  const [one, two] = await read(topic, 2)
  assert.equal(one.key, 'k')
  assert.ok(one.value === null || one.value === undefined)
  assert.equal(two.value, 'é')
  assert.deepEqual(
    [...two.headers],
    [
      ['a', '1'],
      ['b', ''],
    ],
  )
})

test('produce timestamps', async () => {
  const topic = await newTopic()
  await produce(topic, [{ value: 'a', timestamp: 1_500_000_000_123n }])
  const [message] = await read(topic, 1)
  assert.equal(message.timestamp, 1_500_000_000_123n)
})

test('produce with log append time', async () => {
  const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' })
  const before = BigInt(Date.now() - 1000)
  await produce(topic, [{ value: 'a', timestamp: 1000n }])
  const [offsets] = await admin.listOffsets({
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: before }] }],
  })
  assert.equal(offsets.partitions[0].offset, 0n)
  assert.ok(offsets.partitions[0].timestamp >= before)
})

test('produce too large a message', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '2000' })
  await refused(produce(topic, ['x'.repeat(3000)]), 'MESSAGE_TOO_LARGE')
})

test('produce to a compacted topic needs keys', async () => {
  const topic = await newTopic(1, { 'cleanup.policy': 'compact' })
  await refused(produce(topic, ['x']), 'INVALID_RECORD')
})

test('produce as a stream', async () => {
  const topic = await newTopic()
  const client = producer()
  const stream = client.asStream({ batchSize: 10, batchTime: 20, acks: -1 })
  for (const value of values(35)) stream.write({ topic, partition: 0, value })
  await new Promise(resolve => stream.end(resolve))
  assert.deepEqual(
    (await read(topic, 35)).map(message => message.value),
    values(35),
  )
  await client.close()
})

test('auto-create topic on produce', async () => {
  const topic = unique('platformatic')
  await eventually(() => produce(topic, ['a'], { autocreateTopics: true }).catch(() => null), { what: 'the topic' })
  const client = consumer()
  const [message] = await read(topic, 1, { client })
  assert.equal(message.value, 'a')
})
