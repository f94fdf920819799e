// What the tests share: the library from the cache folder, clients that are closed in the end, topics, reading.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bootstrap, cacheDir, eventually, unique } from '../lib/harness.mjs'

const require = createRequire(join(cacheDir, 'package.json'))
export const confluent = require('@confluentinc/kafka-javascript').KafkaJS
const { Kafka, logLevel } = confluent
const kafka = new Kafka({ kafkaJS: { brokers: [bootstrap], clientId: 'compat-ckjs', logLevel: logLevel.NOTHING } })
const open = new Set()

async function connected(client) {
  await client.connect()
  open.add(client)
  return client
}

let shared
export const theAdmin = () => (shared ??= connected(kafka.admin()))

/** `kafkaJS` are options in the names of kafkajs, `more` in those of librdkafka. */
export const producer = (kafkaJS = {}, more = {}) =>
  connected(
    kafka.producer({
      'linger.ms': 0,
      'metadata.max.age.ms': 5000,
      ...more,
      kafkaJS: { allowAutoTopicCreation: false, ...kafkaJS },
    }),
  )

export function newConsumer(kafkaJS = {}, more = {}) {
  const timeouts = { sessionTimeout: 10_000, heartbeatInterval: 300, maxWaitTimeInMs: 300 }
  const names = { groupId: unique('group'), fromBeginning: true, autoCommit: true, autoCommitInterval: 300 }
  return kafka.consumer({ ...more, kafkaJS: { ...names, ...timeouts, ...kafkaJS } })
}

export async function closeAll() {
  await Promise.allSettled([...open].map(client => client.disconnect()))
}

export async function newTopic(numPartitions = 1, configs = {}) {
  const topic = unique('ckjs')
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const admin = await theAdmin()
  await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] })
  await eventually(
    () =>
      admin.fetchTopicOffsets(topic).then(
        all => all.length === numPartitions,
        () => false,
      ),
    { what: 'the topic' },
  )
  return topic
}

export async function produce(topic, values, kafkaJS = {}) {
  const client = await producer(kafkaJS)
  const messages = values.map(value => (typeof value === 'object' ? value : { value, partition: 0 }))
  const result = await client.send({ topic, messages })
  await client.disconnect()
  open.delete(client)
  return result
}

/** A running member of a group; `.seen` are its messages, `.owned()` its partitions of `topic`. */
export async function member(topic, kafkaJS = {}, more = {}) {
  const client = await connected(newConsumer(kafkaJS, more))
  const state = { client, seen: [] }
  state.owned = () =>
    client
      .assignment()
      .filter(one => one.topic === topic)
      .map(one => one.partition)
  state.leave = async () => {
    open.delete(client)
    await client.disconnect()
  }
  await client.subscribe({ topics: [topic] })
  await client.run({ eachMessage: async ({ partition, message }) => void state.seen.push({ ...message, partition }) })
  return state
}

/** Reads `count` messages of `topic` and leaves. */
export async function read(topic, count, kafkaJS = {}, more = {}) {
  const one = await member(topic, kafkaJS, more)
  await eventually(() => one.seen.length >= count, { what: `${count} messages` })
  await one.leave()
  return one.seen
}

export const textOf = messages => messages.map(({ value }) => value?.toString())
