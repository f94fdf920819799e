// @confluentinc/kafka-javascript against a broker.
import { assert, eventually, rejects, runAll, test, unique } from '../lib/harness.mjs'
import {
  closeAll,
  confluent,
  member,
  newConsumer,
  newTopic,
  produce,
  producer,
  read,
  textOf,
  theAdmin,
} from './client.mjs'

const values = count => Array.from({ length: count }, (_, i) => `v${String(i).padStart(4, '0')}`)

test('connect', async () => assert.ok(await theAdmin()))

for (const compression of ['none', 'gzip', 'snappy', 'lz4']) {
  test(`produce ${compression}`, async () => {
    const topic = await newTopic()
    await produce(topic, values(100), { compression })
    assert.deepEqual(textOf(await read(topic, 100)), values(100))
  })
}

for (const acks of [0, 1, -1]) {
  test(`produce acks=${acks === -1 ? 'all' : acks}`, async () => {
    const topic = await newTopic()
    await produce(topic, values(20), { acks })
    assert.deepEqual(textOf(await read(topic, 20)), values(20))
  })
}

test('produce idempotent', async () => {
  const topic = await newTopic()
  await produce(topic, values(200), { idempotent: true })
  assert.deepEqual(textOf(await read(topic, 200)), values(200))
})

test('produce to many partitions', async () => {
  const topic = await newTopic(6)
  await produce(
    topic,
    values(120).map((value, i) => ({ value, partition: i % 6 })),
  )
  const offsets = await (await theAdmin()).fetchTopicOffsets(topic)
  assert.deepEqual(
    offsets.map(({ high }) => `${high}`),
    Array(6).fill('20'),
  )
})

test('produce keys, headers and tombstones', async () => {
  const topic = await newTopic()
  await produce(topic, [
    { key: 'k', value: null, partition: 0 },
    { value: 'é', headers: { a: '1', b: Buffer.from([0, 255]) }, partition: 0 },
  ])
  const [one, two] = await read(topic, 2)
  assert.deepEqual([one.key.toString(), one.value, two.value.toString()], ['k', null, 'é'])
  assert.deepEqual([two.headers.a.toString(), [...two.headers.b]], ['1', [0, 255]])
})

test('produce timestamps', async () => {
  const topic = await newTopic()
  await produce(topic, [{ value: 'a', timestamp: '1500000000123', partition: 0 }])
  assert.equal((await read(topic, 1))[0].timestamp, '1500000000123')
})

test('produce too large a message', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '2000' })
  await rejects(produce(topic, ['x'.repeat(3000)]), /size too large|MSG_SIZE_TOO_LARGE|too large/i)
})

test('consume from earliest', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b', 'c'])
  const messages = await read(topic, 3)
  assert.deepEqual(
    messages.map(message => `${message.offset}`),
    ['0', '1', '2'],
  )
})

test('consume from latest', async () => {
  const topic = await newTopic()
  await produce(topic, ['old'])
  const one = await member(topic, { fromBeginning: false })
  await eventually(() => one.owned().length === 1, { what: 'the assignment' })
  await eventually(async () => (await produce(topic, ['new'])) && one.seen.length > 0, {
    what: 'a message',
    everyMs: 300,
  })
  assert.equal(textOf(one.seen)[0], 'new')
  await one.leave()
})

test('consume batches', async () => {
  const topic = await newTopic()
  await produce(topic, values(100))
  const client = newConsumer()
  const seen = []
  await client.connect()
  await client.subscribe({ topics: [topic] })
  await client.run({ eachBatch: async ({ batch }) => void seen.push(...textOf(batch.messages)) })
  await eventually(() => seen.length === 100, { what: '100 messages' })
  assert.deepEqual(seen, values(100))
  await client.disconnect()
})

test('consume by topic pattern', async () => {
  const topic = await newTopic()
  await produce(topic, ['a'])
  const client = newConsumer()
  const seen = []
  await client.connect()
  await client.subscribe({ topics: [new RegExp(`^${topic}`)] })
  await client.run({ eachMessage: async ({ message }) => void seen.push(message) })
  await eventually(() => seen.length === 1, { what: 'a message' })
  await client.disconnect()
})

test('consume after a seek', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b', 'c'])
  const one = await member(topic)
  await eventually(() => one.seen.length === 3, { what: '3 messages' })
  one.client.seek({ topic, partition: 0, offset: '1' })
  await eventually(() => one.seen.length === 5, { what: 'two of them again' })
  assert.deepEqual(textOf(one.seen), ['a', 'b', 'c', 'b', 'c'])
  await one.leave()
})

for (const protocol of ['range', 'roundrobin', 'cooperative-sticky']) {
  test(`group rebalance, ${protocol}`, async () => {
    const topic = await newTopic(4)
    const options = { groupId: unique('group'), partitionAssigners: [protocol] }
    const one = await member(topic, options)
    await eventually(() => one.owned().length === 4, { what: 'four partitions' })
    const two = await member(topic, options)
    await eventually(() => one.owned().length === 2 && two.owned().length === 2, { what: 'two and two' })
    await two.leave()
    await eventually(() => one.owned().length === 4, { what: 'all back' })
    await produce(
      topic,
      values(20).map((value, i) => ({ value, partition: i % 4 })),
    )
    await eventually(() => one.seen.length === 20, { what: '20 messages' })
    await one.leave()
  })
}

test('group resumes from the committed offset', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  await produce(topic, ['a'])
  await read(topic, 1, { groupId })
  await produce(topic, ['b'])
  assert.deepEqual(textOf(await read(topic, 1, { groupId })), ['b'])
})

test('group commit with metadata', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(topic, { groupId, autoCommit: false })
  await eventually(() => one.owned().length === 1, { what: 'the assignment' })
  await one.client.commitOffsets([{ topic, partition: 0, offset: '17', metadata: 'note' }])
  const [{ partitions }] = await (await theAdmin()).fetchOffsets({ groupId, topics: [topic] })
  assert.deepEqual([`${partitions[0].offset}`, partitions[0].metadata], ['17', 'note'])
  await one.leave()
})

test('group static member', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const one = await member(topic, { groupId }, { 'group.instance.id': 'one' })
  await eventually(() => one.owned().length === 2, { what: 'the assignment' })
  const { groups } = await (await theAdmin()).describeGroups([groupId])
  assert.equal(groups[0].members[0].groupInstanceId, 'one')
  await one.leave()
})

test('list groups', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(topic, { groupId })
  await eventually(() => one.owned().length === 1, { what: 'the assignment' })
  const { groups } = await (await theAdmin()).listGroups()
  const found = groups.find(group => group.groupId === groupId)
  assert.deepEqual([found.protocolType, found.state], ['consumer', confluent.ConsumerGroupStates.STABLE])
  await one.leave()
})

test('describe groups', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const one = await member(topic, { groupId })
  await eventually(() => one.owned().length === 2, { what: 'the assignment' })
  const { groups } = await (await theAdmin()).describeGroups([groupId])
  assert.equal(groups[0].state, confluent.ConsumerGroupStates.STABLE)
  assert.equal(groups[0].members[0].clientId, 'compat-ckjs')
  await one.leave()
})

test('delete groups', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  await produce(topic, ['a'])
  await read(topic, 1, { groupId })
  const admin = await theAdmin()
  const [deleted] = await admin.deleteGroups([groupId])
  assert.equal(deleted.errorCode, 0)
  await rejects(admin.deleteGroups([groupId]))
})

test('fetch offsets of an unknown group', async () => {
  const topic = await newTopic()
  // The client leaves out what has no offset.
  assert.deepEqual(await (await theAdmin()).fetchOffsets({ groupId: unique('group'), topics: [topic] }), [])
})

test('create topic errors', async () => {
  const admin = await theAdmin()
  const topic = await newTopic()
  const create = one => admin.createTopics({ topics: [{ numPartitions: 1, replicationFactor: 1, ...one }] })
  assert.equal(await create({ topic }), false) // it is there already
  // INVALID_TOPIC_EXCEPTION and INVALID_REPLICATION_FACTOR
  const is = code => error => error.errors.some(each => each.code === code)
  await rejects(create({ topic: 'bad name' }), is(17))
  await rejects(create({ topic: unique('x'), replicationFactor: 3 }), is(38))
})

test('metadata', async () => {
  const topic = await newTopic(3)
  const [metadata] = await (await theAdmin()).fetchTopicMetadata({ topics: [topic] })
  assert.equal(metadata.partitions.length, 3)
  assert.equal(metadata.partitions[0].leader, 1)
})

test('delete topic', async () => {
  const admin = await theAdmin()
  const topic = await newTopic()
  assert.ok((await admin.listTopics()).includes(topic))
  await admin.deleteTopics({ topics: [topic] })
  await eventually(async () => !(await admin.listTopics()).includes(topic), { what: 'the topic to go' })
})

test('delete records', async () => {
  const topic = await newTopic()
  await produce(topic, values(10))
  const admin = await theAdmin()
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
  const [{ low, high }] = await admin.fetchTopicOffsets(topic)
  assert.deepEqual([`${low}`, `${high}`], ['4', '10'])
})

test('list offsets by timestamp', async () => {
  const topic = await newTopic()
  await produce(
    topic,
    [0, 1, 2].map(i => ({ value: `${i}`, timestamp: `${1_600_000_000_000 + i * 1000}`, partition: 0 })),
  )
  const [{ offset }] = await (await theAdmin()).fetchTopicOffsetsByTimestamp(topic, 1_600_000_000_500)
  assert.equal(`${offset}`, '1')
})

test('auto-create topic on produce', async () => {
  const topic = unique('ckjs')
  await produce(topic, [{ value: 'a' }], { allowAutoTopicCreation: true })
  assert.deepEqual(textOf(await read(topic, 1)), ['a'])
})

test(
  'transaction commit',
  async () => {
    const topic = await newTopic()
    const client = await producer({ transactionalId: unique('txn') })
    const transaction = await client.transaction()
    await transaction.send({ topic, messages: [{ value: 'in' }] })
    await transaction.commit()
    assert.deepEqual(textOf(await read(topic, 1, { readUncommitted: false })), ['in'])
  },
  { needs: 'transactions' },
)

test(
  'transaction abort',
  async () => {
    const topic = await newTopic()
    const client = await producer({ transactionalId: unique('txn') })
    const transaction = await client.transaction()
    await transaction.send({ topic, messages: [{ value: 'in' }] })
    await transaction.abort()
    await produce(topic, ['after'])
    assert.deepEqual(textOf(await read(topic, 1, { readUncommitted: false })), ['after'])
  },
  { needs: 'transactions' },
)

await runAll(closeAll, 2)
