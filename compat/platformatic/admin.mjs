import { assert, eventually, rejects, test, unique } from '../lib/harness.mjs'
import { admin, consumer, library, newTopic, send } from './client.mjs'

const TOPIC = library.ConfigResourceTypes.TOPIC
const BROKER = library.ConfigResourceTypes.BROKER

/** The text of an error with all its causes. */
function text(error) {
  const parts = [error.message, error.code, error.apiId, error.apiCode]
  for (const inner of error.errors ?? []) parts.push(text(inner))
  if (error.cause) parts.push(text(error.cause))
  return parts.join(' ')
}

const fails = async (promise, pattern) => assert.match(text(await rejects(promise)), pattern)

test('connect', async () => {
  await admin.listTopics()
})

test('metadata', async () => {
  const topic = await newTopic(3)
  const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
  assert.equal(metadata.topics.get(topic).partitionsCount, 3)
  assert.equal(metadata.brokers.size, 1)
  assert.ok((await admin.listTopics()).includes(topic))
})

test('create topic', async () => {
  const topic = unique('platformatic')
  const [created] = await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 })
  assert.equal(created.name, topic)
  assert.equal(created.partitions, 2)
  await fails(admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }), /TOPIC_ALREADY_EXISTS/)
})

test('create topic errors', async () => {
  await fails(admin.createTopics({ topics: ['bad name!'], partitions: 1, replicas: 1 }), /INVALID_TOPIC_EXCEPTION/)
  const configs = [{ name: 'no.such.key', value: '1' }]
  await fails(admin.createTopics({ topics: [unique('t')], partitions: 1, replicas: 1, configs }), /INVALID_CONFIG/)
})

test('delete topic', async () => {
  const topic = await newTopic()
  await admin.deleteTopics({ topics: [topic] })
  await eventually(async () => !(await admin.listTopics()).includes(topic))
})

test('create partitions', async () => {
  const topic = await newTopic()
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] })
  await eventually(async () => {
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
    return metadata.topics.get(topic).partitionsCount === 3
  })
})

const describe = async (resourceType, resourceName) => {
  const resources = [{ resourceType, resourceName, configurationKeys: null }]
  const [{ configs }] = await admin.describeConfigs({ resources, includeSynonyms: true, includeDocumentation: true })
  return new Map(configs.map(config => [config.name, config]))
}

test('describe topic configs', async () => {
  const found = await describe(TOPIC, await newTopic(1, [{ name: 'retention.ms', value: '4242' }]))
  assert.equal(found.get('retention.ms').value, '4242')
  assert.equal(found.get('cleanup.policy').value, 'delete')
})

test('describe broker configs', async () => {
  const [id] = (await admin.metadata({ topics: [] })).brokers.keys()
  const found = await describe(BROKER, String(id))
  assert.equal(found.get('log.segment.bytes').value, '1073741824')
})

test('incremental alter configs', async () => {
  const topic = await newTopic()
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '77' }]
  const resources = [{ resourceType: TOPIC, resourceName: topic, configs }]
  await admin.incrementalAlterConfigs({ resources })
  await eventually(async () => (await describe(TOPIC, topic)).get('retention.ms').value === '77')
})

test('alter configs', async () => {
  const topic = await newTopic()
  const configs = [{ name: 'max.message.bytes', value: '4242' }]
  await admin.alterConfigs({ resources: [{ resourceType: TOPIC, resourceName: topic, configs }] })
  await eventually(async () => (await describe(TOPIC, topic)).get('max.message.bytes').value === '4242')
})

test('delete records', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'a' }, { value: 'b' }, { value: 'c' }])
  const answer = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }] })
  assert.equal(answer[0].partitions[0].lowWatermark, 2n)
})

test('describe log dirs', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'x'.repeat(500) }])
  const [broker] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
  assert.ok(broker.results[0].topics[0].partitions[0].partitionSize > 500n)
})

test('describe client quotas', async () => {
  const components = [{ entityType: 'client-id', matchType: 2, match: null }]
  assert.deepEqual(await admin.describeClientQuotas({ components }), [])
})

test('find coordinator', async () => {
  const [found] = await admin.findCoordinator({ keyType: 0, keys: [unique('group')] })
  assert.equal(found.host, '127.0.0.1')
  const client = consumer()
  assert.equal(await client.findGroupCoordinator(), found.nodeId)
  await client.close(true)
})
