import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import { metadata } from '../../protocol/index.ts'
import { startTestCluster } from '../../src/testing/index.ts'
import { RawClient } from '../network/raw-client.ts'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

t.test('a cluster of a test', async t => {
  const cluster = await startTestCluster({ brokers: 3 })
  t.teardown(() => cluster.close())
  const kafka = new Kafka({
    brokers: cluster.bootstrap.split(','),
    clientId: 'app',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  })
  const values = async () => (await cluster.records('a')).map(({ value }) => value)
  const producer = kafka.producer()
  await producer.connect()
  await cluster.createTopic('a', { partitions: 1, replicationFactor: 3 })

  await t.test('clients see their listener only, and only they are watched', async t => {
    const client = await RawClient.connect(cluster.brokers[0].port)
    const told = await client.call(metadata, 1, { topics: [], includeTopicAuthorizedOperations: false })
    client.destroy()
    t.same(told?.brokers.map(({ port }) => port).sort(), cluster.brokers.map(({ port }) => port).sort())
    await cluster.produce('a', ['replicated'])
    t.same(
      cluster.journal.requests('*').filter(({ clientId }) => clientId.startsWith('ottla')),
      [],
    )
  })

  await t.test('leaders move', async t => {
    for (const id of [2, 3, 1]) {
      await cluster.moveLeader('a', 0, id)
      t.equal(cluster.leaderOf('a', 0), id)
      await producer.send({ topic: 'a', messages: [{ value: `by ${id}` }] })
      t.match(cluster.journal.last('Produce'), { broker: id, response: { responses: [{ name: 'a' }] } })
    }
    t.same(await values(), ['replicated', 'by 2', 'by 3', 'by 1'])
  })

  await t.test('coordinators move', async t => {
    await cluster.whenInSync()
    const group = 'readers'
    await cluster.commitOffsets(group, [{ topic: 'a', partition: 0, offset: 1 }])
    for (const id of [1, 2]) {
      await cluster.moveCoordinator({ group }, id)
      t.equal(await cluster.coordinatorOf({ group }), id)
    }
    t.match(await cluster.group(group), { state: 'Empty', offsets: [{ offset: 1, endOffset: 4, lag: 3 }] })
    await cluster.moveCoordinator({ transactionalId: 'tx' }, 3)
    t.equal(await cluster.coordinatorOf({ transactionalId: 'tx' }), 3)
  })

  await t.test('hooks on one broker of them', async t => {
    await cluster.moveLeader('a', 0, 2)
    const other = cluster.on('Produce', { broker: 3 }).fail('UNKNOWN_SERVER_ERROR')
    const here = cluster.on('Produce', { broker: 2, topic: 'a' }).once().fail('NOT_LEADER_OR_FOLLOWER')
    await producer.send({ topic: 'a', messages: [{ value: 'at the second attempt' }] })
    t.equal(here.hits.length, 1)
    t.equal(other.hits.length, 0)
    other.stop()
  })

  await t.test('time goes by for all of them', async t => {
    const before = cluster.brokers.map(({ id }) => id)
    const beganMs = performance.now()
    await cluster.clock.advance(60_000)
    t.comment(`${(performance.now() - beganMs).toFixed(0)} ms for a minute`)
    await cluster.whenInSync()
    t.same(
      cluster.brokers.filter(({ isRunning }) => isRunning).map(({ id }) => id),
      before,
    )
    await producer.send({ topic: 'a', messages: [{ value: 'later' }] })
    t.equal((await values()).at(-1), 'later')
  })

  await t.test('there and back', async t => {
    await cluster.whenInSync()
    const kept = await values()
    const snapshot = await cluster.snapshot()
    await cluster.produce('a', ['gone'])
    const { id } = await cluster.add()
    t.equal(id, 4)
    await cluster.stop(2, { abrupt: true })
    await producer.send({ topic: 'a', messages: [{ value: 'without 2' }] })
    t.not(cluster.leaderOf('a', 0), 2)
    const beganMs = performance.now()
    await cluster.restore(snapshot)
    t.comment(`${(performance.now() - beganMs).toFixed(0)} ms to restore`)
    t.same(
      cluster.brokers.map(({ id, isRunning }) => [id, isRunning]),
      [
        [1, true],
        [2, true],
        [3, true],
      ],
    )
    t.same(await values(), kept)
    await producer.send({ topic: 'a', messages: [{ value: 'again' }] })
    t.same(await values(), [...kept, 'again'])
    await cluster.reset()
    t.same(cluster.topics, [])
  })
  await producer.disconnect()
})
