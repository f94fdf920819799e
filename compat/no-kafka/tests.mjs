// no-kafka against a broker: nothing newer than Kafka 0.9. Produce 0, Fetch 0, ListOffsets 0, offsets at any broker.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { assert, bootstrap, cacheDir, eventually, rejects, runAll, test, unique } from '../lib/harness.mjs'
import { closeModern, consumeModern, newTopic, produceModern } from '../lib/modern.mjs'

const Kafka = createRequire(join(cacheDir, 'package.json'))('no-kafka')

const open = []
const base = { connectionString: bootstrap, clientId: 'compat-no-kafka', logger: { logLevel: 0 } }

async function connected(client) {
  await client.init()
  open.push(client)
  return client
}

const producer = options => connected(new Kafka.Producer({ ...base, requiredAcks: -1, ...options }))
const simple = options =>
  connected(
    new Kafka.SimpleConsumer({ ...base, groupId: unique('group'), idleTimeout: 20, maxWaitTime: 50, ...options }),
  )

async function send(topic, values, { codec = Kafka.COMPRESSION_NONE, key, partition = 0, ...options } = {}) {
  const client = await producer(options)
  const messages = values.map(value => ({ topic, partition, message: { key, value } }))
  const answers = await client.send(messages, { codec })
  for (const { error } of answers) if (error) throw error
  return answers
}

async function read(topic, count, { offset = 0, ...options } = {}) {
  const consumer = await simple(options)
  const messages = []
  await consumer.subscribe(topic, 0, { offset }, set => messages.push(...set))
  await eventually(() => messages.length >= count, { what: `${count} messages` })
  await consumer.unsubscribe(topic, 0)
  return messages.slice(0, count)
}

const values = messages => messages.map(({ message }) => message.value?.toString('utf8') ?? null)
const numbered = (count, length = 0) => Array.from({ length: count }, (_, i) => `m${i}${'x'.repeat(length)}`)

test('connect', () => producer())

for (const [name, codec] of [
  ['none', Kafka.COMPRESSION_NONE],
  ['gzip', Kafka.COMPRESSION_GZIP],
]) {
  test(`produce ${name}`, async () => {
    const topic = await newTopic('nokafka')
    const sent = numbered(200, 100)
    await send(topic, sent, { codec })
    assert.deepEqual(values(await read(topic, 200)), sent)
    assert.deepEqual(await consumeModern(topic, 200), sent)
  })
}

for (const [acks, requiredAcks] of [
  ['0', 0],
  ['1', 1],
  ['all', -1],
]) {
  test(`produce acks=${acks}`, async () => {
    const topic = await newTopic('nokafka')
    await send(topic, ['one', 'two'], { requiredAcks })
    assert.deepEqual(values(await read(topic, 2)), ['one', 'two'])
  })
}

test('produce keys and tombstones', async () => {
  const topic = await newTopic('nokafka')
  await send(topic, ['value', null], { key: 'key' })
  const got = await read(topic, 2)
  assert.deepEqual(values(got), ['value', null])
  assert.deepEqual(
    got.map(({ offset, message }) => [offset, message.key.toString()]),
    [
      [0, 'key'],
      [1, 'key'],
    ],
  )
})

test('produce too large a message', async () => {
  const topic = await newTopic('nokafka', 1, { 'max.message.bytes': '1000' })
  await rejects(send(topic, ['x'.repeat(2000)]), /MessageSizeTooLarge/)
})

test('auto-create topic on produce', async () => {
  const topic = unique('nokafka-auto')
  await send(topic, ['x'])
  assert.deepEqual(values(await read(topic, 1)), ['x'])
})

test('beside new clients', async () => {
  const topic = await newTopic('nokafka')
  await produceModern(topic, ['new 0', 'new 1'])
  await send(topic, ['old 0', 'old 1'], { codec: Kafka.COMPRESSION_GZIP })
  await produceModern(topic, ['new 2'], { gzip: true })
  await send(topic, ['old 2'])
  const expected = ['new 0', 'new 1', 'old 0', 'old 1', 'new 2', 'old 2']
  assert.deepEqual(values(await read(topic, 6)), expected)
  assert.deepEqual(await consumeModern(topic, 6), expected)
})

test('consume from offset', async () => {
  const topic = await newTopic('nokafka')
  await send(topic, numbered(5), { codec: Kafka.COMPRESSION_GZIP })
  assert.deepEqual(values(await read(topic, 2, { offset: 3 })), ['m3', 'm4'])
})

test('consume small fetches', async () => {
  const topic = await newTopic('nokafka')
  const sent = numbered(40, 1000)
  await produceModern(topic, sent.slice(0, 20), { gzip: true })
  await send(topic, sent.slice(20))
  assert.deepEqual(values(await read(topic, 40, { maxBytes: 5000 })), sent)
})

test('list offsets', async () => {
  const topic = await newTopic('nokafka')
  await send(topic, numbered(4))
  const consumer = await simple()
  assert.equal(await consumer.offset(topic, 0, Kafka.LATEST_OFFSET), 4)
  assert.equal(await consumer.offset(topic, 0, Kafka.EARLIEST_OFFSET), 0)
})

test('commit and fetch offsets without a group', async () => {
  const topic = await newTopic('nokafka')
  const groupId = unique('group')
  const consumer = await simple({ groupId })
  await consumer.commitOffset({ topic, partition: 0, offset: 7, metadata: 'm' })
  const [fetched] = await (await simple({ groupId })).fetchOffset({ topic, partition: 0 })
  assert.equal(fetched.offset, 7)
})

async function member(groupId, topic) {
  const group = new Kafka.GroupConsumer({
    ...base,
    groupId,
    idleTimeout: 20,
    maxWaitTime: 50,
    heartbeatTimeout: 300,
    startingOffset: Kafka.EARLIEST_OFFSET,
  })
  const state = { group, messages: [], committed: 0, partitions: () => Object.keys(group.subscriptions).length }
  const handler = async (set, _topic, partition) => {
    for (const each of set) {
      state.messages.push(each)
      await group.commitOffset({ topic, partition, offset: each.offset, metadata: '' })
      state.committed += 1
    }
  }
  await group.init([{ subscriptions: [topic], handler }])
  open.push(group)
  return state
}

test('group join', async () => {
  const topic = await newTopic('nokafka', 2)
  await send(topic, ['a', 'b'], { partition: 0 })
  await send(topic, ['c'], { partition: 1 })
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await eventually(() => one.committed === 3, { what: 'three messages' })
  await one.group.end()
  await send(topic, ['d'], { partition: 1 })
  const next = await member(groupId, topic)
  await eventually(() => next.messages.length > 0)
  assert.deepEqual(values(next.messages), ['d'])
})

test('group rebalance', async () => {
  const topic = await newTopic('nokafka', 2)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await eventually(() => one.partitions() === 2)
  const two = await member(groupId, topic)
  await eventually(() => one.partitions() === 1 && two.partitions() === 1, { what: 'one partition each' })
  await two.group.end()
  await eventually(() => one.partitions() === 2, { what: 'both partitions back' })
})

test('list groups', async () => {
  const topic = await newTopic('nokafka')
  const groupId = unique('group')
  await member(groupId, topic)
  const admin = await connected(new Kafka.GroupAdmin(base))
  const groups = await admin.listGroups()
  assert.ok(groups.some(group => group.groupId === groupId))
  const described = await admin.describeGroup(groupId)
  assert.equal(described.state, 'Stable')
})

await runAll(async () => {
  await closeModern()
  await Promise.allSettled(open.map(client => client.end()))
}, 3)
