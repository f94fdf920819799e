/** The broker inside of another program, by the name that users import it by. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ConfigError, type RunningBroker, startBroker } from 'ottla'
import t, { type Test } from 'tap'
import { createTopics, fetch, metadata, zeroUuid } from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { temporaryDirectory } from '../bin/ottla-process.ts'
import { RawClient } from '../network/raw-client.ts'
import { produceTo } from './whole-broker.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const topic = 'greetings'

async function write(broker: RunningBroker, ...values: string[]): Promise<void> {
  const client = await RawClient.connect(broker.port)
  await client.call(createTopics, 5, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
  })
  const records = values.map(value => ({ key: null, value: Buffer.from(value) }))
  const answer = await produceTo(client, topic, buildBatch({ records, baseTimestamp: 1 }))
  if (answer?.errorCode !== 0) throw new Error(`produce: ${answer?.errorCode}`)
  client.destroy()
  await client.closed
}

async function read(broker: RunningBroker): Promise<string[]> {
  const client = await RawClient.connect(broker.port)
  const answer = await client.call(fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    sessionEpoch: -1,
    topics: [{ topic, topicId: zeroUuid, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
    forgottenTopicsData: [],
  })
  client.destroy()
  await client.closed
  const { records } = answer?.responses[0]?.partitions[0] ?? {}
  return records?.length ? [...readRecords(records)].map(({ value }) => String(value)) : []
}

/** What keeps a process alive. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP') || name === 'Timeout')
}

t.test('in memory', async t => {
  const begunMs = performance.now()
  const broker = await startBroker()
  const startedMs = performance.now()
  await write(broker, 'hello')
  const wrote = performance.now()
  t.comment(
    `${(wrote - begunMs).toFixed(0)} ms to the first acknowledged write, ${(startedMs - begunMs).toFixed(0)} of them to start`,
  )
  t.equal(broker.bootstrap, `127.0.0.1:${broker.port}`)
  t.match(broker, { host: '127.0.0.1', nodeId: 1, clusterId: /^[\w-]{22}$/ })
  t.same(await read(broker), ['hello'])
  await broker.close()
  await broker.close()
  await t.rejects(RawClient.connect(broker.port))
  await using another = await startBroker()
  t.not(another.clusterId, broker.clusterId)
  t.same(await read(another), [], 'nothing is left')
})

t.test('in a directory', async t => {
  const dataDir = temporaryDirectory(t)
  const first = await startBroker({ dataDir, nodeId: 5 })
  await write(first, 'a', 'b')
  await t.rejects(startBroker({ dataDir, nodeId: 5 }), { code: 'ELOCKED' })
  await first.close()
  await t.rejects(startBroker({ dataDir }), { message: /belongs to node 5/ })
  await using second = await startBroker({ dataDir, nodeId: 5 })
  t.equal(second.clusterId, first.clusterId)
  t.same(await read(second), ['a', 'b'])
})

t.test('many in one process', async t => {
  const before = handles()
  const brokers = await Promise.all(Array.from({ length: 8 }, (_, nodeId) => startBroker({ nodeId })))
  t.equal(new Set(brokers.map(({ port }) => port)).size, 8)
  t.equal(new Set(brokers.map(({ clusterId }) => clusterId)).size, 8)
  await Promise.all(brokers.map((broker, index) => write(broker, `of ${index}`)))
  for (const [index, broker] of brokers.entries()) t.same(await read(broker), [`of ${index}`])
  await Promise.all(brokers.map(broker => broker.close()))
  t.same(handles(), before, 'no handle is left open')
})

t.test('closing with clients that stay', async t => {
  const broker = await startBroker()
  const client = await RawClient.connect(broker.port)
  await broker.close()
  await t.resolves(client.closed)
})

async function addressTold(t: Test, broker: RunningBroker) {
  const client = await RawClient.connect(broker.port)
  const answer = await client.call(metadata, 1, { topics: [], includeTopicAuthorizedOperations: false })
  t.ok(answer)
  client.destroy()
  return answer?.brokers.map(({ host, port, nodeId }) => ({ host, port, nodeId }))
}

t.test('addresses and settings', async t => {
  await using broker = await startBroker({
    host: '0.0.0.0',
    advertisedHost: 'localhost',
    nodeId: 3,
    config: { 'num.partitions': 4, 'auto.create.topics.enable': false },
  })
  t.equal(broker.bootstrap, `localhost:${broker.port}`)
  t.same(await addressTold(t, broker), [{ host: 'localhost', port: broker.port, nodeId: 3 }])
  await t.rejects(startBroker({ config: { 'num.partitions': 'many' } }), ConfigError)
  await t.rejects(startBroker({ port: broker.port }), { code: 'EADDRINUSE' })
})

t.test('the example of docs/embedding.md, which ends by itself', async t => {
  const example = readFileSync(here('../../../test/e2e/embedding-example.ts'), 'utf8')
  const page = readFileSync(here('../../../docs/embedding.md'), 'utf8')
  t.ok(page.includes(`\`\`\`ts\n${example}\`\`\``), 'the page shows the file as it is')
  const child = spawn(process.execPath, [here('./embedding-example.js')], {
    env: { PATH: process.env.PATH, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text
  })
  const [code] = await once(child, 'close')
  t.equal(code, 0)
  t.match(output, /^en: hello$/m)
})
