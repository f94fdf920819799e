import t, { type Test } from 'tap'
import {
  createTopics,
  type ErrorName,
  Errors,
  fetch,
  findCoordinator,
  heartbeat,
  metadata,
  offsetCommit,
  produce,
  zeroUuid,
} from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { startTestBroker, type TestBroker } from '../../src/testing/index.ts'
import { RawClient } from '../network/raw-client.ts'

async function started(t: Test): Promise<{ broker: TestBroker; client: RawClient }> {
  const broker = await startTestBroker()
  const client = await RawClient.connect(broker.port)
  t.teardown(async () => {
    client.destroy()
    await broker.close()
  })
  const topics = ['a', 'b'].map(name => ({
    name,
    numPartitions: 3,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  await client.call(createTopics, 5, { topics, timeoutMs: 5000 })
  return { broker, client }
}

const asking = (...names: string[]) => ({
  topics: names.map(name => ({ name, topicId: zeroUuid })),
  includeTopicAuthorizedOperations: false,
})

const batch = () => buildBatch({ records: [{ key: null, value: Buffer.from('v') }], baseTimestamp: 1 })

function produceRequest(parts: Record<string, readonly number[]>, acks = -1) {
  const topicData = Object.entries(parts).map(([name, partitions]) => ({
    name,
    topicId: zeroUuid,
    partitionData: partitions.map(index => ({ index, records: batch() })),
  }))
  return { acks, timeoutMs: 5000, topicData }
}

/** The error and the base offset of every partition, as `topic-partition`. */
async function write(client: RawClient, parts: Record<string, readonly number[]>, version = 9) {
  const answer = await client.call(produce, version, produceRequest(parts))
  if (answer === null) return null
  const told = answer.responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(({ index, errorCode, baseOffset }) => [`${name}-${index}`, [errorCode, baseOffset]]),
  )
  return Object.fromEntries(told)
}

t.test('an error before the broker acts', async t => {
  const { broker, client } = await started(t)
  const hook = broker.on('Produce').once().fail('NOT_LEADER_OR_FOLLOWER')
  t.same(await write(client, { a: [0, 1] }), { 'a-0': [6, -1], 'a-1': [6, -1] })
  t.equal(hook.isActive, false)
  t.same(await write(client, { a: [0] }), { 'a-0': [0, 0] }, 'nothing was written before')
})

t.test('an error after the broker has acted', async t => {
  const { broker, client } = await started(t)
  broker.on('Produce').once().afterActing().fail('REQUEST_TIMED_OUT', { message: 'too slow' })
  const answer = await client.call(produce, 9, produceRequest({ a: [0] }))
  t.match(answer?.responses[0].partitionResponses[0], { errorCode: 7, baseOffset: -1, errorMessage: 'too slow' })
  t.same(await write(client, { a: [0] }), { 'a-0': [0, 1] }, 'it was written')
})

t.test('an error for one partition: the rest is served', async t => {
  const { broker, client } = await started(t)
  const hook = broker.on('Produce', { topic: 'a', partition: 1 }).times(2).fail('NOT_ENOUGH_REPLICAS')
  t.same(await write(client, { b: [1] }), { 'b-1': [0, 0] }, 'another topic')
  t.same(await write(client, { a: [0, 1], b: [1] }), { 'a-0': [0, 0], 'a-1': [19, -1], 'b-1': [0, 1] })
  t.same(await write(client, { a: [1] }), { 'a-1': [19, -1] }, 'with nothing left for the broker')
  t.same(await write(client, { a: [1] }), { 'a-1': [0, 0] }, 'twice is enough')
  t.equal(hook.hits.length, 2)
  broker.on('Produce', { topic: /^b/ }).once().afterActing().fail('REQUEST_TIMED_OUT')
  t.same(await write(client, { a: [0], b: [1, 2] }), { 'a-0': [0, 1], 'b-1': [7, -1], 'b-2': [7, -1] })
  t.same(await write(client, { b: [1, 2] }), { 'b-1': [0, 3], 'b-2': [0, 1] }, 'they were written')
})

t.test('topics by id', async t => {
  const { broker, client } = await started(t)
  const known = await client.call(metadata, 12, asking('a'))
  const topicId = known?.topics[0].topicId ?? ''
  broker.on('Produce', { topic: 'a', partition: 0 }).once().fail('KAFKA_STORAGE_ERROR')
  const partitionData = [0, 1].map(index => ({ index, records: batch() }))
  const answer = await client.call(produce, 13, { acks: 1, timeoutMs: 500, topicData: [{ topicId, partitionData }] })
  t.match(answer?.responses, [{ topicId, partitionResponses: { length: 2 } }])
  const codes = new Map(answer?.responses[0].partitionResponses.map(({ index, errorCode }) => [index, errorCode]))
  t.same([codes.get(0), codes.get(1)], [56, 0])
})

t.test('every way to name and to fail', async t => {
  const { broker, client } = await started(t)
  const error: ErrorName = 'COORDINATOR_NOT_AVAILABLE'
  const code = Errors[error]
  broker.on('FindCoordinator', { group: 'g' }).fail(error)
  t.match(await client.call(findCoordinator, 0, { key: 'g', coordinatorKeys: [] }), { errorCode: code })
  t.match(await client.call(findCoordinator, 4, { coordinatorKeys: ['g'], keyType: 0 }), {
    coordinators: [{ key: 'g', errorCode: code }],
  })
  t.match(await client.call(findCoordinator, 0, { key: 'other', coordinatorKeys: [] }), { errorCode: 0 })
  broker.on('Heartbeat').once().fail('REBALANCE_IN_PROGRESS')
  t.match(await client.call(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm' }), { errorCode: 27 })
  broker.on('OffsetCommit', { topic: 'a', partition: 2 }).fail('OFFSET_METADATA_TOO_LARGE')
  const topics = [{ name: 'a', partitions: [0, 2].map(partitionIndex => ({ partitionIndex, committedOffset: 1 })) }]
  const committed = await client.call(offsetCommit, 8, {
    groupId: 'new',
    memberId: '',
    topics: topics.map(({ name, partitions }) => ({
      name,
      topicId: zeroUuid,
      partitions: partitions.map(each => ({ ...each, committedMetadata: null })),
    })),
  })
  t.same(
    new Map(committed?.topics[0].partitions.map(each => [each.partitionIndex, each.errorCode])),
    new Map([
      [0, 0],
      [2, 12],
    ]),
  )
  broker.on('Metadata', { topic: 'a' }).once().fail('LEADER_NOT_AVAILABLE')
  const told = await client.call(metadata, 9, asking('a', 'b'))
  t.same(Object.fromEntries(told?.topics.map(each => [each.name, each.errorCode]) ?? []), { a: 5, b: 0 })
  broker.on('Metadata', { topic: 'a', partition: 1 }).once().fail('LEADER_NOT_AVAILABLE')
  const finer = await client.call(metadata, 9, asking('a'))
  const byIndex = finer?.topics[0].partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])
  t.same(byIndex?.sort(), [
    [0, 0],
    [1, 5],
    [2, 0],
  ])
})

t.test('a fetch keeps its session', async t => {
  const { broker, client } = await started(t)
  await write(client, { a: [0, 1] })
  const ask = (sessionId: number, sessionEpoch: number, partitions: readonly number[]) =>
    client.call(fetch, 11, {
      maxWaitMs: 10_000,
      minBytes: 1,
      sessionId,
      sessionEpoch,
      topics:
        partitions.length === 0
          ? []
          : [
              {
                topic: 'a',
                topicId: zeroUuid,
                partitions: partitions.map(partition => ({ partition, fetchOffset: 1, partitionMaxBytes: 1000 })),
              },
            ],
      forgottenTopicsData: [],
    })
  await write(client, { a: [0] })
  const first = await ask(0, 0, [0, 1])
  const sessionId = first?.sessionId ?? 0
  t.not(sessionId, 0)
  broker.on('Fetch', { topic: 'a', partition: 1 }).once().fail('NOT_LEADER_OR_FOLLOWER')
  const failed = await ask(sessionId, 1, [])
  t.equal(failed?.errorCode, 0)
  const codes = failed?.responses[0].partitions.map(each => [each.partitionIndex, each.errorCode])
  t.same(codes?.sort(), [
    [0, 0],
    [1, 6],
  ])
  t.match(await ask(sessionId, 2, []), { errorCode: 0, sessionId }, 'it goes on')
  broker.on('Fetch').once().fail('INVALID_FETCH_SESSION_EPOCH')
  t.match(await ask(sessionId, 3, []), { errorCode: 71 })
})

t.test('drop, disconnect, hold and delay', async t => {
  const { broker, client } = await started(t)
  const gone = broker.on('Produce', { clientId: 'test' }).once().afterActing().disconnect()
  t.equal(await write(client, { a: [0] }), null, 'the connection is closed')
  t.match(await gone.whenHit(), { api: 'Produce', clientId: 'test', outcome: 'disconnected' })
  const other = await RawClient.connect(broker.port)
  t.teardown(() => other.destroy())
  const held = broker.on('Produce').once().hold()
  const answer = write(other, { a: [0] })
  t.match(await held.whenHit(), { outcome: 'pending' })
  held.release()
  t.same(await answer, { 'a-0': [0, 1] }, 'what was lost had been written')
  broker.clock.stop()
  const late = broker.on('Produce').once().afterActing().delay(60_000)
  const delayed = write(other, { a: [0] })
  await late.whenHit()
  await broker.clock.advance(60_000)
  t.same(await delayed, { 'a-0': [0, 2] })
  const dropped = broker.on('Metadata').once().drop()
  const never = other.call(metadata, 1, asking())
  t.match(await dropped.whenHit(), { outcome: 'unanswered' })
  other.destroy()
  t.equal(await never, null)
})

t.test('answers of the test', async t => {
  const { broker, client } = await started(t)
  const members = { brokers: [{ nodeId: 7, host: 'elsewhere', port: 9 }], topics: [], controllerId: 7 }
  broker.on('Metadata').once().answer(members)
  t.match(await client.call(metadata, 1, asking()), { brokers: [{ nodeId: 7, host: 'elsewhere', port: 9 }] })
  const hook = broker
    .on('Produce')
    .skip(1)
    .once()
    .afterActing()
    .answer((exchange, real) => {
      t.equal(exchange.request.acks, -1)
      return { ...real, throttleTimeMs: 1234 }
    })
  t.match(await client.call(produce, 9, produceRequest({ a: [0] })), { throttleTimeMs: 0 })
  t.match(await client.call(produce, 9, produceRequest({ a: [0] })), { throttleTimeMs: 1234 })
  t.equal(hook.hits.length, 1)
})

t.test('hooks act one after the other, until they are stopped', async t => {
  const { broker, client } = await started(t)
  broker.on('Produce').once().fail('NOT_LEADER_OR_FOLLOWER')
  broker.on(['Produce', 'Fetch']).once().fail('REQUEST_TIMED_OUT')
  const last = broker.on('*', { version: { max: 8 } }).fail('UNKNOWN_SERVER_ERROR')
  t.same(await write(client, { a: [0] }), { 'a-0': [6, -1] })
  t.same(await write(client, { a: [0] }), { 'a-0': [7, -1] })
  t.same(await write(client, { a: [0] }), { 'a-0': [0, 0] })
  t.same(await write(client, { a: [0] }, 8), { 'a-0': [-1, -1] })
  last.stop()
  t.same(await write(client, { a: [0] }, 8), { 'a-0': [0, 1] })
  await t.rejects(last.whenHit(2, { timeoutMs: 1 }), /any API: fail UNKNOWN_SERVER_ERROR was hit 1 times within 1 ms/)
})

t.test('the journal', async t => {
  const { broker, client } = await started(t)
  const { journal } = broker
  journal.clear()
  await write(client, { a: [0, 1] })
  t.equal(journal.length, 1)
  const found = journal.last('Produce', { topic: 'a' })
  t.match(found, { version: 9, clientId: 'test', outcome: 'answered', broker: 1, intervention: null })
  t.same(found?.partitions, [
    { topic: 'a', partition: 0 },
    { topic: 'a', partition: 1 },
  ])
  t.equal(found?.response?.responses[0].partitionResponses[1].baseOffset, 0)
  const records = found?.request.topicData[0].partitionData[0].records
  t.same(records, batch(), 'as the client sent it')
  t.equal(journal.count('Fetch'), 0)
  const coming = journal.next('Metadata', { matching: ({ request }) => request.topics?.length === 1 })
  await client.call(metadata, 1, asking())
  await client.call(metadata, 1, asking('a'))
  t.match(await coming, { response: { topics: [{ name: 'a' }] } })
  t.match(await journal.waitFor('Produce'), { number: found?.number }, 'it was there before')
  await t.rejects(
    journal.waitFor('Fetch', {}, { timeoutMs: 1 }),
    /Fetch.* came within 1 ms; the last were:\n {2}#2 Prod/,
  )
  t.match([...journal].map(String).join('\n'), /Produce v9 \[a-0, a-1\] from test: answered/)
  client.send(Buffer.from([0, 0, 0, 8, 0, 99, 0, 0, 0, 0, 0, 1]))
  await client.closed
  t.match([...journal].at(-1), { api: 'Unknown(99)', outcome: 'disconnected' })
})

t.test('the journal has bounds', async t => {
  const broker = await startTestBroker({ journal: { requestsMax: 5 } })
  const client = await RawClient.connect(broker.port)
  for (let i = 0; i < 12; i++) await client.call(metadata, 1, asking())
  t.equal(broker.journal.length, 5)
  t.equal(broker.journal.dropped, 7)
  t.same(
    broker.journal.requests('*').map(({ number }) => number),
    [8, 9, 10, 11, 12],
  )
  client.destroy()
  await broker.close()
})
