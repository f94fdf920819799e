// tap. A cluster whose leaders move, and a broker that plays an older Kafka.
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { startTestBroker, startTestCluster } from 'ottla/testing'
import t from 'tap'

const quiet = { logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } }
const createPartitioner = Partitioners.DefaultPartitioner

t.test('a leader dies', async t => {
  const cluster = await startTestCluster({ brokers: 3 })
  t.teardown(() => cluster.close())
  await cluster.createTopic('orders', { replicationFactor: 3 })
  await cluster.moveLeader('orders', 0, 2)
  const producer = new Kafka({ brokers: cluster.bootstrap.split(','), ...quiet }).producer({ createPartitioner })
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ value: 'before' }] })

  await cluster.stop(2, { abrupt: true })
  await producer.send({ topic: 'orders', messages: [{ value: 'after' }] })

  t.not(cluster.leaderOf('orders', 0), 2)
  t.match(await cluster.records('orders'), [{ value: 'before' }, { value: 'after' }])
  await producer.disconnect()
})

t.test('Kafka 0.11', async t => {
  const broker = await startTestBroker({ emulate: '0.11' })
  t.teardown(() => broker.close())
  const producer = new Kafka({ brokers: [broker.bootstrap], ...quiet }).producer({ createPartitioner })
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ value: 'in old clothes' }] })
  t.match(broker.journal.last('Produce'), { version: 3 })
  await producer.disconnect()
})
