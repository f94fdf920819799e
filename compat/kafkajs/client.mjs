// The kafkajs client under test, its codecs, and helpers that several test files use.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bootstrap, cacheDir, deferred, unique } from '../lib/harness.mjs'

const require = createRequire(join(cacheDir, 'package.json'))
const kafkajs = require('kafkajs')
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
const lz4 = require('lz4-napi')
const zstd = require('@bokuweb/zstd-wasm')
await zstd.init()

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder => Buffer.from(zstd.compress(encoder.buffer, 3)),
  decompress: buffer => Buffer.from(zstd.decompress(buffer)),
})

export { CompressionTypes, kafkajs }

export const kafka = new Kafka({
  clientId: 'compat-kafkajs',
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, retries: 5 },
})

const open = []

export async function admin() {
  const client = kafka.admin()
  await client.connect()
  open.push(client)
  return client
}

export async function producer(options = {}) {
  const client = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, ...options })
  await client.connect()
  open.push(client)
  return client
}

export function consumer(options) {
  const client = kafka.consumer({ maxWaitTimeInMs: 100, heartbeatInterval: 500, ...options })
  open.push(client)
  return client
}

let sharedAdmin
let sharedProducer
export const theAdmin = async () => {
  sharedAdmin ??= await admin()
  return sharedAdmin
}
export const theProducer = async () => {
  sharedProducer ??= await producer()
  return sharedProducer
}

export async function newTopic(numPartitions = 1, configEntries = []) {
  const topic = unique('kafkajs')
  await (await theAdmin()).createTopics({ topics: [{ topic, numPartitions, configEntries }] })
  return topic
}

/** Consumes `topic` with a fresh group until `count` messages came; returns them. */
export async function consume(
  topic,
  count,
  { fromBeginning = true, seek, groupId = unique('group'), ...options } = {},
) {
  const client = consumer({ groupId, ...options })
  const messages = []
  const done = deferred()
  await client.connect()
  await client.subscribe({ topics: [topic], fromBeginning })
  client.on(client.events.CRASH, ({ payload }) => payload.restart || done.reject(payload.error))
  await client.run({
    eachMessage: async ({ partition, message }) => {
      messages.push({ partition, ...message })
      if (messages.length >= count) done.resolve()
    },
  })
  if (seek) for (const position of seek) client.seek({ topic, ...position })
  await done.promise
  await client.disconnect()
  return messages
}

export const values = messages => messages.map(({ value }) => value?.toString() ?? null)

export async function closeAll() {
  await Promise.allSettled(open.map(client => client.disconnect()))
}
