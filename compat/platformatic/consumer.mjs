import { assert, test } from '../lib/harness.mjs'
import { consumer, newTopic, produce, read, take } from './client.mjs'

const valuesOf = messages => messages.map(message => message.value)

test('consume from earliest', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b', 'c'])
  const messages = await read(topic, 3)
  assert.deepEqual(valuesOf(messages), ['a', 'b', 'c'])
  assert.deepEqual(
    messages.map(message => message.offset),
    [0n, 1n, 2n],
  )
})

test('consume from latest', async () => {
  const topic = await newTopic()
  await produce(topic, ['old'])
  const client = consumer()
  const stream = await client.consume({ topics: [topic], mode: 'latest' })
  const next = take(stream, 1)
  await produce(topic, ['new'])
  assert.deepEqual(valuesOf(await next), ['new'])
  await client.close(true)
})

test('consume from offset', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b', 'c'])
  const offsets = [{ topic, partition: 0, offset: 1n }]
  assert.deepEqual(valuesOf(await read(topic, 2, { mode: 'manual', offsets })), ['b', 'c'])
})

test('consume many partitions', async () => {
  const topic = await newTopic(20)
  await produce(
    topic,
    Array.from({ length: 200 }, (_, i) => ({ partition: i % 20, value: `${i}` })),
  )
  assert.equal(new Set(valuesOf(await read(topic, 200))).size, 200)
})

test('consume small fetches', async () => {
  const topic = await newTopic()
  const values = Array.from({ length: 60 }, (_, i) => `v${i}`)
  for (let i = 0; i < 60; i += 10) await produce(topic, values.slice(i, i + 10))
  assert.deepEqual(valuesOf(await read(topic, 60, { maxBytes: 100, maxBytesPerPartition: 100 })), values)
})

test('consume from timestamp', async () => {
  const topic = await newTopic()
  await produce(
    topic,
    [0, 1, 2, 3].map(i => ({ value: `m${i}`, timestamp: 1_600_000_000_000n + BigInt(i * 1000) })),
  )
  const client = consumer()
  const found = await client.listOffsetsWithTimestamps({ topics: [topic], timestamp: 1_600_000_001_500n })
  const { offset, timestamp } = found.get(topic).get(0)
  assert.equal(timestamp, 1_600_000_002_000n)
  const messages = await read(topic, 2, { client, mode: 'manual', offsets: [{ topic, partition: 0, offset }] })
  assert.deepEqual(valuesOf(messages), ['m2', 'm3'])
})

test('consume read_committed', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b'])
  assert.deepEqual(valuesOf(await read(topic, 2, { isolationLevel: 1 })), ['a', 'b'])
})

test('consume a long poll wakes on data', async () => {
  const topic = await newTopic()
  const client = consumer({ maxWaitTime: 10_000 })
  const stream = await client.consume({ topics: [topic], mode: 'earliest' })
  const next = take(stream, 1)
  await new Promise(resolve => stream.once('fetch', resolve).resume && setTimeout(resolve, 500))
  const start = performance.now()
  await produce(topic, ['x'])
  await next
  assert.ok(performance.now() - start < 5000)
  await client.close(true)
})

test('list offsets', async () => {
  const topic = await newTopic()
  await produce(
    topic,
    [0, 1, 2].map(i => ({ value: `${i}`, timestamp: 1_600_000_000_000n + BigInt(i * 1000) })),
  )
  const client = consumer()
  const at = async timestamp => (await client.listOffsets({ topics: [topic], timestamp })).get(topic)[0]
  assert.equal(await at(-1n), 3n)
  assert.equal(await at(-2n), 0n)
  assert.equal(await at(1_600_000_000_500n), 1n)
  assert.equal(await at(1_700_000_000_000n), -1n)
  const found = await client.listOffsetsWithTimestamps({ topics: [topic], timestamp: -3n })
  assert.deepEqual(found.get(topic).get(0), { offset: 2n, timestamp: 1_600_000_002_000n })
  await client.close()
})
