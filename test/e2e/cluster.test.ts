/** Three brokers in one process, through the eyes of a client. */
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { type Cluster, startCluster } from 'ottla'
import t, { type Test } from 'tap'
import { createTopics } from '../../protocol/index.ts'
import { temporaryDirectory } from '../bin/ottla-process.ts'
import { RawClient } from '../network/raw-client.ts'

const topic = 'letters'

// Six clusters, each with elections.
t.setTimeout(120_000)

interface World {
  readonly cluster: Cluster
  readonly kafka: Kafka
  readonly admin: Admin
  readonly producer: Producer
}

async function world(t: Test): Promise<World> {
  const cluster = await startCluster({ brokers: 3, config: { 'min.insync.replicas': 2 } })
  const kafka = new Kafka({
    brokers: cluster.brokers.map(({ bootstrap }) => bootstrap),
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, initialRetryTime: 50, maxRetryTime: 300 },
  })
  const admin = kafka.admin()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  t.teardown(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()])
    await cluster.close()
  })
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3 }] })
  return { cluster, kafka, admin, producer }
}

const send = (producer: Producer, ...values: string[]) =>
  producer.send({ topic, acks: -1, messages: values.map(value => ({ value })) })

/** What a new group reads, up to so many. */
async function read({ kafka }: World, groupId: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>(resolve => {
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value))
        if (values.length >= count) resolve()
      },
    })
  })
  await consumer.disconnect()
  return values
}

for (const abrupt of [false, true]) {
  t.test(`the leader ${abrupt ? 'dies' : 'stops'}, others go on, and it comes back`, async t => {
    const all = await world(t)
    const { cluster, producer } = all
    await send(producer, 'a', 'b')
    const leader = cluster.leaderOf(topic, 0)
    await cluster.stop(leader, { abrupt })
    await send(producer, 'c')
    t.not(cluster.leaderOf(topic, 0), leader)
    t.same(await read(all, 'one', 3), ['a', 'b', 'c'])
    await cluster.start(leader)
    await cluster.whenInSync()
    await send(producer, 'd')
    t.same(await read(all, 'two', 4), ['a', 'b', 'c', 'd'])
  })
}

t.test('the active controller dies: another takes over and serves', async t => {
  const { cluster, producer } = await world(t)
  await send(producer, 'a')
  const controller = cluster.controllerId
  await cluster.stop(controller, { abrupt: true })
  const survivor = cluster.brokers.find(({ isRunning }) => isRunning)!
  const client = await RawClient.connect(survivor.port)
  t.teardown(() => client.destroy())
  const after = { name: 'after', numPartitions: 2, replicationFactor: 2, assignments: [], configs: [] }
  const answer = await client.call(createTopics, 7, { topics: [after], timeoutMs: 10_000 })
  t.equal(answer?.topics[0].errorCode, 0)
  t.not(cluster.controllerId, controller)
  await send(producer, 'b')
  await cluster.start(controller)
  await cluster.whenInSync()
})

t.test('each broker in turn, while a producer goes on', async t => {
  const all = await world(t)
  const { cluster, producer } = all
  const sent: string[] = []
  let isOver = false
  const producing = (async () => {
    while (!isOver) {
      const value = `v${sent.length}`
      await send(producer, value)
      sent.push(value)
    }
  })()
  for (const { id } of cluster.brokers) {
    await cluster.stop(id)
    await cluster.start(id)
    await cluster.whenInSync()
  }
  isOver = true
  await producing
  t.same(await read(all, 'everything', sent.length), sent)
})

t.test('moving a leader, adding a broker and removing it', async t => {
  const { cluster, admin, producer } = await world(t)
  for (const id of [1, 2, 3]) {
    await cluster.moveLeader(topic, 0, id)
    t.equal(cluster.leaderOf(topic, 0), id)
    await send(producer, `to ${id}`)
  }
  const added = await cluster.add()
  t.equal(added.id, 4)
  await admin.createTopics({ topics: [{ topic: 'four', replicaAssignment: [{ partition: 0, replicas: [4] }] }] })
  await producer.send({ topic: 'four', acks: -1, messages: [{ value: 'x' }] })
  t.equal(cluster.leaderOf('four', 0), 4)
  await admin.deleteTopics({ topics: ['four'] })
  await cluster.remove(4)
  t.same(
    (await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId),
    [1, 2, 3],
  )
  await t.rejects(cluster.remove(1), /is a voter/)
})

t.test('a cluster in a directory is the same after a stop of all', async t => {
  const dataDir = temporaryDirectory(t)
  const cluster = await startCluster({ brokers: 3, dataDir })
  const kafka = new Kafka({ brokers: cluster.bootstrap.split(','), logLevel: logLevel.NOTHING })
  const before = kafka.producer()
  await before.connect()
  await before.send({ topic, acks: -1, messages: [{ value: 'a' }] })
  await before.disconnect()
  await cluster.close()
  const again = await startCluster({ dataDir })
  t.equal(again.clusterId, cluster.clusterId)
  t.equal(again.bootstrap, cluster.bootstrap)
  await again.whenInSync()
  const after = kafka.producer()
  await after.connect()
  const [{ baseOffset }] = await after.send({ topic, acks: -1, messages: [{ value: 'b', partition: 0 }] })
  t.equal(baseOffset, '1')
  await after.disconnect()
  await again.close()
})
