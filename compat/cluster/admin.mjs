// Apache's administrative tools against three brokers.
import { Kafka, logLevel } from 'kafkajs'
import { assert, bootstrap, eventually, rejects, test, unique } from '../lib/harness.mjs'
import { partitionsOf, quorumOf } from '../lib/wire.mjs'
import { act, brokerIds, controlled, controllers, inSync, led, nodes, partitionsWhen, without } from './nodes.mjs'
import { at, jsonFile, ok, refused, started, tool } from './tools.mjs'

const [first, second, third] = brokerIds
const includes = (text, ...parts) => {
  for (const part of parts) assert.ok(text.includes(part), `no '${part}' in: ${text}`)
}

/** A topic with all replicas in sync. */
async function newTopic(args = ['--partitions', 3, '--replication-factor', 3]) {
  const topic = unique('cluster')
  await ok('TopicCommand', ...at, '--create', '--topic', topic, ...args)
  await inSync(topic)
  return topic
}

const fill = (topic, records = 2000, size = 200) =>
  ok(
    'ProducerPerformance',
    ...['--topic', topic, '--num-records', records, '--record-size', size, '--throughput', -1],
    ...['--bootstrap-server', bootstrap, '--command-property', 'acks=all'],
  )

const describe = (...args) => ok('TopicCommand', ...at, '--describe', ...args)

test('topics with three replicas', async () => {
  const topic = await newTopic(['--partitions', 6, '--replication-factor', 3, '--config', 'min.insync.replicas=2'])
  const text = await describe('--topic', topic)
  includes(text, 'PartitionCount: 6', 'ReplicationFactor: 3', 'min.insync.replicas=2')
  const partitions = await partitionsOf(bootstrap, topic)
  for (const id of brokerIds) {
    assert.equal(partitions.filter(({ leader }) => leader === id).length, 2, 'leaders are spread')
    assert.equal(partitions.filter(({ replicas }) => replicas.includes(id)).length, 6)
  }
  for (const option of ['under-replicated', 'under-min-isr', 'at-min-isr', 'unavailable']) {
    assert.equal((await describe('--topic', topic, `--${option}-partitions`)).trim(), '', option)
  }
  await ok('TopicCommand', ...at, '--alter', '--topic', topic, '--partitions', 9)
  await partitionsWhen(topic, 'all replicas in sync', each => each.isr.length === 3)
  includes(await describe('--topic', topic), 'PartitionCount: 9')
  const many = await refused('TopicCommand', ...at, '--create', '--topic', unique('many'), '--replication-factor', 4)
  includes(many, 'The target replication factor of 4 cannot be reached because only 3 broker(s) are registered')
  await ok('TopicCommand', ...at, '--delete', '--topic', topic)
  await eventually(async () => (await partitionsOf(bootstrap, topic)) === null, { what: 'the topic to go' })
})

test('a topic with its replicas by hand', async () => {
  const replicas = `${second}:${first}:${third},${third}:${second}`
  const wrong = await refused(
    'TopicCommand',
    ...at,
    '--create',
    '--topic',
    unique('x'),
    '--replica-assignment',
    replicas,
  )
  includes(wrong, 'different replication factor')
  const topic = await newTopic(['--replica-assignment', `${second}:${first},${third}:${second}`])
  const partitions = await partitionsOf(bootstrap, topic)
  assert.deepEqual(
    partitions.map(each => [each.leader, each.replicas]),
    [
      [second, [second, first]],
      [third, [third, second]],
    ],
  )
})

test('any broker takes administrative requests', async () => {
  for (const address of bootstrap.split(',')) {
    const to = ['--bootstrap-server', address]
    const topic = unique('by')
    await ok('TopicCommand', ...to, '--create', '--topic', topic, '--partitions', 1, '--replication-factor', 3)
    const entity = ['--entity-type', 'topics', '--entity-name', topic]
    await ok('kafka.admin.ConfigCommand', ...to, ...entity, '--alter', '--add-config', 'retention.ms=600000')
    for (const other of bootstrap.split(',')) {
      const probe = async () =>
        (await ok('kafka.admin.ConfigCommand', '--bootstrap-server', other, ...entity, '--describe')).includes(
          'retention.ms=600000',
        )
      await eventually(probe, { what: `the setting on ${other}` })
    }
    await ok('TopicCommand', ...to, '--delete', '--topic', topic)
  }
})

test('settings of one broker and of all', async () => {
  const config = (...args) => ok('kafka.admin.ConfigCommand', ...at, '--entity-type', 'brokers', ...args)
  const described = async (...args) => (await config(...args, '--describe')).includes('log.cleaner.threads=2')
  for (const entity of [['--entity-name', second], ['--entity-default']]) {
    await config(...entity, '--alter', '--add-config', 'log.cleaner.threads=2')
    await eventually(() => described(...entity), { what: 'the setting' })
    await config(...entity, '--alter', '--delete-config', 'log.cleaner.threads')
    await eventually(async () => !(await described(...entity)), { what: 'the setting to go' })
  }
})

test('broker-api-versions of three brokers', async () => {
  const out = await ok('BrokerApiVersionsCommand', ...at)
  for (const id of brokerIds) includes(out, `(id: ${id} rack: `)
  assert.equal(out.match(/Fetch\(1\)/g).length, 3)
  const lines = out
    .split('\n')
    .filter(line => /ElectLeaders|AlterPartitionReassignments|DescribeQuorum|UpdateFeatures/.test(line))
  assert.equal(lines.length, 12)
  for (const line of lines) assert.ok(!line.includes('UNSUPPORTED'), line)
})

test('kafka-cluster', async () => {
  includes(await ok('ClusterTool', 'cluster-id', ...at), 'Cluster ID: ')
  const endpoints = await ok('ClusterTool', 'list-endpoints', ...at, '--include-fenced-brokers')
  for (const address of bootstrap.split(',')) includes(endpoints, address.split(':')[1])
  includes(await refused('ClusterTool', 'unregister', ...at, '--id', 99), '99')
  if (!controlled) return
  const quorum = await ok('ClusterTool', 'list-endpoints', '--bootstrap-controller', controllers)
  for (const { controller } of nodes) includes(quorum, controller.split(':')[1])
})

test('metadata-quorum describe', async () => {
  for (const to of [at, ...(controlled ? [['--bootstrap-controller', controllers]] : [])]) {
    const status = await ok('MetadataQuorumCommand', ...to, 'describe', '--status')
    includes(status, 'ClusterId:', 'LeaderId:', 'LeaderEpoch:', 'HighWatermark:', 'MaxFollowerLag:', 'CurrentVoters:')
    const [, leader] = /LeaderId:\s+(\d+)/.exec(status)
    assert.ok(brokerIds.includes(Number(leader)), status)
    const rows = (await ok('MetadataQuorumCommand', ...to, 'describe', '--replication')).trim().split('\n')
    assert.equal(rows.length, 4, rows.join('\n'))
    assert.equal(rows.filter(row => /\bLeader\b/.test(row)).length, 1)
    assert.equal(rows.filter(row => /\bFollower\b/.test(row)).length, 2)
    includes(await ok('MetadataQuorumCommand', ...to, 'describe', '--replication', '--human-readable'), 'ms ago')
  }
})

test(
  'metadata-quorum remove-controller and add-controller',
  async () => {
    const { leaderId } = await quorumOf(bootstrap)
    const voters = async () => (await quorumOf(bootstrap)).currentVoters.map(({ replicaId }) => replicaId).sort()
    const moved = nodes.find(({ id }) => id !== leaderId)
    const who = ['--controller-id', moved.id, '--controller-directory-id', moved.directoryId]
    await ok('MetadataQuorumCommand', ...at, 'remove-controller', ...who)
    await eventually(async () => (await voters()).length === 2, { what: 'two voters' })
    includes(await refused('MetadataQuorumCommand', ...at, 'remove-controller', ...who), 'VoterNotFound')
    const add = ['--command-config', moved.conf, ...at, 'add-controller']
    await ok('MetadataQuorumCommand', ...add)
    await eventually(async () => (await voters()).length === 3, { what: 'three voters' })
    includes(await refused('MetadataQuorumCommand', ...add), 'DuplicateVoter')
  },
  { needsControl: true },
)

const moveOf = (topic, replicas) => ({
  version: 1,
  partitions: replicas.map((each, partition) => ({
    topic,
    partition,
    replicas: each,
    log_dirs: each.map(() => 'any'),
  })),
})
const reassign = (...args) => ok('reassign.ReassignPartitionsCommand', ...at, ...args)

test(
  'reassign-partitions: generate, execute throttled, verify',
  async () => {
    const topic = await newTopic(['--replica-assignment', Array(4).fill(`${first}:${second}`).join(',')])
    await fill(topic)
    const generated = await reassign(
      ...['--generate', '--topics-to-move-json-file', jsonFile('topics.json', { version: 1, topics: [{ topic }] })],
      ...['--broker-list', brokerIds.join(',')],
    )
    includes(generated, 'Current partition replica assignment', 'Proposed partition reassignment configuration')
    assert.equal(JSON.parse(generated.trim().split('\n').at(-1)).partitions.length, 4)
    const plan = jsonFile('move.json', moveOf(topic, Array(4).fill([second, third])))
    includes(
      await reassign('--reassignment-json-file', plan, '--execute', '--throttle', 50_000_000),
      'Successfully started',
    )
    const topicConfig = ['--entity-type', 'topics', '--entity-name', topic, '--describe']
    const brokerConfig = ['--entity-type', 'brokers', '--entity-name', third, '--describe']
    const throttled = async () => [
      await ok('kafka.admin.ConfigCommand', ...at, ...topicConfig),
      await ok('kafka.admin.ConfigCommand', ...at, ...brokerConfig),
    ]
    const throttles = ['follower.replication.throttled.replicas', 'follower.replication.throttled.rate=50000000']
    const isThrottled = async () => (await throttled()).every((text, i) => text.includes(throttles[i]))
    await eventually(isThrottled, { what: 'the throttles' })
    const done = async () =>
      !/still in progress/.test(await reassign('--reassignment-json-file', plan, '--verify', '--preserve-throttles'))
    await eventually(done, { timeoutMs: 30_000, what: 'the reassignment' })
    includes(
      await reassign('--reassignment-json-file', plan, '--verify'),
      'is completed',
      'Clearing topic-level throttles',
    )
    await eventually(async () => !(await throttled()).join().includes('throttled.r'), { what: 'the throttles to go' })
    includes(await reassign('--list'), 'No partition reassignments found')
    for (const { replicas, isr } of await partitionsOf(bootstrap, topic)) {
      assert.deepEqual(replicas, [second, third])
      assert.deepEqual([...isr].sort(), [second, third])
    }
    const offsets = await ok('GetOffsetShell', ...at, '--topic', topic)
    const total = offsets
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number(line.split(':')[2]), 0)
    assert.equal(total, 2000, 'every record is there')
  },
  { timeoutMs: 60_000 },
)

test(
  'reassign-partitions: list and cancel',
  async () => {
    const topic = await newTopic(['--replica-assignment', `${first}:${second}`])
    await fill(topic, 4000, 1000)
    const plan = jsonFile('slow.json', moveOf(topic, [[third, first]]))
    await reassign('--reassignment-json-file', plan, '--execute', '--throttle', 20_000)
    try {
      const listed = await reassign('--list')
      includes(listed, `${topic}-0`, 'adding', 'removing')
      includes(
        await reassign('--reassignment-json-file', plan, '--verify', '--preserve-throttles'),
        'still in progress',
      )
      includes(
        await refused('reassign.ReassignPartitionsCommand', ...at, '--reassignment-json-file', plan, '--execute'),
        'existing partition assignment',
      )
    } finally {
      includes(await reassign('--reassignment-json-file', plan, '--cancel'), 'Successfully cancelled')
    }
    await eventually(async () => !(await reassign('--list')).includes(`${topic}-0`), { what: 'no reassignment' })
    const [{ replicas }] = await inSync(topic)
    assert.deepEqual(replicas, [first, second])
  },
  { timeoutMs: 60_000 },
)

test('reassign-partitions: what cannot be', async () => {
  const topic = await newTopic(['--replica-assignment', `${first}:${second}`])
  const plan = jsonFile('wrong.json', moveOf(topic, [[first, 99]]))
  includes(
    await refused('reassign.ReassignPartitionsCommand', ...at, '--reassignment-json-file', plan, '--execute'),
    '99',
  )
  const unknown = jsonFile('unknown.json', moveOf(unique('nowhere'), [[first]]))
  includes(
    await refused('reassign.ReassignPartitionsCommand', ...at, '--reassignment-json-file', unknown, '--execute'),
    'not found',
  )
})

test('leader-election preferred', async () => {
  const topic = await newTopic(['--replica-assignment', `${first}:${second}:${third}`])
  const elect = ['--election-type', 'preferred', '--topic', topic, '--partition', 0]
  includes(await ok('LeaderElectionCommand', ...at, ...elect), 'Valid replica already elected')
  const plan = jsonFile('order.json', moveOf(topic, [[second, first, third]]))
  await reassign('--reassignment-json-file', plan, '--execute')
  await partitionsWhen(topic, 'the new order', ({ replicas }) => replicas[0] === second)
  includes(await ok('LeaderElectionCommand', ...at, ...elect), 'Successfully completed leader election')
  await partitionsWhen(topic, 'the preferred leader', ({ leader }) => leader === second)
  includes(
    await refused(
      'LeaderElectionCommand',
      ...at,
      '--election-type',
      'preferred',
      '--topic',
      unique('no'),
      '--partition',
      0,
    ),
    'UnknownTopicOrPartition',
  )
})

test(
  'leader-election preferred after a broker came back',
  async () => {
    const topic = await newTopic(['--replica-assignment', `${third}:${first}:${second}`])
    await without(third, async () => {
      await partitionsWhen(topic, 'another leader', ({ leader }) => leader >= 0 && leader !== third)
      includes(await describe('--topic', topic, '--under-replicated-partitions'), topic)
    })
    await inSync(topic)
    const file = jsonFile('elect.json', { partitions: [{ topic, partition: 0 }] })
    await ok('LeaderElectionCommand', ...at, '--election-type', 'preferred', '--path-to-json-file', file)
    await partitionsWhen(topic, 'the preferred leader', ({ leader }) => leader === third)
  },
  { needsControl: true, timeoutMs: 60_000 },
)

test(
  'leader-election unclean',
  async () => {
    const topic = await newTopic(['--replica-assignment', `${second}:${third}`, '--config', 'min.insync.replicas=1'])
    await fill(topic, 10)
    await act('stop', third)
    try {
      await partitionsWhen(topic, 'one in sync', ({ isr }) => isr.length === 1)
      await fill(topic, 10)
      await act('stop', second)
      await act('start', third)
      await partitionsWhen(topic, 'no leader', ({ leader }) => leader < 0)
      includes(await describe('--topic', topic, '--unavailable-partitions'), topic)
      const elect = ['--topic', topic, '--partition', 0]
      includes(
        await refused('LeaderElectionCommand', ...at, '--election-type', 'preferred', ...elect),
        'PreferredLeaderNotAvailable',
      )
      await ok('LeaderElectionCommand', ...at, '--election-type', 'unclean', ...elect)
      await partitionsWhen(topic, 'an unclean leader', ({ leader }) => leader === third)
    } finally {
      for (const { id, isRunning } of nodes) if (isRunning) await act('start', id)
    }
    await inSync(topic)
  },
  { needsControl: true, timeoutMs: 90_000 },
)

test(
  'topics --under-replicated, --at-min-isr, --under-min-isr',
  async () => {
    const topic = await newTopic([
      '--replica-assignment',
      `${first}:${second}:${third}`,
      '--config',
      'min.insync.replicas=2',
    ])
    const strict = await newTopic([
      '--replica-assignment',
      `${first}:${second}:${third}`,
      '--config',
      'min.insync.replicas=3',
    ])
    await without(second, async () => {
      await partitionsWhen(topic, 'two in sync', ({ isr }) => isr.length === 2)
      await partitionsWhen(strict, 'two in sync', ({ isr }) => isr.length === 2)
      includes(await describe('--under-replicated-partitions'), topic, strict)
      const atMin = await describe('--at-min-isr-partitions')
      assert.ok(atMin.includes(topic) && !atMin.includes(strict), atMin)
      const underMin = await describe('--under-min-isr-partitions')
      assert.ok(underMin.includes(strict) && !underMin.includes(topic), underMin)
      const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, retry: { retries: 0 } })
      const producer = kafka.producer()
      await producer.connect()
      await rejects(producer.send({ topic: strict, acks: -1, messages: [{ value: 'x' }] }), /fewer in-sync replicas/)
      await producer.disconnect()
    })
    await inSync(topic)
    await inSync(strict)
    assert.equal((await describe('--topic', topic, '--under-replicated-partitions')).trim(), '')
  },
  { needsControl: true, timeoutMs: 60_000 },
)

test(
  'replica-verification',
  async () => {
    const topic = await newTopic()
    await fill(topic)
    const running = started(
      'ReplicaVerificationTool',
      '--broker-list',
      bootstrap,
      '--topics-include',
      topic,
      '--report-interval-ms',
      1000,
    )
    try {
      await eventually(() => /max lag is 0 for partition/.test(running.out), { timeoutMs: 30_000, what: 'a report' })
    } finally {
      running.stop()
      await running.done
    }
    assert.ok(!/checksum|does ?n.t match|different/i.test(running.out), running.out)
  },
  { timeoutMs: 45_000 },
)

test('features', async () => {
  const level = async name => {
    const line = (await ok('FeatureCommand', ...at, 'describe')).split('\n').find(each => each.includes(name))
    return /FinalizedVersionLevel:\s*(\S+)/.exec(line ?? '')?.[1]
  }
  const metadata = await level('metadata.version')
  assert.match(metadata, /^4\.\d-IV\d$/)
  const name = 'eligible.leader.replicas.version'
  const before = await level(name)
  assert.match(String(before), /^[01]$/)
  const change = target => (target === '0' ? 'downgrade' : 'upgrade')
  const other = before === '0' ? '1' : '0'
  const dry = await ok('FeatureCommand', ...at, change(other), '--feature', `${name}=${other}`, '--dry-run')
  includes(dry, name, 'can be')
  assert.equal(await level(name), before, 'a dry run changes nothing')
  await ok('FeatureCommand', ...at, change(other), '--feature', `${name}=${other}`)
  await eventually(async () => (await level(name)) === other, { what: 'the level' })
  await ok('FeatureCommand', ...at, change(before), '--feature', `${name}=${before}`)
  await eventually(async () => (await level(name)) === before, { what: 'the level before' })
  const down = await tool('FeatureCommand', ...at, 'downgrade', '--metadata', '4.1', '--dry-run')
  includes(down.out + down.err, 'metadata.version')
  includes(await refused('FeatureCommand', ...at, 'upgrade', '--feature', `${name}=99`), '99')
  includes(await refused('FeatureCommand', ...at, 'upgrade', '--feature', 'no.such.version=1'), 'no.such.version')
})

test('log-dirs of three brokers', async () => {
  const topic = await newTopic()
  await fill(topic, 100)
  const probe = async () => {
    const out = await ok('LogDirsCommand', ...at, '--describe', '--topic-list', topic)
    const { brokers } = JSON.parse(out.trim().split('\n').at(-1))
    assert.deepEqual(brokers.map(({ broker }) => broker).sort(), brokerIds)
    const sizes = brokers.map(({ logDirs }) =>
      logDirs.flatMap(({ partitions }) => partitions).reduce((sum, { size }) => sum + size, 0),
    )
    return sizes[0] > 0 && sizes.every(size => size === sizes[0])
  }
  await eventually(probe, { what: 'the same bytes on three brokers' })
  const one = await ok('LogDirsCommand', ...at, '--describe', '--broker-list', third)
  assert.deepEqual(
    JSON.parse(one.trim().split('\n').at(-1)).brokers.map(({ broker }) => broker),
    [third],
  )
})

test('get-offsets and delete-records', async () => {
  const topic = await newTopic(['--partitions', 1, '--replication-factor', 3])
  await fill(topic, 100)
  includes(await ok('GetOffsetShell', ...at, '--topic', topic), `${topic}:0:100`)
  const file = jsonFile('delete.json', { version: 1, partitions: [{ topic, partition: 0, offset: 60 }] })
  includes(await ok('DeleteRecordsCommand', ...at, '--offset-json-file', file), 'low_watermark: 60')
  includes(await ok('GetOffsetShell', ...at, '--topic', topic, '--time', 'earliest'), `${topic}:0:60`)
})

test('consumer-groups on a cluster', async () => {
  const topic = await newTopic()
  await fill(topic, 300, 10)
  const group = unique('group')
  const command = (...args) => ok('consumer.group.ConsumerGroupCommand', ...at, ...args)
  await ok('VerifiableConsumer', ...at, '--topic', topic, '--group-id', group, '--max-messages', 300)
  const state = await command('--describe', '--group', group, '--state')
  includes(state, group, 'Empty')
  assert.match(state, new RegExp(`\\(${`[${brokerIds.join('')}]`}\\)`), 'a coordinator is named')
  await eventually(async () => /\b0\s+-/.test(await command('--describe', '--group', group)), { what: 'no lag' })
  await command('--reset-offsets', '--group', group, '--topic', topic, '--to-earliest', '--execute')
  const described = await command('--describe', '--group', group)
  assert.equal(described.split('\n').filter(line => line.includes(topic)).length, 3)
  await command('--delete', '--group', group)
  assert.ok(!(await command('--list')).includes(group))
})

await led('__consumer_offsets').catch(() => {})
