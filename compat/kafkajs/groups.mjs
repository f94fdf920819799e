import { assert, deferred, eventually, rejects, test, unique } from '../lib/harness.mjs'
import { consume, consumer, kafkajs, newTopic, theAdmin, theProducer } from './client.mjs'

/** Starts a member that keeps its latest assignment of `topic` in `.assignment`. */
async function member(groupId, topic, options = {}) {
  const client = consumer({ groupId, sessionTimeout: 10_000, rebalanceTimeout: 10_000, ...options })
  const joined = deferred()
  const state = { client, assignment: [], joins: 0, joined: joined.promise, seen: 0 }
  client.on(client.events.GROUP_JOIN, ({ payload }) => {
    state.assignment = payload.memberAssignment[topic] ?? []
    state.memberId = payload.memberId
    state.joins++
    joined.resolve()
  })
  const fetched = deferred()
  state.fetched = fetched.promise
  client.on(client.events.FETCH, () => fetched.resolve())
  client.on(client.events.CRASH, ({ payload }) => payload.restart || joined.reject(payload.error))
  await client.connect()
  await client.subscribe({ topics: [topic], fromBeginning: true })
  await client.run({ eachMessage: async () => void state.seen++ })
  await state.joined
  return state
}

test('group join', async () => {
  const topic = await newTopic(3)
  const one = await member(unique('group'), topic)
  assert.deepEqual([...one.assignment].sort(), [0, 1, 2])
  await one.client.disconnect()
})

test('group rebalance', async () => {
  const topic = await newTopic(4)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const two = await member(groupId, topic)
  await eventually(() => one.assignment.length === 2 && two.assignment.length === 2, { what: 'two and two partitions' })
  assert.deepEqual([...one.assignment, ...two.assignment].sort(), [0, 1, 2, 3])
  await two.client.disconnect()
  await eventually(() => one.assignment.length === 4, { what: 'all partitions back' })
  const messages = Array.from({ length: 20 }, (_, i) => ({ value: 'x', partition: i % 4 }))
  await (await theProducer()).send({ topic, messages })
  await eventually(() => one.seen === 20, { what: '20 messages' })
  await one.client.disconnect()
})

test('group of three members keeps every message once', async () => {
  const topic = await newTopic(6)
  const groupId = unique('group')
  const members = [await member(groupId, topic)]
  members.push(...(await Promise.all([member(groupId, topic), member(groupId, topic)])))
  await eventually(() => members.every(one => one.assignment.length === 2), { what: 'two partitions each' })
  const messages = Array.from({ length: 60 }, (_, i) => ({ value: 'x', partition: i % 6 }))
  await (await theProducer()).send({ topic, messages })
  await eventually(() => members.reduce((sum, one) => sum + one.seen, 0) === 60, { what: '60 messages' })
  await Promise.all(members.map(one => one.client.disconnect()))
})

test('group commit and fetch offsets', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const messages = Array.from({ length: 10 }, (_, i) => ({ value: 'x', partition: i % 2 }))
  await (await theProducer()).send({ topic, messages })
  assert.equal((await consume(topic, 10, { groupId })).length, 10)
  const [{ partitions }] = await (await theAdmin()).fetchOffsets({ groupId, topics: [topic] })
  assert.deepEqual(partitions.map(({ offset }) => offset).sort(), ['5', '5'])
})

test('group commit with metadata', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  await one.fetched // kafkajs commits offset -2 of its own before its first fetch
  await one.client.commitOffsets([{ topic, partition: 0, offset: '17', metadata: 'note é' }])
  const [{ partitions }] = await (await theAdmin()).fetchOffsets({ groupId, topics: [topic] })
  assert.deepEqual(partitions, [{ partition: 0, offset: '17', metadata: 'note é' }])
  await one.client.disconnect()
})

test('group resumes from the committed offset', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const send = async value => (await theProducer()).send({ topic, messages: [{ value }] })
  await send('a')
  await consume(topic, 1, { groupId })
  await send('b')
  const [message] = await consume(topic, 1, { groupId })
  assert.equal(message.value.toString(), 'b')
})

test('fetch offsets of an unknown group', async () => {
  const topic = await newTopic()
  const [{ partitions }] = await (await theAdmin()).fetchOffsets({ groupId: unique('group'), topics: [topic] })
  assert.equal(partitions[0].offset, '-1')
})

test('list groups', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const { groups } = await (await theAdmin()).listGroups()
  assert.ok(groups.some(group => group.groupId === groupId && group.protocolType === 'consumer'))
  await one.client.disconnect()
})

test('describe groups', async () => {
  const topic = await newTopic(2)
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const { groups } = await (await theAdmin()).describeGroups([groupId])
  const [group] = groups
  assert.equal(group.errorCode, 0)
  assert.equal(group.state, 'Stable')
  assert.equal(group.protocol, 'RoundRobinAssigner')
  assert.equal(group.members.length, 1)
  assert.equal(group.members[0].clientId, 'compat-kafkajs')
  assert.equal(group.members[0].memberId, one.memberId)
  assert.match(group.members[0].clientHost, /^\/127\.0\.0\.1$/)
  const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(group.members[0].memberAssignment)
  assert.deepEqual(decoded.assignment[topic], [0, 1])
  await one.client.disconnect()
})

test('describe an unknown group', async () => {
  const { groups } = await (await theAdmin()).describeGroups([unique('group')])
  assert.equal(groups[0].state, 'Dead')
})

test('delete groups', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const admin = await theAdmin()
  const one = await member(groupId, topic)
  await rejects(admin.deleteGroups([groupId]), error => error.groups[0].error.type === 'NON_EMPTY_GROUP')
  await one.client.disconnect()
  const [answer] = await admin.deleteGroups([groupId])
  assert.equal(answer.errorCode, 0)
  await rejects(admin.deleteGroups([groupId]), error => error.groups[0].error.type === 'GROUP_ID_NOT_FOUND')
})

// kafkajs pauses a consumer of its own for this and waits 10 s, whatever the broker does; resetOffsets is the same code.
test('set offsets', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const admin = await theAdmin()
  await (await theProducer()).send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] })
  const [set] = await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true })
  assert.equal(set.partitions[0].offset, '1')
})

test('group protocol mismatch', async () => {
  const topic = await newTopic()
  const groupId = unique('group')
  const one = await member(groupId, topic)
  const odd = () => ({
    name: 'odd',
    version: 0,
    assign: async () => [],
    protocol: () => ({ name: 'odd', metadata: Buffer.alloc(0) }),
  })
  const two = member(groupId, topic, { partitionAssigners: [odd], retry: { retries: 0 } })
  await rejects(two, /INCONSISTENT_GROUP_PROTOCOL/)
  await one.client.disconnect()
})
