import { startCluster } from 'ottla'
import t, { type Test } from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { encodeRequestFrame } from '../../protocol/header.ts'
import {
  apiVersions,
  createTopics,
  deleteTopics,
  describeConfigs,
  fetch,
  listOffsets,
  offsetCommit,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
} from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildMessageSet, type LegacyMessage, MessageCursor, readMessages } from '../../protocol/records/legacy.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { RawClient } from '../network/raw-client.ts'
import { TransactionalProducer } from './transactional-producer.ts'
import { makeTopics, produceTo, startWhole, type WholeBroker } from './whole-broker.ts'

function messages(...values: (string | null)[]): LegacyMessage[] {
  return values.map((value, offset) => ({
    offset,
    timestampMs: 1000 + offset,
    key: offset % 2 === 0 ? Buffer.from(`k${offset}`) : null,
    value: value === null ? null : Buffer.from(value),
  }))
}

interface FetchOptions {
  readonly offset?: number
  readonly version?: number
  readonly partitionMaxBytes?: number
  readonly maxBytes?: number
  readonly maxWaitMs?: number
  readonly topics?: string[]
}

async function fetchAll(client: RawClient, options: FetchOptions = {}) {
  const { offset = 0, version = 2, partitionMaxBytes = 1 << 20, maxBytes = 1 << 20, maxWaitMs = 0 } = options
  const answer = await client.call(fetch, version, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics: (options.topics ?? ['t']).map(topic => ({
      topic,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
      partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes }],
    })),
    forgottenTopicsData: [],
  })
  if (answer === null) throw new Error('closed')
  return answer.responses.map(({ partitions: [partition] }) => ({
    ...partition,
    set: Buffer.from(Buffer.concat([partition.records ?? []].flat())),
  }))
}

async function fetchOne(client: RawClient, options: FetchOptions = {}) {
  return (await fetchAll(client, options))[0]
}

const told = (set: Buffer) =>
  [...readMessages(set)].map(({ offset, timestampMs, key, value }) => [
    offset,
    timestampMs,
    key?.toString() ?? null,
    value?.toString() ?? null,
  ])

async function prepare(t: Test, configs: Record<string, string> = {}): Promise<[WholeBroker, RawClient]> {
  const broker = await startWhole(t)
  const client = await broker.connect()
  t.teardown(() => client.destroy())
  await makeTopics(client, { t: { configs }, other: {} })
  return [broker, client]
}

t.test('old producers and old consumers, every codec', async t => {
  const [broker, client] = await prepare(t)
  let offset = 0
  for (const version of [0, 1, 2]) {
    for (const codecId of [0, 1, 2, 3]) {
      const magic = version < 2 ? 0 : 1
      const set = buildMessageSet({ magic, messages: messages('a', 'b', null), codecId })
      const answer = await produceTo(client, 't', set, { version })
      t.match(answer, { errorCode: 0, baseOffset: offset, logAppendTimeMs: -1 })
      for (const fetching of [0, 1, 2, 3]) {
        const fetched = await fetchOne(client, { offset, version: fetching })
        t.match(fetched, { errorCode: 0, highWatermark: offset + 3 })
        const time = (i: number) => (magic === 0 || fetching < 2 ? -1 : 1000 + i)
        t.same(
          told(fetched.set),
          [
            [offset, time(0), 'k0', 'a'],
            [offset + 1, time(1), null, 'b'],
            [offset + 2, time(2), 'k2', null],
          ],
          `${version} ${codecId} ${fetching}`,
        )
        const cursor = new MessageCursor(fetched.set)
        cursor.next()
        t.equal(cursor.magic, fetching < 2 ? 0 : 1)
        t.equal(cursor.codecId, codecId)
      }
      const modern = await fetchOne(client, { offset, version: 11 })
      t.equal([...readRecords(modern.set)].length, 3)
      offset += 3
    }
  }
  t.same(broker.errors(), [])
})

t.test('what new producers wrote', async t => {
  const [, client] = await prepare(t)
  const records = [0, 1, 2].map(i => ({
    key: null,
    value: Buffer.from(`v${i}`),
    timestampMs: 5000 + i,
    headers: [{ key: 'h', value: Buffer.from('x') }],
  }))
  for (const codecId of [0, 1, 2, 3]) await produceTo(client, 't', buildBatch({ records, codecId }))
  const { set } = await fetchOne(client, { version: 3 })
  t.same(
    told(set),
    Array.from({ length: 12 }, (_, i) => [i, 5000 + (i % 3), null, `v${i % 3}`]),
  )
  await produceTo(client, 't', buildBatch({ records, codecId: 4 }))
  t.equal((await fetchOne(client, { version: 3 })).errorCode, 0)
  t.match(await fetchOne(client, { version: 3, offset: 12 }), { errorCode: Errors.UNSUPPORTED_COMPRESSION_TYPE })
})

t.test('append time', async t => {
  const [, client] = await prepare(t, { 'message.timestamp.type': 'LogAppendTime' })
  const before = Date.now()
  const set = buildMessageSet({ magic: 1, messages: messages('a', 'b'), codecId: 1 })
  const answer = await produceTo(client, 't', set, { version: 2 })
  const time = answer?.logAppendTimeMs ?? 0
  t.ok(time >= before && time <= Date.now())
  const fetched = await fetchOne(client, { version: 2 })
  t.same(
    [...readMessages(fetched.set)].map(({ timestampMs }) => timestampMs),
    [time, time],
  )
  const cursor = new MessageCursor(fetched.set)
  cursor.next()
  t.ok(cursor.logAppendTime)
})

t.test('what old producers get wrong', async t => {
  const [broker, client] = await prepare(t, { 'max.message.bytes': '1000' })
  await makeTopics(client, { compacted: { configs: { 'cleanup.policy': 'compact' } } })
  const set = buildMessageSet({ magic: 0, messages: messages('a') })
  const broken = Buffer.from(set)
  broken[20] ^= 1
  const code = async (topic: string, records: Buffer | null, options = {}) =>
    (await produceTo(client, topic, records, { version: 1, ...options }))?.errorCode
  t.equal(await code('t', broken), Errors.CORRUPT_MESSAGE)
  t.equal(await code('missing', set), Errors.UNKNOWN_TOPIC_OR_PARTITION)
  t.equal(await code('__consumer_offsets', set), Errors.INVALID_TOPIC_EXCEPTION)
  t.equal(await code('t', set, { acks: 2 }), Errors.INVALID_REQUIRED_ACKS)
  t.equal(await code('t', null), Errors.INVALID_RECORD)
  const large = buildMessageSet({ magic: 0, messages: [{ ...messages('a')[0], value: Buffer.alloc(2000) }] })
  t.equal(await code('t', large), Errors.MESSAGE_TOO_LARGE)
  const bomb = buildMessageSet({
    magic: 0,
    messages: [{ ...messages('a')[0], value: Buffer.alloc(80 << 20) }],
    codecId: 1,
  })
  t.equal(await code('t', bomb), Errors.MESSAGE_TOO_LARGE)
  t.equal(await code('compacted', buildMessageSet({ magic: 0, messages: messages('a', 'b') })), Errors.INVALID_RECORD)
  t.equal(await code('t', set, { version: 3 }), Errors.INVALID_RECORD)
  // As Apache Kafka: nothing whole in it, nothing done.
  t.match(await produceTo(client, 't', Buffer.alloc(0), { version: 1 }), { errorCode: 0, baseOffset: -1 })
  t.match(await produceTo(client, 't', set.subarray(0, 20), { version: 1 }), { errorCode: 0, baseOffset: -1 })
  t.match(await produceTo(client, 't', set, { version: 1 }), { errorCode: 0, baseOffset: 0 })
  t.same(broker.errors(), [])
})

t.test('acks=0', async t => {
  const [, client] = await prepare(t)
  const set = buildMessageSet({ magic: 0, messages: messages('a') })
  const topicData = [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionData: [{ index: 0, records: set }] }]
  client.send(...encodeRequestFrame(produce, 0, 1, 'test', { acks: 0, timeoutMs: 100, topicData }))
  const { highWatermark } = await fetchOne(client, { version: 0, maxWaitMs: 5000 })
  t.equal(highWatermark, 1)
})

t.test('limits', async t => {
  const [, client] = await prepare(t)
  for (const topic of ['t', 'other']) {
    const set = [0, 1, 2].map(() => ({ key: null, value: Buffer.alloc(66) }))
    await produceTo(client, topic, buildBatch({ records: set }))
  }
  const sizes = async (options: FetchOptions) =>
    (await fetchAll(client, { topics: ['t', 'other'], ...options })).map(({ set }) => [
      [...readMessages(set)].length,
      set.length,
    ])
  // 100 bytes a message. Before KIP-74 every partition is cut at its limit, even in the first message.
  t.same(await sizes({ version: 2, partitionMaxBytes: 250 }), [
    [2, 250],
    [2, 250],
  ])
  t.same(await sizes({ version: 2, partitionMaxBytes: 50 }), [
    [0, 50],
    [0, 50],
  ])
  t.same(await sizes({ version: 2, partitionMaxBytes: 0 }), [
    [0, 0],
    [0, 0],
  ])
  t.same(await sizes({ version: 3, partitionMaxBytes: 50 }), [
    [1, 100],
    [0, 0],
  ])
  t.same(await sizes({ version: 3, partitionMaxBytes: 250 }), [
    [2, 200],
    [2, 200],
  ])
  t.same(await sizes({ version: 3, partitionMaxBytes: 300, maxBytes: 400 }), [
    [3, 300],
    [1, 100],
  ])
  t.same(await sizes({ version: 3, maxBytes: 0 }), [
    [1, 100],
    [0, 0],
  ])
})

t.test('waits for records', async t => {
  const [broker, client] = await prepare(t)
  const waiting = fetchOne(client, { version: 0, maxWaitMs: 10_000 })
  const other = await broker.connect()
  t.teardown(() => other.destroy())
  await produceTo(other, 't', buildMessageSet({ magic: 0, messages: messages('late') }), { version: 0 })
  t.same(told((await waiting).set), [[0, -1, 'k0', 'late']])
})

t.test('transactions: their records, and nothing of their markers', async t => {
  const [broker, client] = await prepare(t)
  const producer = await TransactionalProducer.start(broker.port, 'tx', 2)
  t.teardown(() => producer.client.destroy())
  for (const [value, committed] of [
    ['kept', true],
    ['aborted', false],
  ] as const) {
    t.equal(await producer.write('t', [value]), 'NONE')
    t.equal(await producer.end(committed), 'NONE')
  }
  const read = async (offset: number, maxWaitMs: number) =>
    [...readMessages((await fetchOne(client, { version: 3, offset, maxWaitMs })).set)].map(one => one.offset)
  // Offsets 1 and 3 are markers, written a little later.
  while ((await fetchOne(client)).highWatermark < 4);
  t.same(await read(0, 0), [0, 2], 'old consumers know nothing of what was aborted')
  t.same(await read(1, 0), [2])
  t.same(await read(3, 0), [], 'nothing but a marker is nothing')
  const waiting = read(3, 10_000)
  const other = await broker.connect()
  t.teardown(() => other.destroy())
  await produceTo(other, 't', buildMessageSet({ magic: 0, messages: messages('after') }), { version: 0 })
  t.same(await waiting, [4])
})

t.test('ListOffsets 0', async t => {
  const [, client] = await prepare(t, { 'segment.bytes': '1048576' })
  const offsets = async (timestamp: number, maxNumOffsets: number) => {
    const answer = await client.call(listOffsets, 0, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp, maxNumOffsets }] }],
      timeoutMs: 0,
    })
    const [partition] = answer?.topics[0].partitions ?? []
    return partition.errorCode === 0 ? partition.oldStyleOffsets : partition.errorCode
  }
  t.same(await offsets(-1, 10), [0])
  t.same(await offsets(-2, 10), [0])
  // Three segments, the batches of each 1 s, 2 s and 3 s after the epoch.
  for (const timestampMs of [1000, 2000, 3000]) {
    const record = { key: null, value: Buffer.alloc(600_000), timestampMs }
    await produceTo(client, 't', buildBatch({ records: [record] }))
  }
  t.same(await offsets(-1, 10), [3, 2, 1, 0])
  t.same(await offsets(-1, 1), [3])
  t.same(await offsets(-2, 10), [0])
  t.same(await offsets(-1, 0), [])
  t.same(await offsets(2500, 10), [1, 0])
  t.same(await offsets(2500, 1), [1])
  t.same(await offsets(500, 10), [])
  t.same(await offsets(Date.now() + 60_000, 2), [3, 2])
  t.equal(await offsets(-1, -1), Errors.INVALID_REQUEST)
})

t.test('offsets that once were in ZooKeeper', async t => {
  const [, client] = await prepare(t)
  const commit = async (version: number, committedOffset: number, topic = 't') => {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: `m${committedOffset}` }]
    const answer = await client.call(offsetCommit, version, {
      groupId: 'g',
      memberId: '',
      topics: [{ name: topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions }],
    })
    return answer?.topics[0].partitions[0].errorCode
  }
  const fetched = async (version: number, topic = 't') => {
    const topics = [{ name: topic, partitionIndexes: [0] }]
    const answer = await client.call(offsetFetch, version, { groupId: 'g', topics, groups: [] })
    const { committedOffset, metadata, errorCode } = answer?.topics[0].partitions[0] ?? {}
    return [committedOffset, metadata, errorCode]
  }
  t.same(await fetched(0), [-1, '', Errors.UNKNOWN_TOPIC_OR_PARTITION])
  t.same(await fetched(1), [-1, '', 0])
  t.equal(await commit(0, 7), 0)
  t.same(await fetched(0), [7, 'm7', 0])
  t.same(await fetched(1), [7, 'm7', 0])
  t.equal(await commit(1, 8), 0)
  t.same(await fetched(0), [8, 'm8', 0])
  t.equal(await commit(0, 8, 'missing'), Errors.UNKNOWN_TOPIC_OR_PARTITION)
})

t.test('of a cluster any broker takes such offsets', async t => {
  const cluster = await startCluster({ brokers: 3, config: { 'offsets.topic.num.partitions': 3 } })
  t.teardown(() => cluster.close())
  const clients = await Promise.all(cluster.brokers.map(({ bootstrap }) => RawClient.connect(portOf(bootstrap))))
  t.teardown(() => {
    for (const client of clients) client.destroy()
  })
  await makeTopics(clients[0], { t: {} })
  const settled = async (ask: () => Promise<readonly [number, number]>) => {
    for (;;) {
      const [errorCode, value] = await ask()
      // The coordinator, or its log, is not there at once.
      const passing: number[] = [
        Errors.COORDINATOR_NOT_AVAILABLE,
        Errors.NOT_COORDINATOR,
        Errors.COORDINATOR_LOAD_IN_PROGRESS,
      ]
      if (!passing.includes(errorCode)) return [errorCode, value]
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  for (const [i, client] of clients.entries()) {
    // Of the groups each broker coordinates some.
    for (const groupId of ['g0', 'g1', 'g2', 'g3']) {
      const commit = { partitionIndex: 0, committedOffset: 10 + i, committedMetadata: '' }
      const topics = [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [commit] }]
      const committed = async () => {
        const answer = await client.call(offsetCommit, 0, { groupId, memberId: '', topics })
        return [answer?.topics[0].partitions[0].errorCode ?? -1, 0] as const
      }
      t.same(await settled(committed), [0, 0])
      for (const each of clients) {
        const fetched = async () => {
          const wanted = [{ name: 't', partitionIndexes: [0] }]
          const answer = await each.call(offsetFetch, 0, { groupId, topics: wanted, groups: [] })
          const { errorCode, committedOffset } = answer?.topics[0].partitions[0] ?? {
            errorCode: -1,
            committedOffset: -1,
          }
          return [errorCode, committedOffset] as const
        }
        t.same(await settled(fetched), [0, 10 + i])
      }
    }
  }
})

function portOf(bootstrap: string): number {
  return Number(bootstrap.slice(bootstrap.lastIndexOf(':') + 1))
}

t.test('administrators of old', async t => {
  const [, client] = await prepare(t)
  for (const version of [0, 1]) {
    const made = await client.call(createTopics, version, {
      topics: [{ name: `made-${version}`, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000,
    })
    t.match(made, { topics: [{ errorCode: 0 }] })
  }
  const described = await client.call(describeConfigs, 0, {
    resources: [{ resourceType: 2, resourceName: 't', configurationKeys: ['retention.ms'] }],
  })
  t.match(described, { results: [{ errorCode: 0, configs: [{ name: 'retention.ms', isDefault: true }] }] })
  const deleted = await client.call(deleteTopics, 0, { topics: [], topicNames: ['made-0'], timeoutMs: 5000 })
  t.match(deleted, { responses: [{ name: 'made-0', errorCode: 0 }] })
  await produceTo(client, 't', buildMessageSet({ magic: 0, messages: messages('a') }), { version: 0 })
  for (const version of [0, 1]) {
    const topics = [{ topic: 't', partitions: [{ partition: 0, leaderEpoch: 0 }] }]
    const end = await client.call(offsetForLeaderEpoch, version, { topics })
    t.match(end, { topics: [{ partitions: [{ errorCode: 0, endOffset: 1 }] }] })
  }
})

t.test('the wide range is advertised', async t => {
  const [, client] = await prepare(t)
  const served = await client.call(apiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
  const lowest = new Map(served?.apiKeys.map(({ apiKey, minVersion }) => [apiKey, minVersion]))
  for (const key of [0, 1, 2, 8, 9, 11, 19, 20, 23, 27, 29, 32, 35]) t.equal(lowest.get(key), 0, `key ${key}`)
})
