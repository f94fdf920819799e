// kafka-node against a broker: message sets of magic 0 and 1, ListOffsets 0, groups as of Kafka 0.9.
import { promisify } from 'node:util'
import { assert, eventually, rejects, runAll, test, unique } from '../lib/harness.mjs'
import { closeModern, consumeModern, newTopic, produceModern } from '../lib/modern.mjs'
import { closeAll, connect, kafkaNode, memberOf, read, send, values } from './client.mjs'

const numbered = (count, length = 0) => Array.from({ length: count }, (_, i) => `m${i}${'x'.repeat(length)}`)

test('connect', async () => {
  await connect()
})

for (const [name, old] of [
  ['', false],
  ['0.9: ', true],
]) {
  test(`${name}metadata`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode', 3)
    const [brokers, { metadata }] = await promisify(client.loadMetadataForTopics.bind(client))([topic])
    assert.equal(Object.keys(brokers).length, 1)
    assert.deepEqual(Object.keys(metadata[topic]), ['0', '1', '2'])
  })

  // To Kafka 0.9 it sends wrappers of magic 0 around messages of magic 1: see FINDINGS.md.
  const gzip = old ? 0 : 1
  for (const [codec, attributes] of Object.entries(old ? { none: 0 } : { none: 0, gzip })) {
    test(`${name}produce ${codec}`, async () => {
      const client = await connect({ old })
      const topic = await newTopic('kafkanode')
      const sent = numbered(200, 100)
      await send(client, topic, sent, { attributes })
      assert.deepEqual(values(await read(client, topic, 200)), sent)
      assert.deepEqual(await consumeModern(topic, 200), sent)
    })
  }

  for (const [acks, requireAcks] of [
    ['1', 1],
    ['all', -1],
  ]) {
    test(`${name}produce acks=${acks}`, async () => {
      const client = await connect({ old })
      const topic = await newTopic('kafkanode')
      const answer = await send(client, topic, ['one', 'two'], { requireAcks })
      assert.deepEqual(answer, { [topic]: { 0: 0 } })
      assert.deepEqual(values(await read(client, topic, 2)), ['one', 'two'])
    })
  }

  test(`${name}produce keys and tombstones`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode')
    const message = new kafkaNode.KeyedMessage('key', 'value')
    await send(client, topic, [message, new kafkaNode.KeyedMessage('gone', null)])
    const [first, second] = await read(client, topic, 2)
    assert.deepEqual([first.key, first.value, first.offset], ['key', 'value', 0])
    assert.deepEqual([second.key, second.value], ['gone', null])
  })

  test(`${name}beside new clients`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode')
    await produceModern(topic, ['new 0', 'new 1'])
    await send(client, topic, ['old 0', 'old 1'], { attributes: gzip })
    await produceModern(topic, ['new 2'], { gzip: true })
    await send(client, topic, ['old 2'])
    const expected = ['new 0', 'new 1', 'old 0', 'old 1', 'new 2', 'old 2']
    assert.deepEqual(values(await read(client, topic, 6)), expected)
    assert.deepEqual(await consumeModern(topic, 6), expected)
  })

  test(`${name}list offsets`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode')
    await send(client, topic, numbered(4))
    const offset = new kafkaNode.Offset(client)
    const fetch = time => promisify(offset.fetch.bind(offset))([{ topic, partition: 0, time, maxNum: 1 }])
    assert.deepEqual((await fetch(-1))[topic][0], [4])
    assert.deepEqual((await fetch(-2))[topic][0], [0])
    assert.deepEqual((await promisify(offset.fetchLatestOffsets.bind(offset))([topic]))[topic], { 0: 4 })
    assert.deepEqual((await promisify(offset.fetchEarliestOffsets.bind(offset))([topic]))[topic], { 0: 0 })
  })

  test(`${name}consume small fetches`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode')
    const sent = numbered(40, 1000)
    await send(client, topic, sent.slice(0, 20), { attributes: gzip })
    for (const message of sent.slice(20)) await send(client, topic, [message])
    const got = await read(client, topic, 40, { fetchMaxBytes: 30_000 })
    assert.deepEqual(values(got), sent)
  })

  test(`${name}commit and fetch offsets without a group`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode')
    await send(client, topic, ['a', 'b', 'c'])
    const offset = new kafkaNode.Offset(client)
    const group = unique('group')
    const fetch = promisify(offset.fetchCommits.bind(offset))
    await promisify(offset.commit.bind(offset))(group, [{ topic, partition: 0, offset: 2 }])
    assert.deepEqual((await fetch(group, [{ topic, partition: 0 }]))[topic], { 0: 2 })
  })

  test(`${name}group join`, async () => {
    const client = await connect({ old })
    const topic = await newTopic('kafkanode', 2)
    const group = unique('group')
    await send(client, topic, ['a', 'b'], { partition: 0 })
    await send(client, topic, ['c'], { partition: 1 })
    const member = memberOf(group, [topic])
    await eventually(() => member.messages.length === 3 || member.error, { what: 'three messages' })
    assert.equal(member.error, undefined)
    await member.close(true)
    await send(client, topic, ['d'], { partition: 1 })
    const next = memberOf(group, [topic])
    await eventually(() => next.messages.length > 0)
    assert.deepEqual(values(next.messages), ['d'])
    await next.close(false)
  })
}

test('consume from offset', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode')
  await send(client, topic, numbered(5), { attributes: 1 })
  assert.deepEqual(values(await read(client, topic, 2, { offset: 3 })), ['m3', 'm4'])
})

test('consume out of range', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode')
  await send(client, topic, ['a'])
  await rejects(read(client, topic, 1, { offset: 100 }), /OffsetOutOfRange/i)
})

test('consume timestamps', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode')
  const before = Date.now() - 1000
  await send(client, topic, ['a'])
  // The consumer without a group knows only Fetch 0.
  const member = memberOf(unique('group'), [topic])
  await eventually(() => member.messages.length === 1)
  const time = Number(member.messages[0].timestamp)
  assert.ok(time >= before && time <= Date.now() + 1000, `${time}`)
  await member.close(false)
})

test('produce too large a message', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode', 1, { 'max.message.bytes': '1000' })
  await rejects(send(client, topic, ['x'.repeat(2000)]), /MessageSizeTooLarge/)
})

test('auto-create topic on produce', async () => {
  const client = await connect()
  const topic = unique('kafkanode-auto')
  await promisify(client.refreshMetadata.bind(client))([topic])
  await eventually(async () => {
    await promisify(client.refreshMetadata.bind(client))([topic])
    return client.topicMetadata[topic]
  })
  await send(client, topic, ['x'])
  assert.deepEqual(values(await read(client, topic, 1)), ['x'])
})

test('group rebalance', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode', 2)
  const group = unique('group')
  const one = memberOf(group, [topic])
  await eventually(() => one.partitions() === 2)
  const two = memberOf(group, [topic])
  await eventually(() => one.partitions() === 1 && two.partitions() === 1, { what: 'one partition each' })
  await send(client, topic, ['a'], { partition: 0 })
  await send(client, topic, ['b'], { partition: 1 })
  await eventually(() => one.messages.length === 1 && two.messages.length === 1)
  await two.close(true)
  await eventually(() => one.partitions() === 2, { what: 'both partitions back' })
  await one.close(true)
})

test('list groups', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode')
  const group = unique('group')
  const member = memberOf(group, [topic])
  await eventually(() => member.partitions() === 1)
  const admin = new kafkaNode.Admin(client)
  assert.equal((await promisify(admin.listGroups.bind(admin))())[group], 'consumer')
  const described = (await promisify(admin.describeGroups.bind(admin))([group]))[group]
  assert.deepEqual([described.state, described.members.length], ['Stable', 1])
  await member.close(false)
})

test('create topic', async () => {
  const client = await connect()
  const admin = new kafkaNode.Admin(client)
  const topic = unique('kafkanode')
  const create = promisify(admin.createTopics.bind(admin))
  assert.deepEqual(await create([{ topic, partitions: 2, replicationFactor: 1 }]), [])
  const [{ error }] = await create([{ topic, partitions: 2, replicationFactor: 1 }])
  assert.match(error, /exists/)
})

test('describe topic configs', async () => {
  const client = await connect()
  const topic = await newTopic('kafkanode', 1, { 'retention.ms': '12345' })
  const admin = new kafkaNode.Admin(client)
  const resource = { resourceType: admin.RESOURCE_TYPES.topic, resourceName: topic, configNames: ['retention.ms'] }
  const [{ configEntries }] = await promisify(admin.describeConfigs.bind(admin))({ resources: [resource] })
  assert.equal(configEntries[0].configValue, '12345')
})

await runAll(async () => {
  await closeModern()
  await closeAll()
}, 3)
