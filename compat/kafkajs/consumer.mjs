import { assert, deferred, eventually, test, unique } from '../lib/harness.mjs'
import { consume, consumer, newTopic, theAdmin, theProducer, values } from './client.mjs'

async function filled(count, timestamps) {
  const topic = await newTopic()
  const messages = Array.from({ length: count }, (_, i) => ({
    value: `m${i}`,
    ...(timestamps ? { timestamp: String(timestamps[i]) } : {}),
  }))
  for (const message of messages) await (await theProducer()).send({ topic, messages: [message] })
  return topic
}

test('consume from earliest', async () => {
  assert.deepEqual(values(await consume(await filled(5), 5)), ['m0', 'm1', 'm2', 'm3', 'm4'])
})

test('consume from latest', async () => {
  const topic = await filled(3)
  const client = consumer({ groupId: unique('group') })
  const joined = deferred()
  const message = deferred()
  client.on(client.events.FETCH, () => joined.resolve())
  await client.connect()
  await client.subscribe({ topics: [topic], fromBeginning: false })
  await client.run({ eachMessage: async event => message.resolve(event.message) })
  await joined.promise
  await (await theProducer()).send({ topic, messages: [{ value: 'late' }] })
  assert.equal((await message.promise).value.toString(), 'late')
  await client.disconnect()
})

test('consume from offset', async () => {
  const topic = await filled(5)
  const got = await consume(topic, 2, { fromBeginning: false, seek: [{ partition: 0, offset: '3' }] })
  assert.deepEqual(values(got), ['m3', 'm4'])
})

test('consume from the middle of a batch', async () => {
  const topic = await newTopic()
  const messages = Array.from({ length: 10 }, (_, i) => ({ value: `m${i}` }))
  await (await theProducer()).send({ topic, messages })
  const got = await consume(topic, 3, { fromBeginning: false, seek: [{ partition: 0, offset: '7' }] })
  assert.deepEqual(values(got), ['m7', 'm8', 'm9'])
})

test('consume from timestamp', async () => {
  const base = Date.now() - 60_000
  const topic = await filled(4, [base, base + 1000, base + 2000, base + 3000])
  const admin = await theAdmin()
  const [{ offset }] = await admin.fetchTopicOffsetsByTimestamp(topic, base + 1500)
  assert.equal(offset, '2')
  const got = await consume(topic, 2, { fromBeginning: false, seek: [{ partition: 0, offset }] })
  assert.deepEqual(values(got), ['m2', 'm3'])
  const [past] = await admin.fetchTopicOffsetsByTimestamp(topic, base + 10_000)
  assert.equal(past.offset, '4')
})

test('consume out of range resets', async () => {
  const topic = await filled(2)
  const got = await consume(topic, 2, { fromBeginning: true, seek: [{ partition: 0, offset: '1000' }] })
  assert.deepEqual(values(got), ['m0', 'm1'])
})

test('consume many partitions', async () => {
  const topic = await newTopic(6)
  const messages = Array.from({ length: 60 }, (_, i) => ({ value: `m${i}`, partition: i % 6 }))
  await (await theProducer()).send({ topic, messages })
  const got = await consume(topic, 60)
  assert.equal(new Set(got.map(message => message.partition)).size, 6)
  assert.equal(new Set(values(got)).size, 60)
})

test('consume batches', async () => {
  const topic = await filled(20)
  const client = consumer({ groupId: unique('group') })
  let count = 0
  await client.connect()
  await client.subscribe({ topics: [topic], fromBeginning: true })
  await client.run({
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      assert.equal(batch.highWatermark, '20')
      for (const message of batch.messages) {
        count++
        resolveOffset(message.offset)
      }
      await heartbeat()
    },
  })
  await eventually(() => count === 20)
  await client.disconnect()
})

test('consume by topic pattern', async () => {
  const topic = await filled(2)
  const client = consumer({ groupId: unique('group') })
  const seen = []
  await client.connect()
  await client.subscribe({ topics: [new RegExp(`^${topic}$`)], fromBeginning: true })
  await client.run({ eachMessage: async ({ message }) => void seen.push(message.value.toString()) })
  await eventually(() => seen.length === 2)
  await client.disconnect()
})

test('consume small fetches', async () => {
  const topic = await newTopic()
  const messages = Array.from({ length: 50 }, (_, i) => ({ value: `${i}:${'x'.repeat(2000)}` }))
  for (let i = 0; i < 50; i += 5) await (await theProducer()).send({ topic, messages: messages.slice(i, i + 5) })
  const got = await consume(topic, 50, { maxBytesPerPartition: 3000, maxBytes: 5000 })
  assert.deepEqual(
    got.map(message => Number(message.offset)),
    messages.map((_, i) => i),
  )
})
