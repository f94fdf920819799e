// A client of today beside an old one: kafkajs, as the old client's folder installs it.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bootstrap, cacheDir, deferred, unique } from './harness.mjs'

const require = createRequire(join(cacheDir, 'package.json'))
const { CompressionTypes, Kafka, logLevel, Partitioners } = require('kafkajs')

const kafka = new Kafka({ clientId: 'compat-modern', brokers: [bootstrap], logLevel: logLevel.NOTHING })

const open = []

async function connected(client) {
  await client.connect()
  open.push(client)
  return client
}

let admin
let producer

export async function newTopic(prefix, numPartitions = 1, configs = {}) {
  admin ??= connected(kafka.admin())
  const topic = unique(prefix)
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await (await admin).createTopics({ topics: [{ topic, numPartitions, configEntries }] })
  return topic
}

/** Record batches of magic 2, with headers that old clients cannot see. */
export async function produceModern(topic, values, { gzip = false, partition = 0 } = {}) {
  producer ??= connected(kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }))
  await (await producer).send({
    topic,
    compression: gzip ? CompressionTypes.GZIP : CompressionTypes.None,
    messages: values.map(value => ({ key: 'k', value, partition, headers: { h: 'x' } })),
  })
}

/** The values of the first `count` messages of a topic. */
export async function consumeModern(topic, count, groupId = unique('modern')) {
  const client = await connected(kafka.consumer({ groupId, maxWaitTimeInMs: 100 }))
  const messages = []
  const done = deferred()
  await client.subscribe({ topics: [topic], fromBeginning: true })
  await client.run({
    eachMessage: async ({ message }) => {
      messages.push(message)
      if (messages.length >= count) done.resolve()
    },
  })
  await done.promise
  await client.disconnect()
  return messages.map(({ value }) => value?.toString() ?? null)
}

export async function closeModern() {
  await Promise.allSettled(open.map(client => client.disconnect()))
}
