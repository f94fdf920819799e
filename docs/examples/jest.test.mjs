// jest. A consumer that dies in silence, without waiting for its session to end; and a fixture to come back to.
import { Kafka, logLevel } from 'kafkajs'
import { startTestBroker } from 'ottla/testing'

let broker
let begun

beforeAll(async () => {
  broker = await startTestBroker()
  await broker.produce('orders', ['1', '2', '3'])
  await broker.commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 1 }])
  begun = await broker.snapshot()
})

afterEach(() => broker.restore(begun))

afterAll(() => broker.close())

async function consume(count) {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders' })
  const values = []
  await new Promise(resolve => {
    consumer.run({
      eachMessage: async ({ message }) => {
        if (values.push(String(message.value)) === count) resolve()
      },
    })
  })
  return { consumer, values }
}

test('it goes on where the group is', async () => {
  const { consumer, values } = await consume(2)
  expect(values).toEqual(['2', '3'])
  await broker.journal.waitFor('OffsetCommit', {
    group: 'billing',
    matching: ({ request }) => request.topics[0].partitions[0].committedOffset === 3,
  })
  expect(await broker.group('billing')).toMatchObject({ state: 'Stable', offsets: [{ offset: 3, lag: 0 }] })
  await consumer.disconnect()
})

test('one that falls silent is missed after 30 seconds', async () => {
  const { consumer } = await consume(2)
  const silent = broker.on(['Heartbeat', 'OffsetCommit'], { group: 'billing' }).drop()

  await broker.clock.advance(29_000)
  expect(await broker.group('billing')).toMatchObject({ members: [{ partitions: [{ topic: 'orders' }] }] })
  await broker.clock.advance(2_000)
  expect(await broker.group('billing')).toMatchObject({ state: 'Empty', members: [] })

  silent.stop()
  broker.disconnectAll()
  await consumer.disconnect()
})
