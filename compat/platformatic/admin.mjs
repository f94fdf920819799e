import { assert, eventually, rejects, test, unique } from '../lib/harness.mjs'
import { admin, newTopic, produce, ready, refused } from './client.mjs'

const resource = (resourceName, resourceType = 2) => ({ resourceName, resourceType })

async function configsOf(name, type, options = {}) {
  const [{ configs }] = await admin.describeConfigs({
    resources: [{ ...resource(name, type), configurationKeys: null }],
    ...options,
  })
  return new Map(configs.map(config => [config.name, config]))
}

test('connect', async () => {
  const apis = await admin.listApis()
  assert.ok(apis.length > 30)
})

test('metadata', async () => {
  const topic = await newTopic(3)
  const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
  assert.equal(metadata.brokers.size, 1)
  assert.equal(metadata.controllerId, 1)
  const { partitions } = metadata.topics.get(topic)
  assert.deepEqual(
    partitions.map(({ leader, leaderEpoch, isr }) => [leader, leaderEpoch, isr]),
    Array(3).fill([1, 0, [1]]),
  )
})

test('metadata of an unknown topic', () =>
  rejects(admin.metadata({ topics: [unique('none')], autocreateTopics: false }), /Unknown topic/))

test('create topic', async () => {
  const name = unique('platformatic')
  const [made] = await admin.createTopics({
    topics: [name],
    partitions: 2,
    replicas: 1,
    configs: [{ name: 'retention.ms', value: '12345' }],
  })
  assert.deepEqual([made.name, made.partitions, made.replicas], [name, 2, 1])
  assert.match(made.id, /^[0-9a-f-]{36}$/)
  await ready(name)
  assert.equal((await configsOf(name)).get('retention.ms').value, '12345')
  assert.ok((await admin.listTopics()).includes(name))
})

test('create topic with defaults', async () => {
  const [made] = await admin.createTopics({ topics: [unique('platformatic')], partitions: -1, replicas: -1 })
  assert.deepEqual([made.partitions, made.replicas], [1, 1])
})

test('create topic with assigned replicas', async () => {
  const assignments = [0, 1].map(partition => ({ partition, brokers: [1] }))
  const [made] = await admin.createTopics({
    topics: [unique('platformatic')],
    partitions: -1,
    replicas: -1,
    assignments,
  })
  assert.equal(made.partitions, 2)
})

test('create topic errors', async () => {
  const topic = await newTopic()
  const create = options => admin.createTopics({ topics: [unique('x')], partitions: 1, replicas: 1, ...options })
  await refused(create({ topics: [topic] }), 'TOPIC_ALREADY_EXISTS')
  await refused(create({ topics: ['bad name'] }), 'INVALID_TOPIC_EXCEPTION')
  await refused(create({ replicas: 3 }), 'INVALID_REPLICATION_FACTOR')
  await refused(create({ configs: [{ name: 'retention.ms', value: 'soon' }] }), 'INVALID_CONFIG')
})

test('delete topic', async () => {
  const topic = await newTopic()
  await admin.deleteTopics({ topics: [topic] })
  await refused(admin.deleteTopics({ topics: [topic] }), 'UNKNOWN_TOPIC_OR_PARTITION')
})

test('create partitions', async () => {
  const topic = await newTopic()
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] })
  await eventually(
    async () => (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount === 3,
  )
  await refused(
    admin.createPartitions({ topics: [{ name: topic, count: 2, assignments: null }] }),
    'INVALID_PARTITIONS',
  )
})

test('delete records', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b', 'c'])
  const remove = offset => admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] })
  const [deleted] = await remove(2n)
  assert.equal(deleted.partitions[0].lowWatermark, 2n)
  await refused(remove(99n), 'OFFSET_OUT_OF_RANGE')
})

test('list offsets by admin', async () => {
  const topic = await newTopic()
  await produce(topic, ['a', 'b'])
  const ask = async timestamp =>
    (await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }] }))[0]
      .partitions[0]
  assert.equal((await ask(-1n)).offset, 2n)
  assert.equal((await ask(-2n)).offset, 0n)
  assert.equal((await ask(-1n)).leaderEpoch, 0)
})

test('describe topic configs', async () => {
  const topic = await newTopic(1, { 'segment.bytes': '2000000' })
  const configs = await configsOf(topic, 2, { includeSynonyms: true, includeDocumentation: true })
  assert.ok(configs.size >= 30)
  const { value, configSource, synonyms, configType, documentation } = configs.get('segment.bytes')
  assert.deepEqual([value, configSource, configType], ['2000000', 1, 3])
  assert.deepEqual(
    synonyms.map(synonym => synonym.name),
    ['segment.bytes', 'log.segment.bytes'],
  )
  assert.ok(documentation.length > 20)
  assert.equal(configs.get('retention.ms').configSource, 5)
})

test('describe broker configs', async () => {
  const configs = await configsOf('1', 4)
  assert.ok(configs.size > 150)
  assert.equal(configs.get('node.id').value, '1')
})

test('alter configs', async () => {
  const topic = await newTopic()
  await admin.alterConfigs({ resources: [{ ...resource(topic), configs: [{ name: 'retention.ms', value: '77' }] }] })
  await eventually(async () => (await configsOf(topic)).get('retention.ms').value === '77')
})

test('incremental alter configs', async () => {
  const topic = await newTopic()
  const alter = (name, configOperation, value) =>
    admin.incrementalAlterConfigs({ resources: [{ ...resource(topic), configs: [{ name, configOperation, value }] }] })
  const becomes = (name, value) =>
    eventually(async () => (await configsOf(topic)).get(name).value === value, { what: value })
  await alter('retention.ms', 0, '77')
  await becomes('retention.ms', '77')
  await alter('retention.ms', 1)
  await becomes('retention.ms', '604800000')
  await alter('cleanup.policy', 2, 'compact')
  await becomes('cleanup.policy', 'delete,compact')
  await alter('cleanup.policy', 3, 'delete')
  await becomes('cleanup.policy', 'compact')
  await refused(alter('retention.ms', 0, 'soon'), 'INVALID_CONFIG')
})

test('describe log dirs', async () => {
  const topic = await newTopic()
  await produce(topic, ['x'])
  const [{ broker, results }] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
  assert.equal(broker, 1)
  assert.equal(results[0].topics[0].name, topic)
  assert.ok(results[0].topics[0].partitions[0].partitionSize > 0n)
})

test('describe client quotas', async () => {
  const components = [{ entityType: 'client-id', matchType: 2, match: null }]
  assert.deepEqual(await admin.describeClientQuotas({ components }), [])
})

test('describe acls with security disabled', async () => {
  const filter = {
    resourceType: 1,
    resourceName: null,
    resourcePatternType: 1,
    principal: null,
    host: null,
    operation: 1,
    permissionType: 1,
  }
  await refused(admin.describeAcls({ filter }), 'SECURITY_DISABLED')
})
