import { assert, eventually, test, unique } from '../lib/harness.mjs'
import { admin, consumer, newTopic, produce, read, refused, take } from './client.mjs'

/** Starts a member; `.owned()` is what it is assigned of `topic`. */
async function member(groupId, topic, options = {}) {
  const client = consumer({ groupId, ...options })
  const state = { client, seen: [] }
  state.owned = () => client.assignments?.find(one => one.topic === topic)?.partitions ?? []
  const stream = await client.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: 200 })
  stream.on('data', message => state.seen.push(message.value))
  stream.on('error', error => {
    state.error = error
  })
  state.leave = () => client.close(true)
  return state
}

async function committed(groupId, topic) {
  const groups = await admin.listConsumerGroupOffsets({
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
  })
  return groups[0].topics[0].partitions[0]
}

test('group join', async () => {
  const topic = await newTopic(3)
  const one = await member(unique('group'), topic)
  assert.deepEqual([...one.owned()].sort(), [0, 1, 2])
  await one.leave()
})

test('group rebalance', async () => {
  const topic = await newTopic(4)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const two = await member(groupId, topic)
  await eventually(() => one.owned().length === 2 && two.owned().length === 2, { what: 'two and two partitions' })
  await two.leave()
  await eventually(() => one.owned().length === 4, { what: 'all partitions back' })
  await produce(
    topic,
    Array.from({ length: 20 }, (_, i) => ({ partition: i % 4, value: `${i}` })),
  )
  await eventually(() => one.seen.length === 20, { what: '20 messages' })
  await one.leave()
})

test('group of three members keeps every message once', async () => {
  const topic = await newTopic(6)
  const groupId = unique('group')
  const members = await Promise.all([member(groupId, topic), member(groupId, topic), member(groupId, topic)])
  await eventually(() => members.every(one => one.owned().length === 2), { what: 'two partitions each' })
  await produce(
    topic,
    Array.from({ length: 60 }, (_, i) => ({ partition: i % 6, value: `${i}` })),
  )
  const all = () => members.flatMap(one => one.seen)
  await eventually(() => all().length >= 60, { what: '60 messages' })
  assert.equal(new Set(all()).size, 60)
  assert.equal(all().length, 60)
  await Promise.all(members.map(one => one.leave()))
})

test('group commit and fetch offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  await produce(topic, ['a', 'b', 'c'])
  const client = consumer({ groupId })
  const stream = await client.consume({ topics: [topic], mode: 'earliest', autocommit: false })
  const messages = await take(stream, 2)
  await messages[1].commit()
  assert.equal((await committed(groupId, topic)).committedOffset, 2n)
  await client.close(true)
})

test('group resumes from the committed offset', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  await produce(topic, ['a'])
  const one = await member(groupId, topic)
  await eventually(async () => (await committed(groupId, topic)).committedOffset === 1n, { what: 'the commit' })
  await one.leave()
  await produce(topic, ['b'])
  const [message] = await read(topic, 1, { client: consumer({ groupId }), mode: 'committed' })
  assert.equal(message.value, 'b')
})

test('group static member', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const one = await member(groupId, topic, { groupInstanceId: 'one' })
  const described = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
  assert.deepEqual(
    [...described.members.values()].map(each => each.groupInstanceId),
    ['one'],
  )
  await one.leave()
})

test('list groups', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const all = await admin.listGroups()
  assert.deepEqual(all.get(groupId), { id: groupId, state: 'STABLE', groupType: 'classic', protocolType: 'consumer' })
  assert.ok(!(await admin.listGroups({ states: ['EMPTY'] })).has(groupId))
  await one.leave()
})

test('describe groups', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
  assert.equal(group.state, 'STABLE')
  assert.equal(group.protocolType, 'consumer')
  const [described] = [...group.members.values()]
  assert.equal(described.clientId, 'compat-platformatic')
  assert.equal(described.clientHost, '/127.0.0.1')
  assert.deepEqual([...described.assignments.get(topic).partitions].sort(), [0, 1])
  await one.leave()
})

test('describe an unknown group', async () => {
  const groupId = unique('group')
  assert.equal((await admin.describeGroups({ groups: [groupId] })).get(groupId).state, 'DEAD')
})

test('find coordinator', async () => {
  const keys = [unique('a'), unique('b')]
  const found = await admin.findCoordinator({ keyType: 0, keys })
  assert.deepEqual(found.map(({ key, nodeId }) => [key, nodeId]).sort(), keys.map(key => [key, 1]).sort())
})

test('set offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  await admin.alterConsumerGroupOffsets({
    groupId,
    topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 17n }] }],
  })
  assert.equal((await committed(groupId, topic)).committedOffset, 17n)
})

test('fetch offsets of an unknown group', async () => {
  const topic = await newTopic()
  assert.equal((await committed(unique('group'), topic)).committedOffset, -1n)
})

test('delete offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  await admin.alterConsumerGroupOffsets({
    groupId,
    topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 17n }] }],
  })
  await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [0] }] })
  assert.equal((await committed(groupId, topic)).committedOffset, -1n)
})

test('delete groups', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await refused(admin.deleteGroups({ groups: [groupId] }), 'NON_EMPTY_GROUP')
  await one.leave()
  await admin.deleteGroups({ groups: [groupId] })
  await refused(admin.deleteGroups({ groups: [groupId] }), 'GROUP_ID_NOT_FOUND')
})

test('group remove members', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const { memberId } = one.client
  await admin.removeMembersFromConsumerGroup({ groupId, members: [{ memberId, reason: 'test' }] })
  const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
  assert.ok(!group.members.has(memberId)) // it may be back with a new id
  await one.leave()
})
