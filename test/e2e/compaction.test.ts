/** Compaction in a whole broker: the internal topics, what coordinators load afterwards, and what clients may write. */
import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost } from '../../src/host/node.ts'
import type { Log } from '../../src/log/log.ts'
import { recordingLogger } from '../api/recording-logger.ts'

const settings = {
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'log.dirs': '/data',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  // Closes segments that nobody fills.
  'log.cleaner.max.compaction.lag.ms': '1',
}

async function compacted(broker: Broker, topic: string): Promise<Log> {
  const { logs } = broker.rooms
  const log = logs.get(topic, 0)
  if (!log) throw new Error(`no log of ${topic}`)
  const before = log.sizeBytes
  // Records of this very millisecond are not overdue yet.
  while (!(await logs.cleaner.compact(log))) await new Promise<void>(resolve => broker.rooms.host.clock.soon(resolve))
  if (log.sizeBytes >= before) throw new Error(`${topic} has not become smaller`)
  return log
}

t.test('committed offsets and transactional ids outlast the compaction of their topics', async t => {
  const disk = new MemoryDisk()
  const lines: Parameters<typeof recordingLogger>[0] = []
  const start = () =>
    Broker.start(
      parseBrokerConfig(new Map(Object.entries(settings))),
      nodeHost({ disk, logger: recordingLogger(lines) }),
    )
  let broker = await start()
  t.teardown(() => broker.close())
  const client = () =>
    new Kafka({
      brokers: [`127.0.0.1:${broker.listeners[0].port}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 10 },
    })
  const committed = async () => {
    const admin = client().admin()
    await admin.connect()
    const [{ partitions }] = await admin.fetchOffsets({ groupId: 'g', topics: ['in'] })
    await admin.disconnect()
    return partitions.map(({ offset }) => offset)
  }

  const admin = client().admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'in', numPartitions: 1 }] })
  await admin.disconnect()
  const producer = client().producer({ transactionalId: 'tx', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (let at = 0; at < 12; at++) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'in', messages: [{ value: `v${at}` }] })
    await transaction.sendOffsets({
      consumerGroupId: 'g',
      topics: [{ topic: 'in', partitions: [{ partition: 0, offset: String(100 + at) }] }],
    })
    await (at % 2 === 0 ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
  t.same(await committed(), ['110'])

  await compacted(broker, '__consumer_offsets')
  await compacted(broker, '__transaction_state')
  t.same(await committed(), ['110'], 'while it runs')
  await broker.close()
  broker = await start()
  t.same(await committed(), ['110'], 'loaded from what is left')

  const again = client().producer({ transactionalId: 'tx', maxInFlightRequests: 1, idempotent: true })
  await again.connect()
  const transaction = await again.transaction()
  await transaction.send({ topic: 'in', messages: [{ value: 'after' }] })
  await transaction.commit()
  await again.disconnect()
  t.same(
    lines.filter(({ level }) => level === 'error'),
    [],
  )
})

t.test('a compacted topic takes no record without key', async t => {
  const broker = await Broker.start(
    parseBrokerConfig(new Map(Object.entries(settings))),
    nodeHost({ disk: new MemoryDisk(), logger: recordingLogger([]) }),
  )
  t.teardown(() => broker.close())
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${broker.listeners[0].port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic: 'keyed', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
  })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  await t.rejects(producer.send({ topic: 'keyed', messages: [{ value: 'no key' }] }))
  await producer.send({ topic: 'keyed', messages: [{ key: 'k', value: 'v' }] })
  await producer.disconnect()
})
