// One data directory, served by Ottla and by Apache Kafka in turn. It starts its own brokers; the broker of the run is
// not used.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { startKafka, startOttla } from '../lib/brokers.mjs'
import { cacheDir, report } from '../lib/harness.mjs'

const range = (from, to) => Array.from({ length: to - from }, (_, i) => `m${from + i}`)

async function using(start, work) {
  const broker = await start()
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 10 } })
  const admin = kafka.admin()
  try {
    await admin.connect()
    await work(kafka, admin)
  } finally {
    await admin.disconnect()
    await broker.stop(true)
  }
}

async function produce(kafka, topic, values, options = {}) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...options })
  await producer.connect()
  for (let i = 0; i < values.length; i += 50) {
    await producer.send({
      topic,
      messages: values.slice(i, i + 50).map(value => ({ value })),
      compression: i % 100 && 1,
    })
  }
  await producer.disconnect()
}

/** Reads with `groupId` until nothing came for a while; what was read is committed. */
async function read(kafka, topic, count, groupId) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 })
  const got = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await new Promise((resolve, reject) => {
    let idle = 0
    consumer.on(consumer.events.FETCH, ({ payload }) => {
      idle = payload.numberOfBatches === 0 ? idle + 1 : 0
      if (got.length >= count || idle > 15) resolve()
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error))
    consumer.run({ eachMessage: async ({ message }) => void got.push(message.value.toString()) }).catch(reject)
  })
  await consumer.stop()
  await consumer.disconnect()
  return got
}

const topicConfig = async (admin, name) => {
  const { resources } = await admin.describeConfigs({ resources: [{ type: 2, name, configNames: ['retention.ms'] }] })
  return resources[0].configEntries[0].configValue
}

/** `steps` are checked in order on one directory; a failed one fails what depends on it. */
async function scenario(steps) {
  const dataDir = mkdtempSync(join(tmpdir(), 'interchange-'))
  const logDir = join(dataDir, 'log')
  let broken = null
  for (const [name, run] of steps) {
    const start = performance.now()
    try {
      if (broken) throw new Error(`not tried: "${broken}" failed`)
      await run(dataDir, logDir)
      report(name, 'pass', undefined, Math.round(performance.now() - start))
    } catch (error) {
      broken ??= name
      report(name, 'fail', String(error.stack ?? error).slice(0, 1500), Math.round(performance.now() - start))
    }
  }
  rmSync(dataDir, { recursive: true, force: true })
}

const ottla = logDir => () => startOttla(join(cacheDir, 'ottla.log'), [], logDir)
const apache =
  (dataDir, settings = []) =>
  () =>
    startKafka(join(cacheDir, 'kafka.log'), settings, dataDir)
// Ottla's quorum is a static one, as kraft.version 0 has it.
const staticQuorum = ['controller.quorum.voters=1@127.0.0.1:CONTROLLER_PORT']

await scenario([
  [
    'Ottla makes a directory',
    (_, logDir) =>
      using(ottla(logDir), async (kafka, admin) => {
        const configEntries = [{ name: 'retention.ms', value: '7200000' }]
        await admin.createTopics({
          topics: [
            { topic: 'one', configEntries },
            { topic: 'two', numPartitions: 3 },
          ],
        })
        await produce(kafka, 'one', range(0, 300), { idempotent: true, maxInFlightRequests: 1 })
        assert.equal((await read(kafka, 'one', 300, 'group')).length, 300)
      }),
  ],
  [
    'Apache Kafka serves it',
    dataDir =>
      using(apache(dataDir, staticQuorum), async (kafka, admin) => {
        assert.deepEqual((await admin.listTopics()).sort(), ['__consumer_offsets', 'one', 'two'])
        assert.equal(await topicConfig(admin, 'one'), '7200000')
        const [{ partitions }] = await admin.fetchOffsets({ groupId: 'group', topics: ['one'] })
        assert.equal(partitions[0].offset, '300')
        assert.deepEqual(await read(kafka, 'one', 300, 'other'), range(0, 300))
        await produce(kafka, 'one', range(300, 400), { idempotent: true, maxInFlightRequests: 1 })
        await admin.createTopics({ topics: [{ topic: 'three' }] })
        await admin.deleteTopics({ topics: ['two'] })
      }),
  ],
  [
    'Ottla serves it again',
    (_, logDir) =>
      using(ottla(logDir), async (kafka, admin) => {
        assert.deepEqual((await admin.listTopics()).sort(), ['__consumer_offsets', 'one', 'three'])
        assert.deepEqual(await read(kafka, 'one', 100, 'group'), range(300, 400))
        await produce(kafka, 'three', range(0, 10))
        assert.deepEqual(await read(kafka, 'three', 10, 'group'), range(0, 10))
      }),
  ],
])

await scenario([
  [
    'Apache Kafka makes a directory',
    dataDir =>
      using(apache(dataDir), async (kafka, admin) => {
        const configEntries = [{ name: 'retention.ms', value: '7200000' }]
        await admin.createTopics({
          topics: [
            { topic: 'one', configEntries },
            { topic: 'two', numPartitions: 3 },
          ],
        })
        await produce(kafka, 'one', range(0, 300), { idempotent: true, maxInFlightRequests: 1 })
        assert.equal((await read(kafka, 'one', 300, 'group')).length, 300)
      }),
  ],
  [
    'Ottla serves the directory of Apache Kafka',
    (_, logDir) =>
      using(ottla(logDir), async (kafka, admin) => {
        assert.ok(existsSync(join(logDir, 'bootstrap.checkpoint')))
        assert.equal(await topicConfig(admin, 'one'), '7200000')
        await produce(kafka, 'one', range(300, 400), { idempotent: true, maxInFlightRequests: 1 })
        assert.deepEqual(await read(kafka, 'one', 100, 'group'), range(300, 400))
        assert.deepEqual(await read(kafka, 'one', 400, 'other'), range(0, 400))
        await admin.createTopics({ topics: [{ topic: 'three' }] })
        await admin.deleteTopics({ topics: ['two'] })
      }),
  ],
  [
    'Apache Kafka serves it again',
    dataDir =>
      using(apache(dataDir), async (kafka, admin) => {
        assert.deepEqual((await admin.listTopics()).sort(), ['__consumer_offsets', 'one', 'three'])
        const [{ partitions }] = await admin.fetchOffsets({ groupId: 'group', topics: ['one'] })
        assert.equal(partitions[0].offset, '400')
        assert.deepEqual(await read(kafka, 'one', 400, 'third'), range(0, 400))
        await produce(kafka, 'three', range(0, 10), { idempotent: true, maxInFlightRequests: 1 })
      }),
  ],
])
