#!/usr/bin/env node
import { spawnSync } from 'node:child_process'
// One data directory, used by Ottla and by Apache Kafka in turn: each must find what the other one wrote, and go on.
//
//   node compat/kafka/exchange.mjs        (after npm run build; needs Java, and the jars that fetch.sh gets)
//
// Ends with 0 when all is well, 1 when something is missing, 3 when it cannot run here.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BrokerProcess, freePort } from '../../dist/test/e2e/crash/broker-process.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const topic = 'exchanged'
const group = 'readers'
const partitions = 2
const batches = 40

const commands = {
  ottla: `node ${root}dist/bin/ottla.js start --data-dir {dir}/log --listen 127.0.0.1:{port} --log-level warn --override group.initial.rebalance.delay.ms=0`,
  // A directory that Kafka has not formatted itself names no voters: they come from the settings.
  kafka: `${root}compat/kafka/start.sh {port} {dir}`,
  'kafka with static voters': `${root}compat/kafka/start.sh {port} {dir} controller.quorum.voters=1@127.0.0.1:{controller}`,
}

if (spawnSync('java', ['-version']).status !== 0) {
  process.stdout.write('not run: no Java here\n')
  process.exit(3)
}

/** What is in each partition by offset, and what the group has committed. */
class Expected {
  records = Array.from({ length: partitions }, () => new Map())
  committed = Array.from({ length: partitions }, () => '-1')
  topicId = null
}

async function write(kafka, expected, tag) {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  for (let batch = 0; batch < batches; batch++) {
    const partition = batch % partitions
    const values = Array.from({ length: 1 + (batch % 5) }, (_, at) => `${tag} ${batch}.${at} ${'x'.repeat(batch * 20)}`)
    const messages = values.map(value => ({ value, partition, key: `k${batch % 3}`, headers: { tag } }))
    const [{ baseOffset }] = await producer.send({ topic, acks: -1, messages })
    for (const [at, value] of values.entries()) expected.records[partition].set(Number(baseOffset) + at, value)
  }
  await producer.disconnect()
}

async function commit(kafka, expected) {
  const admin = kafka.admin()
  await admin.connect()
  expected.committed = expected.records.map(records => String(records.size))
  await admin.setOffsets({
    groupId: group,
    topic,
    partitions: expected.committed.map((offset, partition) => ({ partition, offset })),
  })
  await admin.disconnect()
}

async function read(kafka, expected) {
  const total = expected.records.reduce((sum, records) => sum + records.size, 0)
  const found = Array.from({ length: partitions }, () => new Map())
  const consumer = kafka.consumer({ groupId: `check-${Date.now()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let count = 0
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${count} of ${total} records within a minute`)), 60_000)
    const eachMessage = async ({ partition, message }) => {
      found[partition].set(Number(message.offset), String(message.value))
      if (++count < total) return
      clearTimeout(timer)
      resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  }).finally(() => consumer.disconnect())
  return found
}

/** A broker answers clients before it has taken over the group. */
async function patiently(ask) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (attempt === 30) throw error
      await new Promise(resolve => setTimeout(resolve, 1000))
    }
  }
}

async function check(kafka, expected) {
  const admin = kafka.admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const [offsets] = await patiently(() => admin.fetchOffsets({ groupId: group, topics: [topic] }))
  await admin.disconnect()
  if (topics[0].partitions.length !== partitions) throw new Error(`${topics[0].partitions.length} partitions`)
  for (const { partition, offset } of offsets.partitions) {
    if (offset !== expected.committed[partition]) {
      throw new Error(`committed in ${partition}: ${offset}, not ${expected.committed[partition]}`)
    }
  }
  const found = await read(kafka, expected)
  for (let partition = 0; partition < partitions; partition++) {
    for (const [offset, value] of expected.records[partition]) {
      if (found[partition].get(offset) !== value) throw new Error(`${partition}@${offset} is not what was written`)
    }
  }
}

async function exchange(name, brokers) {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-exchange-'))
  const port = await freePort()
  const expected = new Expected()
  let failure = null
  for (const [turn, kind] of brokers.entries()) {
    const command = commands[kind].replaceAll('{controller}', String(port + 1))
    const broker = new BrokerProcess(command, directory, port, join(directory, 'broker.log'))
    try {
      await broker.start()
      const kafka = broker.client('exchange', 10)
      if (turn === 0) {
        const admin = kafka.admin()
        await admin.connect()
        await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] })
        await admin.disconnect()
      } else await check(kafka, expected)
      await write(kafka, expected, `${turn} by ${kind}`)
      await commit(kafka, expected)
      await broker.kill('SIGTERM')
    } catch (error) {
      failure = `turn ${turn}, ${kind}: ${error.message}`
      await broker.kill('SIGKILL')
      break
    }
  }
  process.stdout.write(`${failure === null ? 'ok' : 'not ok'} ${name}${failure ? `: ${failure} (${directory})` : ''}\n`)
  if (failure === null) rmSync(directory, { recursive: true, force: true })
  return failure === null
}

const results = [
  await exchange('from Ottla to Kafka and back', ['ottla', 'kafka with static voters', 'ottla']),
  await exchange('from Kafka to Ottla and back', ['kafka', 'ottla', 'kafka']),
]
const passed = results.filter(Boolean).length
process.stdout.write(`${passed} passed, ${results.length - passed} failed\n`)
process.exit(passed === results.length ? 0 : 1)
