import { gzipSync } from 'node:zlib'
import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import {
  getTelemetrySubscriptions,
  incrementalAlterConfigs,
  listConfigResources,
  pushTelemetry,
} from '../../protocol/index.ts'
import { type SimulatedBroker, type SimulatedClient, withSimulatedBroker } from '../quota/simulated-broker.ts'
import { metricsData } from './metrics-data.ts'

const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA'
const fiveMinutesMs = 300_000

async function subscribe(client: SimulatedClient, name: string, configs: Record<string, string>) {
  const answer = await client.ask(incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: 16,
        resourceName: name,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: 0, value })),
      },
    ],
    validateOnly: false,
  })
  return answer.responses[0].errorCode
}

function ask(client: SimulatedClient, clientInstanceId = zeroId) {
  return client.ask(getTelemetrySubscriptions, 0, { clientInstanceId })
}

interface Pushed {
  readonly metrics?: Buffer
  readonly compressionType?: number
  readonly terminating?: boolean
}

async function push(client: SimulatedClient, clientInstanceId: string, subscriptionId: number, pushed: Pushed = {}) {
  const { metrics = metricsData(1.5, 7), compressionType = 0, terminating = false } = pushed
  const request = { clientInstanceId, subscriptionId, terminating, compressionType, metrics }
  return (await client.ask(pushTelemetry, 0, request)).errorCode
}

function logged({ host }: SimulatedBroker) {
  return host.log.lines.filter(({ message }) => message === 'client metrics')
}

t.test('without subscriptions nobody is asked for anything', async t => {
  await withSimulatedBroker(t, {}, async simulated => {
    const client = await simulated.connect('c')
    const wanted = await ask(client)
    t.match(wanted, {
      errorCode: 0,
      pushIntervalMs: fiveMinutesMs,
      requestedMetrics: [],
      acceptedCompressionTypes: [4, 3, 1, 2],
      telemetryMaxBytes: 1_048_576,
      deltaTemporality: true,
    })
    t.not(wanted.clientInstanceId, zeroId)
    t.equal((await ask(client, wanted.clientInstanceId)).errorCode, Errors.THROTTLING_QUOTA_EXCEEDED)
    t.equal(await push(client, wanted.clientInstanceId, wanted.subscriptionId), 0)
    t.same(logged(simulated), [], 'what nobody asked for is dropped')
    await simulated.host.clock.sleep(fiveMinutesMs)
    t.equal((await ask(client, wanted.clientInstanceId)).errorCode, 0)
  })
})

t.test('what is wanted is pushed, and logged', async t => {
  await withSimulatedBroker(t, {}, async simulated => {
    const client = await simulated.connect('producer-7')
    t.equal(await subscribe(client, 'one', { metrics: 'org.apache', 'interval.ms': '60000' }), 0)
    t.equal(
      await subscribe(client, 'two', { metrics: 'a', match: 'client_id=producer-\\d+', 'interval.ms': '1000' }),
      0,
    )
    t.equal(await subscribe(client, 'other', { metrics: 'b', match: 'client_id=producer' }), 0)
    const { clientInstanceId, subscriptionId, requestedMetrics, pushIntervalMs } = await ask(client)
    t.same(requestedMetrics, ['a', 'org.apache'])
    t.equal(pushIntervalMs, 1000)
    t.equal(await push(client, clientInstanceId, subscriptionId), 0, 'the first at any time')
    t.match(logged(simulated), [
      {
        level: 'info',
        fields: {
          clientInstanceId,
          clientId: 'producer-7',
          resource: { client_rack: 'r1' },
          metrics: [
            { name: 'org.apache.kafka.producer.latency', kind: 'gauge', value: 1.5 },
            { value: 7 },
            { count: 3 },
          ],
        },
      },
    ])
    t.equal(await push(client, clientInstanceId, subscriptionId), Errors.THROTTLING_QUOTA_EXCEEDED)
    await simulated.host.clock.sleep(1000)
    const compressed = { metrics: gzipSync(metricsData(1, 2)), compressionType: 1 }
    t.equal(await push(client, clientInstanceId, subscriptionId, compressed), 0)
    await simulated.host.clock.sleep(1000)
    t.equal(await push(client, clientInstanceId, subscriptionId + 1), Errors.UNKNOWN_SUBSCRIPTION_ID)
    t.equal((await ask(client, clientInstanceId)).errorCode, 0, 'who was told so may ask at once')
    t.equal(await push(client, clientInstanceId, subscriptionId, { terminating: true }), 0)
    t.equal(
      await push(client, clientInstanceId, subscriptionId),
      Errors.INVALID_REQUEST,
      'it said that it was the last',
    )
    t.equal(logged(simulated).length, 3)
    await subscribe(client, 'two', { metrics: '*' })
    const changed = await ask(client, clientInstanceId)
    t.same(changed.requestedMetrics, ['*'])
    t.not(changed.subscriptionId, subscriptionId)
  })
})

t.test('what is refused', async t => {
  await withSimulatedBroker(t, { 'telemetry.max.bytes': '1000' }, async simulated => {
    const client = await simulated.connect('c')
    await subscribe(client, 'one', { metrics: '*', 'interval.ms': '100' })
    const { clientInstanceId, subscriptionId } = await ask(client)
    const refused = async (pushed: Pushed) => {
      await simulated.host.clock.sleep(100)
      return push(client, clientInstanceId, subscriptionId, pushed)
    }
    t.equal(await refused({ metrics: Buffer.alloc(1001) }), Errors.TELEMETRY_TOO_LARGE)
    const bomb = { metrics: gzipSync(Buffer.alloc(10_001)), compressionType: 1 }
    t.equal(await refused(bomb), Errors.TELEMETRY_TOO_LARGE)
    t.equal(await refused({ metrics: Buffer.from('not gzip'), compressionType: 1 }), Errors.INVALID_RECORD)
    t.equal(await refused({ metrics: Buffer.from([0xff]) }), Errors.INVALID_RECORD)
    t.equal(await refused({ compressionType: 9 }), Errors.UNSUPPORTED_COMPRESSION_TYPE)
    t.equal(await push(client, zeroId, subscriptionId), Errors.INVALID_REQUEST)
    t.equal(await subscribe(client, 'bad', { match: 'client_id=(' }), Errors.INVALID_CONFIG)
    t.equal(await subscribe(client, 'bad', { match: 'client=x' }), Errors.INVALID_CONFIG)
    t.equal(await subscribe(client, 'bad', { 'interval.ms': '99' }), Errors.INVALID_REQUEST)
    t.same(logged(simulated), [])
  })
})

t.test('config resources are listed', async t => {
  await withSimulatedBroker(t, {}, async simulated => {
    const client = await simulated.connect('c')
    await subscribe(client, 'b', { metrics: '*' })
    await subscribe(client, 'a', { metrics: '*' })
    const old = await client.ask(listConfigResources, 0, { resourceTypes: [] })
    t.match(old.configResources, [{ resourceName: 'a' }, { resourceName: 'b' }])
    const all = await client.ask(listConfigResources, 1, { resourceTypes: [] })
    t.match(all.configResources, [
      { resourceType: 4, resourceName: '1' },
      { resourceType: 8, resourceName: '1' },
      { resourceType: 16, resourceName: 'a' },
      { resourceType: 16, resourceName: 'b' },
    ])
    const brokers = await client.ask(listConfigResources, 1, { resourceTypes: [4] })
    t.same(brokers.configResources, [{ resourceType: 4, resourceName: '1' }])
    const unknown = await client.ask(listConfigResources, 1, { resourceTypes: [3] })
    t.match(unknown, { errorCode: Errors.UNSUPPORTED_VERSION, configResources: [] })
  })
})
