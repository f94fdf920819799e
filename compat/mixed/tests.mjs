// An Ottla broker (node 2) among brokers of Apache Kafka, under a controller of Apache Kafka. See README.md.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { alterClientQuotas, alterUserScramCredentials } from '../../dist/protocol/index.js'
import { act, inSync, led, nodes, partitionsWhen } from '../cluster/nodes.mjs'
import { at, closeTools, jsonFile, ok } from '../cluster/tools.mjs'
import { javaProducer, leaderOf, newTopic, read } from '../cluster/workloads.mjs'
import { assert, bootstrap, eventually, runAll, test, unique } from '../lib/harness.mjs'
import { ask, brokersUp, partitionsOf, quorumOf } from '../lib/wire.mjs'

const [apache, ottla, other] = [1, 2, 3]
const addressOf = id => nodes.find(node => node.id === id).bootstrap
const toOttla = ['--bootstrap-server', addressOf(ottla)]
const limits = { needsControl: true, timeoutMs: 90_000 }
const check = (name, run, timeoutMs = limits.timeoutMs) => test(name, run, { needsControl: true, timeoutMs })

const fill = (topic, records = 3000) =>
  ok(
    'ProducerPerformance',
    ...['--topic', topic, '--num-records', records, '--record-size', 200, '--throughput', -1, ...at],
    ...['--command-property', 'acks=all', 'compression.type=lz4'],
  )

/** The segment of partition 0 is the same, byte for byte, on these brokers. */
async function sameBytes(topic, ids) {
  const files = ids.map(id => join(nodes.find(node => node.id === id).dataDir, `${topic}-0`, `${'0'.repeat(20)}.log`))
  const sums = () =>
    files.map(file => existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex'))
  await eventually(() => sums()[0] && new Set(sums()).size === 1, { what: `the same bytes in ${files}` })
}

/** Moves partitions to these replicas, the leader first, and waits until that is done. */
async function move(topic, replicas) {
  const count = (await partitionsOf(bootstrap, topic)).length
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition, replicas }))
  const plan = jsonFile(`${topic}-${replicas.join('-')}.json`, { version: 1, partitions })
  await ok('reassign.ReassignPartitionsCommand', ...at, '--reassignment-json-file', plan, '--execute', '--additional')
  await partitionsWhen(
    topic,
    `replicas ${replicas}`,
    each => String(each.replicas) === String(replicas) && each.isr.length === replicas.length,
    40_000,
  )
  await prefer(topic)
  await partitionsWhen(topic, `leader ${replicas[0]}`, each => each.leader === replicas[0])
}

async function prefer(topic) {
  const count = (await partitionsOf(bootstrap, topic)).length
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  const file = jsonFile(`${topic}-prefer.json`, { partitions })
  await ok('LeaderElectionCommand', ...at, '--election-type', 'preferred', '--path-to-json-file', file)
}

check('registers with a controller of Apache Kafka', async () => {
  for (const { bootstrap: address } of nodes) assert.deepEqual(await brokersUp(address), [apache, ottla, other])
  const { observers } = await quorumOf(addressOf(apache))
  assert.ok(
    observers.some(({ replicaId }) => replicaId === ottla),
    'an observer of the metadata log',
  )
})

check('follows a leader of Apache Kafka', async () => {
  const topic = await newTopic([apache, ottla])
  await fill(topic)
  await sameBytes(topic, [apache, ottla])
})

check('leads a follower of Apache Kafka', async () => {
  const topic = await newTopic([ottla, other])
  await fill(topic)
  assert.equal(await leaderOf(topic), ottla)
  await sameBytes(topic, [ottla, other])
})

check('administration through the Ottla broker is forwarded', async () => {
  const topic = unique('forwarded')
  await ok('TopicCommand', ...toOttla, '--create', '--topic', topic, '--partitions', 3, '--replication-factor', 3)
  await inSync(topic)
  const entity = ['--entity-type', 'topics', '--entity-name', topic]
  await ok('kafka.admin.ConfigCommand', ...toOttla, ...entity, '--alter', '--add-config', 'retention.ms=600000')
  const described = () => ok('kafka.admin.ConfigCommand', ...at, ...entity, '--describe')
  await eventually(async () => (await described()).includes('retention.ms=600000'), { what: 'the setting' })
  const status = await ok('MetadataQuorumCommand', ...toOttla, 'describe', '--status')
  assert.match(status, /LeaderId:\s+1\b/)
  assert.ok((await ok('FeatureCommand', ...toOttla, 'describe')).includes('metadata.version'))
  await ok('TopicCommand', ...toOttla, '--delete', '--topic', topic)
  await eventually(async () => (await partitionsOf(addressOf(apache), topic)) === null, { what: 'the topic to go' })
})

check('takes over from a broker of Apache Kafka and gives back', async () => {
  const topic = await newTopic([other, ottla])
  await ok(
    'kafka.admin.ConfigCommand',
    ...at,
    ...['--entity-type', 'topics', '--entity-name', topic, '--alter', '--add-config', 'min.insync.replicas=1'],
  )
  const producer = javaProducer(topic, 6000)
  await eventually(producer.isUnderWay, { what: 'the first records' })
  await act('stop', other)
  try {
    await partitionsWhen(topic, 'Ottla as its leader', ({ leader }) => leader === ottla)
  } finally {
    await act('start', other)
  }
  await inSync(topic)
  await prefer(topic)
  await partitionsWhen(topic, 'Apache Kafka as its leader', ({ leader }) => leader === other)
  const acked = await producer.finished()
  assert.deepEqual(await read(topic), acked)
  await sameBytes(topic, [other, ottla])
})

check(
  'a broker of Apache Kafka takes over from Ottla and gives back',
  async () => {
    for (const action of ['stop', 'kill']) {
      const topic = await newTopic([ottla, other], { minInSync: 1 })
      const producer = javaProducer(topic, 4000)
      await eventually(producer.isUnderWay, { what: 'the first records' })
      await act(action, ottla)
      try {
        await partitionsWhen(topic, 'Apache Kafka as its leader', ({ leader }) => leader === other)
      } finally {
        await act('start', ottla)
      }
      await inSync(topic)
      await prefer(topic)
      await partitionsWhen(topic, 'Ottla as its leader', ({ leader }) => leader === ottla)
      const acked = await producer.finished()
      assert.deepEqual(await read(topic), acked, action)
    }
  },
  120_000,
)

check(
  'a topic moves from Apache Kafka to Ottla and back under load',
  async () => {
    const topic = await newTopic([apache, other])
    await fill(topic, 20)
    const before = await read(topic)
    const producer = javaProducer(topic, 12_000, 400)
    await eventually(producer.isUnderWay, { what: 'the first records' })
    await move(topic, [other, ottla])
    await move(topic, [ottla, other])
    await move(topic, [ottla, apache])
    await move(topic, [apache, other])
    const acked = await producer.finished()
    assert.deepEqual(await read(topic), [...before, ...acked])
    await sameBytes(topic, [apache, other])
  },
  120_000,
)

check(
  'groups move between coordinators of Apache Kafka and Ottla',
  async () => {
    const topic = await newTopic([apache, other])
    const groupId = unique('group')
    const kafka = new Kafka({
      brokers: bootstrap.split(','),
      logLevel: logLevel.NOTHING,
      retry: { retries: 60, initialRetryTime: 50, maxRetryTime: 500 },
    })
    const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500 })
    const producer = kafka.producer()
    const admin = kafka.admin()
    await Promise.all([consumer.connect(), producer.connect(), admin.connect()])
    await consumer.subscribe({ topic, fromBeginning: true })
    const seen = []
    await consumer.run({
      autoCommitInterval: 100,
      eachMessage: async ({ message }) => seen.push(String(message.value)),
    })
    const send = (from, count) =>
      producer.send({ topic, acks: -1, messages: Array.from({ length: count }, (_, i) => ({ value: `m${from + i}` })) })
    const committed = async () => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions[0].offset
    try {
      let sent = 0
      await led('__consumer_offsets')
      for (const coordinator of [ottla, apache, ottla]) {
        await move('__consumer_offsets', [coordinator, ...[apache, ottla].filter(id => id !== coordinator)])
        const describe = ['--describe', '--group', groupId, '--state']
        const state = () => ok('consumer.group.ConsumerGroupCommand', ...at, ...describe)
        await eventually(async () => (await state()).includes(`(${coordinator})`), {
          what: `node ${coordinator} to coordinate the group`,
        })
        await send(sent, 50)
        sent += 50
        await eventually(() => seen.includes(`m${sent - 1}`), { timeoutMs: 30_000, what: 'the records' })
        await eventually(async () => (await committed()) === String(sent), { timeoutMs: 30_000, what: 'the commit' })
      }
    } finally {
      await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
    }
    assert.deepEqual(
      [...new Set(seen)],
      Array.from({ length: 150 }, (_, i) => `m${i}`),
    )
  },
  120_000,
)

check('records of every kind in the metadata log', async () => {
  // Ottla does not serve these two itself, and a client could choose it for them.
  const toApache = (api, request) => ask(addressOf(apache), api, api.versions.high, request)
  const user = unique('user')
  const credential = {
    name: user,
    mechanism: 1,
    iterations: 4096,
    salt: Buffer.alloc(16),
    saltedPassword: Buffer.alloc(32),
  }
  const upserted = await toApache(alterUserScramCredentials, { deletions: [], upsertions: [credential] })
  assert.equal(upserted.results[0].errorCode, 0)
  const quota = (entityType, entityName, key, value, remove = false) =>
    toApache(alterClientQuotas, {
      entries: [{ entity: [{ entityType, entityName }], ops: [{ key, value, remove }] }],
      validateOnly: false,
    })
  assert.equal((await quota('user', user, 'producer_byte_rate', 1_000_000)).entries[0].errorCode, 0)
  assert.equal((await quota('client-id', null, 'request_percentage', 200)).entries[0].errorCode, 0)
  const defaults = ['--entity-type', 'brokers', '--entity-default', '--alter', '--add-config', 'log.cleaner.threads=2']
  await ok('kafka.admin.ConfigCommand', ...at, ...defaults)
  const topic = await newTopic([ottla, apache])
  await fill(topic, 10)
  await act('stop', ottla)
  await toApache(alterUserScramCredentials, { deletions: [{ name: user, mechanism: 1 }], upsertions: [] })
  await quota('user', user, 'producer_byte_rate', 0, true)
  await act('start', ottla)
  await inSync(topic)
  const quotas = await ok(
    'kafka.admin.ConfigCommand',
    ...toOttla,
    '--entity-type',
    'clients',
    '--entity-default',
    '--describe',
  )
  assert.ok(quotas.includes('request_percentage=200'), quotas)
  await fill(topic, 10)
})

check('a broker without metadata begins with a snapshot of Apache Kafka', async () => {
  const topic = await newTopic([apache, ottla], { partitions: 50 })
  const { dataDir } = nodes.find(({ id }) => id === ottla)
  const snapshots = () =>
    readdirSync(join(nodes[0].dataDir, '__cluster_metadata-0')).filter(name => /^0+[1-9].*checkpoint$/.test(name))
  await eventually(() => snapshots().length > 0, { what: 'a snapshot of the controller' })
  await act('stop', ottla)
  rmSync(join(dataDir, '__cluster_metadata-0'), { recursive: true })
  await act('start', ottla)
  const fetched = readdirSync(join(dataDir, '__cluster_metadata-0'))
  assert.ok(
    fetched.some(name => snapshots().includes(name)),
    `a snapshot was fetched: ${fetched}`,
  )
  await inSync(topic)
  await fill(topic, 100)
})

check('the controller restarts', async () => {
  const topic = await newTopic([ottla, other], { minInSync: 1 })
  const producer = javaProducer(topic, 4000)
  await eventually(producer.isUnderWay, { what: 'the first records' })
  await act('kill', apache)
  await act('start', apache)
  assert.deepEqual(await read(topic).then(() => producer.finished()), await read(topic))
  const later = await newTopic([apache, ottla])
  await fill(later, 100)
  await sameBytes(later, [apache, ottla])
})

await runAll(closeTools)
