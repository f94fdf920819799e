// What the tests share: the library from the cache folder, clients that are closed in the end, topics, reading.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assert, bootstrap, cacheDir, eventually, unique } from '../lib/harness.mjs'

const resolve = createRequire(join(cacheDir, 'package.json')).resolve
export const platformatic = await import(pathToFileURL(resolve('@platformatic/kafka')).href)
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } = platformatic

const open = new Set()
const base = () => ({ clientId: 'compat-platformatic', bootstrapBrokers: [bootstrap], retryDelay: 100 })

function track(client) {
  open.add(client)
  client.on('error', () => {}) // reported by the call that fails too
  return client
}

export const admin = track(new Admin(base()))

export const producer = (options = {}) => track(new Producer({ ...base(), serializers: stringSerializers, ...options }))

export function consumer(options = {}) {
  const defaults = { groupId: unique('group'), deserializers: stringDeserializers, maxWaitTime: 300 }
  const timeouts = { sessionTimeout: 10_000, rebalanceTimeout: 10_000, heartbeatInterval: 300 }
  return track(new Consumer({ ...base(), ...defaults, ...timeouts, ...options }))
}

export const bytes = { key: undefined, value: undefined, headerKey: undefined, headerValue: undefined }

export async function closeAll() {
  await Promise.allSettled([...open].map(client => client.close(true)))
}

/** A topic that every partition of has a leader. */
export async function newTopic(partitions = 1, configs = {}) {
  const topic = unique('platformatic')
  await admin.createTopics({
    topics: [topic],
    partitions,
    replicas: 1,
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  })
  await ready(topic)
  return topic
}

/** Waits until the broker leads what the controller has made: a send that finds one partition unready is repeated whole. */
export function ready(name) {
  const leading = async () => {
    const metadata = await admin.metadata({ topics: [name], forceUpdate: true })
    const partitions = metadata.topics
      .get(name)
      .partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    return admin.listOffsets({ topics: [{ name, partitions }] })
  }
  return eventually(() => leading().catch(() => null), { what: 'the topic' })
}

export async function produce(topic, values, options = {}) {
  const client = producer(options)
  const messages = values.map(value =>
    typeof value === 'object' ? { topic, ...value } : { topic, partition: 0, value },
  )
  const result = await client.send({ messages, acks: -1, ...options })
  await client.close()
  return result
}

/** Reads `count` messages of `topic` and leaves. */
export async function read(topic, count, { client = consumer(), mode = 'earliest', ...options } = {}) {
  const stream = await client.consume({ topics: [topic], mode, autocommit: true, ...options })
  const messages = await take(stream, count)
  await client.close(true)
  return messages
}

export async function take(stream, count) {
  const messages = []
  for await (const message of stream) {
    messages.push(message)
    if (messages.length === count) break
  }
  return messages
}

/** Fails unless `promise` is refused with the error of that name. */
export async function refused(promise, name) {
  const error = await promise.then(
    () => null,
    caught => caught,
  )
  assert.ok(error, `expected ${name}, got no error`)
  const found = error.findBy?.('apiId', name) ?? (error.apiId === name && error)
  assert.ok(
    found,
    `expected ${name}, got ${error.message} ${JSON.stringify(error.errors?.map(one => one.apiId ?? one.message))}`,
  )
}
