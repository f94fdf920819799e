// Clients that go on while brokers stop: Java, librdkafka (kcat) and kafkajs.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { assert, bootstrap, eventually, test, unique } from '../lib/harness.mjs'
import { quorumOf } from '../lib/wire.mjs'
import { act, brokerIds, nodes, partitionsWhen } from './nodes.mjs'
import { at, ok } from './tools.mjs'
import { javaProducer, leaderOf, newTopic, preferring, read } from './workloads.mjs'

const kafka = new Kafka({
  brokers: bootstrap.split(','),
  logLevel: logLevel.NOTHING,
  retry: { retries: 60, initialRetryTime: 50, maxRetryTime: 500 },
})
const limits = { needsControl: true, timeoutMs: 90_000 }

/** Stops the leader of a topic in the middle of `write`, then starts it again, and tells what took over. */
async function whileStopping(topic, action, { isUnderWay }) {
  const old = await leaderOf(topic)
  await eventually(isUnderWay, { what: 'the first acknowledged records' })
  await act(action, old)
  try {
    const [{ leader }] = await partitionsWhen(topic, 'another leader', each => each.leader >= 0 && each.leader !== old)
    return { old, leader }
  } finally {
    await act('start', old)
  }
}

for (const action of ['stop', 'kill']) {
  test(
    `java producer survives a leader's ${action}`,
    async () => {
      const topic = await newTopic(preferring(brokerIds[0]))
      const producer = javaProducer(topic, 3000)
      await whileStopping(topic, action, { isUnderWay: producer.isUnderWay })
      const acked = await producer.finished()
      // Idempotent: what was read is what was sent, in order, once.
      assert.deepEqual(await read(topic), acked)
    },
    limits,
  )

  test(
    `librdkafka producer survives a leader's ${action}`,
    async () => {
      const topic = await newTopic(preferring(brokerIds[1]))
      const properties = [
        '-X',
        'acks=all',
        '-X',
        'enable.idempotence=true',
        '-X',
        'linger.ms=2',
        '-X',
        'reconnect.backoff.max.ms=500',
      ]
      const child = spawn('kcat', ['-b', bootstrap, '-P', '-t', topic, '-p', '0', ...properties])
      let err = ''
      child.stderr.on('data', chunk => {
        err += chunk
      })
      let sent = 0
      const timer = setInterval(() => {
        for (let i = 0; i < 5; i++) child.stdin.write(`m${sent++}\n`)
      }, 10)
      const ended = new Promise(resolve => child.on('close', resolve))
      await whileStopping(topic, action, { isUnderWay: () => sent > 200 })
      clearInterval(timer)
      child.stdin.end()
      assert.equal(await ended, 0, err)
      assert.deepEqual(
        await read(topic),
        Array.from({ length: sent }, (_, i) => `m${i}`),
      )
    },
    limits,
  )

  test(
    `kafkajs producer survives a leader's ${action}`,
    async () => {
      const topic = await newTopic(preferring(brokerIds[2]))
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      const acked = []
      let running = true
      const sending = (async () => {
        for (let i = 0; running; i++) {
          await producer.send({ topic, acks: -1, messages: [{ value: `m${i}`, partition: 0 }] })
          acked.push(`m${i}`)
        }
      })()
      try {
        await whileStopping(topic, action, { isUnderWay: () => acked.length > 50 })
      } finally {
        running = false
        await sending
        await producer.disconnect()
      }
      assert.deepEqual(await read(topic), acked)
    },
    limits,
  )
}

test(
  'kafkajs group survives the stop of its coordinator',
  async () => {
    const topic = await newTopic(preferring(brokerIds[0]))
    const groupId = unique('group')
    const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500 })
    const producer = kafka.producer()
    await Promise.all([consumer.connect(), producer.connect()])
    await consumer.subscribe({ topic, fromBeginning: true })
    const seen = []
    await consumer.run({
      autoCommitInterval: 100,
      eachMessage: async ({ message }) => seen.push(String(message.value)),
    })
    const send = (from, count) =>
      producer.send({ topic, acks: -1, messages: Array.from({ length: count }, (_, i) => ({ value: `m${from + i}` })) })
    await send(0, 50)
    await eventually(() => seen.length === 50, { what: 'the first records' })
    const admin = kafka.admin()
    await admin.connect()
    const coordinator = async () =>
      (await ok('consumer.group.ConsumerGroupCommand', ...at, '--describe', '--group', groupId, '--state')).match(
        /\((\d+)\)/,
      )?.[1]
    const old = Number(await coordinator())
    await act('stop', old)
    try {
      await send(50, 50)
      await eventually(() => seen.includes('m99'), { timeoutMs: 40_000, what: 'the records sent after the stop' })
      await eventually(async () => Number(await coordinator().catch(() => old)) !== old, {
        what: 'another coordinator',
      })
      const committed = async () => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions[0].offset
      await eventually(async () => (await committed().catch(() => 0)) === '100', {
        what: 'the commit',
        timeoutMs: 30_000,
      })
    } finally {
      await act('start', old)
    }
    await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
    assert.deepEqual(
      [...new Set(seen)],
      Array.from({ length: 100 }, (_, i) => `m${i}`),
    )
  },
  limits,
)

test(
  'topics are made while the active controller is killed',
  async () => {
    const { leaderId } = await quorumOf(bootstrap)
    const others = nodes.filter(({ id }) => id !== leaderId)
    const rest = others.map(each => each.bootstrap).join(',')
    await act('kill', leaderId)
    try {
      const topic = unique('after')
      await ok(
        'TopicCommand',
        '--bootstrap-server',
        rest,
        '--create',
        '--topic',
        topic,
        '--partitions',
        1,
        '--replication-factor',
        2,
      )
      const { leaderId: next, leaderEpoch } = await quorumOf(rest)
      assert.notEqual(next, leaderId)
      assert.ok(leaderEpoch > 0)
    } finally {
      await act('start', leaderId)
    }
  },
  limits,
)

test(
  'replicas are the same byte for byte',
  async () => {
    const topic = await newTopic(brokerIds)
    await ok(
      'ProducerPerformance',
      '--topic',
      topic,
      '--num-records',
      5000,
      '--record-size',
      100,
      '--throughput',
      -1,
      ...at,
      '--command-property',
      'acks=all',
    )
    const files = nodes.map(({ dataDir }) => join(dataDir, `${topic}-0`, '00000000000000000000.log'))
    const sums = () =>
      files.map(file => existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex'))
    await eventually(() => new Set(sums()).size === 1 && sums()[0], { what: `the same bytes in ${files}` })
  },
  { needsControl: true },
)
