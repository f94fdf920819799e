// The kafka-node client under test: callbacks made promises, and helpers that several tests use.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bootstrap, cacheDir, deferred, unique } from '../lib/harness.mjs'

const require = createRequire(join(cacheDir, 'package.json'))
const kafkaNode = require('kafka-node')

export { kafkaNode }

const open = []

const { baseSupport } = require('kafka-node/lib/protocol/protocolVersions')

/** `old`: speaks as to Kafka 0.9, which has no ApiVersions: there the client gives up asking, and takes these versions. */
export async function connect({ old = false } = {}) {
  const client = new kafkaNode.KafkaClient({
    kafkaHost: bootstrap,
    clientId: 'compat-kafka-node',
    connectRetryOptions: { retries: 3, minTimeout: 50 },
  })
  if (old) client.getApiVersions = (_broker, done) => setImmediate(done, null, baseSupport)
  open.push(client)
  const ready = deferred()
  client.once('ready', ready.resolve)
  client.once('error', ready.reject)
  await ready.promise
  return client
}

export async function send(client, topic, messages, { attributes = 0, partition = 0, key, ...options } = {}) {
  const producer = new kafkaNode.Producer(client, { ackTimeoutMs: 5000, requireAcks: -1, ...options })
  return promisify(producer.send.bind(producer))([{ topic, messages, partition, attributes, key }])
}

/** The first `count` messages of a partition from an offset on. */
export async function read(client, topic, count, { offset = 0, encoding = 'utf8', ...options } = {}) {
  const consumer = new kafkaNode.Consumer(client, [{ topic, partition: 0, offset }], {
    groupId: unique('group'),
    autoCommit: false,
    fromOffset: true,
    fetchMaxWaitMs: 50,
    encoding,
    keyEncoding: 'utf8',
    ...options,
  })
  const messages = []
  const done = deferred()
  consumer.on('message', message => {
    if (messages.length < count) messages.push(message)
    if (messages.length === count) done.resolve()
  })
  consumer.on('error', done.reject)
  consumer.on('offsetOutOfRange', done.reject)
  try {
    await done.promise
    return messages
  } finally {
    consumer.pause()
    consumer.removeAllListeners()
  }
}

export const values = messages => messages.map(({ value }) => value)

/** A member of a group, and what it got so far. */
export function memberOf(groupId, topics, options = {}) {
  const group = new kafkaNode.ConsumerGroup(
    {
      kafkaHost: bootstrap,
      groupId,
      sessionTimeout: 10_000,
      heartbeatInterval: 300,
      fromOffset: 'earliest',
      fetchMaxWaitMs: 50,
      autoCommit: false,
      protocol: ['roundrobin'],
      ...options,
    },
    topics,
  )
  const member = { group, messages: [], partitions: () => group.topicPayloads.length }
  group.on('message', message => member.messages.push(message))
  group.on('error', error => {
    member.error = error
  })
  member.close = commit => promisify(group.close.bind(group))(commit)
  return member
}

export async function closeAll() {
  for (const client of open) client.close(() => {})
}
