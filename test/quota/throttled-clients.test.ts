/** Clients under quotas, for many seconds of a simulated clock. */
import t from 'tap'
import {
  alterClientQuotas,
  createTopics,
  deleteTopics,
  describeClientQuotas,
  fetch,
  produce,
} from '../../protocol/index.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { type SimulatedBroker, type SimulatedClient, withSimulatedBroker } from './simulated-broker.ts'

const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA'

async function setQuota(client: SimulatedClient, clientId: string, key: string, value: number | null) {
  const { entries } = await client.ask(alterClientQuotas, 1, {
    entries: [
      {
        entity: [{ entityType: 'client-id', entityName: clientId }],
        ops: [{ key, value: value ?? 0, remove: value === null }],
      },
    ],
    validateOnly: false,
  })
  if (entries[0].errorCode !== 0) throw new Error(`${entries[0].errorCode} ${entries[0].errorMessage}`)
}

async function makeTopic(client: SimulatedClient, name: string, numPartitions = 1) {
  const { topics, throttleTimeMs } = await client.ask(createTopics, 7, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
  })
  return { errorCode: topics[0].errorCode, throttleTimeMs }
}

const valueBytes = 10_000
/** A whole window may be used up at once, and again when it is over: rates are measured over whole windows of 11 seconds. */
const warmUpSeconds = 22
const limit = 100_000

function batch(): Buffer {
  return buildBatch({ records: [{ key: null, timestampMs: Date.UTC(2026, 0, 1), value: Buffer.alloc(valueBytes, 7) }] })
}

async function produceOne(client: SimulatedClient, acks = -1) {
  const answer = await client.ask(produce, 9, {
    transactionalId: null,
    acks,
    timeoutMs: 5000,
    topicData: [{ name: 't', topicId: zeroId, partitionData: [{ index: 0, records: batch() }] }],
  })
  return { errorCode: answer.responses[0].partitionResponses[0].errorCode, throttleTimeMs: answer.throttleTimeMs }
}

async function fetchAt(client: SimulatedClient, fetchOffset: number, maxBytes = 1e6) {
  const answer = await client.ask(fetch, 11, {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: 't',
        topicId: zeroId,
        partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  })
  const bytes = answer.responses.reduce((sum, { partitions }) => sum + (partitions[0].records?.length ?? 0), 0)
  return { bytes, throttleTimeMs: answer.throttleTimeMs }
}

/** Runs `work` for so many simulated seconds; how often it was done. */
async function timesWithin({ host }: SimulatedBroker, seconds: number, work: () => Promise<unknown>): Promise<number> {
  const untilMs = host.clock.monotonic() + seconds * 1000
  for (let count = 0; ; count++) {
    if (host.clock.monotonic() >= untilMs) return count
    await work()
  }
}

t.test('a producer gets through as fast as its quota allows', async t => {
  await withSimulatedBroker(t, {}, async simulated => {
    const admin = await simulated.connect('admin')
    await makeTopic(admin, 't')
    await setQuota(admin, 'p', 'producer_byte_rate', limit)
    const producer = await simulated.connect('p')
    let longestMs = 0
    const produceAll = async () => {
      const sentMs = simulated.host.clock.monotonic()
      const { errorCode, throttleTimeMs } = await produceOne(producer)
      if (errorCode !== 0) t.fail(`error ${errorCode}`)
      // Who ignores what it is told is held back all the same: here every answer waited for its request's turn.
      longestMs = Math.max(longestMs, throttleTimeMs, simulated.host.clock.monotonic() - sentMs)
    }
    await timesWithin(simulated, warmUpSeconds, produceAll)
    const seconds = 66
    const count = await timesWithin(simulated, seconds, produceAll)
    const rate = (count * valueBytes) / seconds
    t.ok(rate > 0.95 * limit && rate < 1.05 * limit, `${rate} bytes a second of ${limit}`)
    t.ok(longestMs > 0 && longestMs < 5000, `throttled ${longestMs} ms at most`)
    await setQuota(admin, 'p', 'producer_byte_rate', null)
    const answer = await produceOne(producer)
    t.equal(answer.errorCode, 0)
    t.equal((await produceOne(producer)).throttleTimeMs, 0, 'without a quota there is no throttling')
    t.equal((await produceOne(admin)).throttleTimeMs, 0)
  })
})

t.test('a consumer gets as much as its quota allows, and nothing while it is over', async t => {
  await withSimulatedBroker(t, {}, async simulated => {
    const admin = await simulated.connect('admin')
    await makeTopic(admin, 't')
    for (let i = 0; i < 120; i++) await produceOne(admin)
    await setQuota(admin, 'c', 'consumer_byte_rate', limit)
    const consumer = await simulated.connect('c')
    const whole = await fetchAt(consumer, 0, 1e7)
    t.ok(whole.bytes > 980_000 && whole.bytes <= 1_000_000, `no more at once than the window allows: ${whole.bytes}`)
    t.equal(whole.throttleTimeMs, 0)
    const over = await fetchAt(consumer, 0, 1e7)
    t.equal(over.bytes, 0, 'empty')
    t.ok(over.throttleTimeMs > 5000, `${over.throttleTimeMs}`)
    let bytes = 0
    const fetchMore = async () => {
      bytes += (await fetchAt(consumer, 0, 25_000)).bytes
    }
    await timesWithin(simulated, warmUpSeconds, fetchMore)
    bytes = 0
    const seconds = 66
    await timesWithin(simulated, seconds, fetchMore)
    const rate = bytes / seconds
    t.ok(rate > 0.95 * limit && rate < 1.05 * limit, `${rate} bytes a second of ${limit}`)
    t.ok((await fetchAt(admin, 0)).bytes > 400_000)
  })
})

t.test('partitions are made as fast as the quota allows', async t => {
  await withSimulatedBroker(t, { 'controller.quota.window.num': '2' }, async simulated => {
    const admin = await simulated.connect('admin')
    await setQuota(admin, 'a', 'controller_mutation_rate', 2)
    const client = await simulated.connect('a')
    t.same(await makeTopic(client, 'one', 10), { errorCode: 0, throttleTimeMs: 0 })
    const refused = await makeTopic(client, 'two', 1)
    t.equal(refused.errorCode, 89)
    t.ok(refused.throttleTimeMs > 2500 && refused.throttleTimeMs <= 3000, `${refused.throttleTimeMs}`)
    const { responses } = await client.ask(deleteTopics, 4, { topics: [], topicNames: ['one'], timeoutMs: 5000 })
    t.equal(responses[0].errorCode, 0, 'an older client is only told to wait')
    t.same(await makeTopic(admin, 'three', 100), { errorCode: 0, throttleTimeMs: 0 })
  })
})

t.test('what was set is shown', async t => {
  await withSimulatedBroker(t, {}, async simulated => {
    const admin = await simulated.connect('admin')
    await setQuota(admin, 'p', 'producer_byte_rate', 50_000)
    await setQuota(admin, 'p', 'request_percentage', 12.5)
    const { entries } = await admin.ask(describeClientQuotas, 1, {
      components: [{ entityType: 'client-id', matchType: 0, match: 'p' }],
      strict: true,
    })
    t.same(entries, [
      {
        entity: [{ entityType: 'client-id', entityName: 'p' }],
        values: [
          { key: 'producer_byte_rate', value: 50_000 },
          { key: 'request_percentage', value: 12.5 },
        ],
      },
    ])
  })
})

t.test('an address may connect only so often', async t => {
  await withSimulatedBroker(t, { 'quota.window.num': '2' }, async simulated => {
    const admin = await simulated.connect('admin')
    const set = (value: number, remove: boolean) => {
      const ops = [{ key: 'connection_creation_rate', value, remove }]
      const entries = [{ entity: [{ entityType: 'ip', entityName: null }], ops }]
      return admin.ask(alterClientQuotas, 1, { entries, validateOnly: false })
    }
    await set(3, false)
    const clients = []
    for (let i = 0; i < 5; i++) clients.push(await simulated.connect('c'))
    const answers = clients.map(client =>
      makeTopic(client, 'same').then(
        () => 'in',
        () => 'turned away',
      ),
    )
    t.same(await Promise.all(answers), ['in', 'in', 'in', 'turned away', 'turned away'])
    await set(0, true)
    t.equal((await makeTopic(await simulated.connect('c'), 'other')).errorCode, 0)
  })
})
