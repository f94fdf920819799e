// vitest. One broker for the file, put back before each test; errors where a client has to cope with them.
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { startTestBroker } from 'ottla/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

let broker
let producer

beforeAll(async () => {
  broker = await startTestBroker({ config: { 'num.partitions': 3 } })
  const kafka = new Kafka({
    brokers: [broker.bootstrap],
    clientId: 'shop',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  })
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
})

beforeEach(() => broker.reset())

afterAll(async () => {
  await producer.disconnect()
  await broker.close()
})

test('what the producer sends', async () => {
  await broker.createTopic('orders', { partitions: 3 })
  await producer.send({ topic: 'orders', acks: -1, messages: [{ key: 'a', value: '1', headers: { trace: 'x' } }] })

  expect(broker.journal.last('Produce', { topic: 'orders' })).toMatchObject({
    clientId: 'shop',
    outcome: 'answered',
    request: { acks: -1 },
  })
  expect(await broker.records('orders')).toMatchObject([{ key: 'a', value: '1', headers: { trace: 'x' } }])
})

test('it tries again when a leader has moved', async () => {
  const moved = broker.on('Produce', { topic: 'orders' }).times(2).fail('NOT_LEADER_OR_FOLLOWER')
  await broker.createTopic('orders')

  await producer.send({ topic: 'orders', messages: [{ value: 'stubborn' }] })

  expect(moved.hits).toHaveLength(2)
  expect(await broker.records('orders')).toHaveLength(1)
})

test('it gives up when it may not write', async () => {
  await broker.createTopic('orders')
  broker.on('Produce').fail('TOPIC_AUTHORIZATION_FAILED')

  await expect(producer.send({ topic: 'orders', messages: [{ value: 'no' }] })).rejects.toMatchObject({
    type: 'TOPIC_AUTHORIZATION_FAILED',
  })
  expect(broker.journal.count('Produce')).toBe(1)
})
