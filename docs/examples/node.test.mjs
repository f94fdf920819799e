// node:test. A broker that wrote the records, and an answer that got lost on its way back.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { startTestBroker } from 'ottla/testing'

const createPartitioner = Partitioners.DefaultPartitioner
let broker
let kafka

before(async () => {
  broker = await startTestBroker()
  kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } })
})

after(() => broker.close())

for (const idempotent of [false, true]) {
  test(`a lost answer, ${idempotent ? 'with' : 'without'} idempotence`, async () => {
    const topic = idempotent ? 'payments-once' : 'payments'
    const producer = kafka.producer({ idempotent, createPartitioner })
    await producer.connect()
    const lost = broker.on('Produce', { topic }).once().afterActing().disconnect()

    await producer.send({ topic, messages: [{ key: 'order-1', value: 'paid' }] })

    assert.equal(lost.hits.length, 1)
    const values = (await broker.records(topic)).map(({ value }) => value)
    assert.deepEqual(values, idempotent ? ['paid'] : ['paid', 'paid'])
    await producer.disconnect()
  })
}
