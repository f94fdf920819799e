// The client under test and helpers that several test files use.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bootstrap, cacheDir, deferred, unique } from '../lib/harness.mjs'

const entry = join(cacheDir, 'node_modules/@platformatic/kafka/dist/index.js')
export const library = await import(pathToFileURL(entry).href)
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } = library

const base = {
  clientId: 'compat-platformatic',
  bootstrapBrokers: [bootstrap],
  timeout: 15_000,
  retries: 5,
  retryDelay: 100,
}
const open = []

function track(client) {
  open.push(client)
  return client
}

export const admin = track(new Admin({ ...base }))

export function producer(options = {}) {
  return track(new Producer({ ...base, serializers: stringSerializers, ...options }))
}

export function consumer(options = {}) {
  const settings = { sessionTimeout: 10_000, rebalanceTimeout: 10_000, heartbeatInterval: 500, maxWaitTime: 100 }
  return track(
    new Consumer({ ...base, groupId: unique('group'), deserializers: stringDeserializers, ...settings, ...options }),
  )
}

export async function newTopic(partitions = 1, configs = []) {
  const topic = unique('platformatic')
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs })
  return topic
}

let shared
export function theProducer() {
  shared ??= producer({ acks: -1, autocreateTopics: false })
  return shared
}

export const send = (topic, messages, options = {}) =>
  theProducer().send({ messages: messages.map(message => ({ topic, ...message })), ...options })

/** Consumes `topic` until `count` messages came; returns them. */
export async function consume(topic, count, { mode = 'earliest', offsets, client = consumer(), ...options } = {}) {
  const stream = await client.consume({ topics: [topic], mode, offsets, autocommit: false, ...options })
  const messages = []
  const done = deferred()
  stream.on('error', done.reject)
  stream.on('data', message => {
    messages.push(message)
    if (messages.length === count) done.resolve()
  })
  await done.promise
  await stream.close()
  await client.close(true)
  return messages
}

export const values = messages => messages.map(message => message.value)

export async function closeAll() {
  await Promise.allSettled(open.map(client => client.close(true)))
}
