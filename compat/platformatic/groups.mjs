import { assert, eventually, test, unique } from '../lib/harness.mjs'
import { admin, consumer, newTopic, send } from './client.mjs'

/** Starts a member of a group; `.assigned()` is what it has of `topic`. */
async function member(groupId, topic, options = {}) {
  const client = consumer({ groupId, ...options })
  const state = { client, seen: 0 }
  state.stream = await client.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
  })
  state.stream.on('error', error => console.error(error))
  state.stream.on('data', () => state.seen++)
  state.assigned = () => client.assignments?.find(each => each.topic === topic)?.partitions ?? []
  state.stop = async () => {
    await state.stream.close()
    await client.close(true)
  }
  return state
}

test('group join', async () => {
  const one = await member(unique('group'), await newTopic(3))
  await eventually(() => one.assigned().length === 3)
  await one.stop()
})

test('group rebalance', async () => {
  const topic = await newTopic(4)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await eventually(() => one.assigned().length === 4, { what: 'four partitions' })
  const two = await member(groupId, topic)
  await eventually(() => one.assigned().length === 2 && two.assigned().length === 2, { what: 'two and two' })
  assert.deepEqual([...one.assigned(), ...two.assigned()].sort(), [0, 1, 2, 3])
  await two.stop()
  await eventually(() => one.assigned().length === 4, { what: 'four partitions again' })
  await send(
    topic,
    Array.from({ length: 20 }, (_, i) => ({ value: 'x', partition: i % 4 })),
  )
  await eventually(() => one.seen === 20, { what: '20 messages' })
  await one.stop()
})

test('group commit and fetch offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await eventually(() => one.assigned().length === 1)
  await one.client.commit({ offsets: [{ topic, partition: 0, offset: 17n, leaderEpoch: 0 }] })
  const found = await one.client.listCommittedOffsets({ topics: [{ topic, partitions: [0] }] })
  assert.deepEqual(found.get(topic), [17n])
  const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  assert.equal(group.topics[0].partitions[0].committedOffset, 17n)
  await one.stop()
})

test('fetch offsets of an unknown group', async () => {
  const topic = await newTopic()
  const groups = [{ groupId: unique('group'), topics: [{ name: topic, partitionIndexes: [0] }] }]
  const [group] = await admin.listConsumerGroupOffsets({ groups })
  assert.equal(group.topics[0].partitions[0].committedOffset, -1n)
})

test('list groups', async () => {
  const groupId = unique('group')
  const one = await member(groupId, await newTopic())
  await eventually(() => one.assigned().length === 1)
  const group = (await admin.listGroups()).get(groupId)
  assert.equal(group.state, 'STABLE')
  assert.equal(group.protocolType, 'consumer')
  await one.stop()
})

test('describe groups', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await eventually(() => one.assigned().length === 2)
  const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
  assert.equal(group.state, 'STABLE')
  assert.equal(group.members.size, 1)
  const [found] = group.members.values()
  assert.equal(found.clientHost, '/127.0.0.1')
  assert.deepEqual(found.assignments.get(topic).partitions, [0, 1])
  await one.stop()
})

test('delete groups', async () => {
  const groupId = unique('group')
  const one = await member(groupId, await newTopic())
  await eventually(() => one.assigned().length === 1)
  await one.stop()
  await eventually(async () => (await admin.listGroups()).get(groupId)?.state !== 'STABLE')
  await admin.deleteGroups({ groups: [groupId] })
  assert.equal((await admin.listGroups()).has(groupId), false)
})

test('set offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset: 5n }] }]
  await admin.alterConsumerGroupOffsets({ groupId, topics })
  const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  assert.equal(group.topics[0].partitions[0].committedOffset, 5n)
})

test('delete offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset: 5n }] }]
  await admin.alterConsumerGroupOffsets({ groupId, topics })
  await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [0] }] })
  const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  assert.deepEqual(group.topics, [])
})
