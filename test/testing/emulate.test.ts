import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import { allApis, apiVersions, currentVersions, metadata } from '../../protocol/index.ts'
import { releases, startTestBroker } from '../../src/testing/index.ts'
import { servedSince } from '../../src/testing/releases.ts'
import { VersionCaps } from '../../src/testing/version-caps.ts'
import { RawClient } from '../network/raw-client.ts'

t.test('an older Kafka tells and serves less', async t => {
  const broker = await startTestBroker({ emulate: '2.0' })
  t.teardown(() => broker.close())
  const client = await RawClient.connect(broker.port)
  const told = await client.call(apiVersions, 2, { clientSoftwareName: '', clientSoftwareVersion: '' })
  const ranges = new Map(told?.apiKeys.map(({ apiKey, ...range }) => [apiKey, range]))
  t.match(ranges.get(1), { maxVersion: 8 }, 'Fetch')
  t.match(ranges.get(3), { maxVersion: 6 }, 'Metadata')
  t.equal(ranges.get(44), undefined, 'no IncrementalAlterConfigs')
  t.ok(await client.call(metadata, 6, { topics: [], includeTopicAuthorizedOperations: false }))
  t.equal(await client.call(metadata, 7, { topics: [], includeTopicAuthorizedOperations: false }), null)
  t.match(broker.journal.last('Metadata'), { version: 7, outcome: 'disconnected' })
})

t.test('versions of ApiVersions', async t => {
  const broker = await startTestBroker({ emulate: '2.0' })
  t.teardown(() => broker.close())
  const ask = async () => {
    const client = await RawClient.connect(broker.port)
    await client.call(apiVersions, 3, { clientSoftwareName: 'a', clientSoftwareVersion: '1' }).catch(() => {})
    client.destroy()
    return broker.journal.last('ApiVersions')
  }
  t.match(await ask(), { response: { errorCode: 35, apiKeys: [] } }, 'before KIP-511')
  broker.emulate({ release: '2.4', apis: { ApiVersions: '0-2' } })
  t.match(await ask(), { response: { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }] } })
  broker.emulate('0.9')
  t.match(await ask(), { outcome: 'disconnected' })
  broker.emulate('3.9')
  t.match(await ask(), { response: { errorCode: 0, finalizedFeatures: [{ name: 'metadata.version' }] } })
  broker.emulate('4.0')
  t.match(await ask(), { response: { errorCode: 0 } })
  const features = broker.journal.last('ApiVersions')?.response?.finalizedFeatures.map(({ name }) => name)
  t.ok(features?.includes('transaction.version'))
})

t.test('API by API', async t => {
  t.throws(() => new VersionCaps({ apis: { Fetch: 'some' } }), /Fetch: 'some' is no range of versions/)
  const caps = new VersionCaps({ apis: { Fetch: '4-11', Produce: '3+', InitProducerId: null } })
  const served = (key: number, version: number) => caps.serves(key, version)
  t.same([served(1, 11), served(1, 12), served(1, 3)], [true, false, false])
  t.same([served(0, 2), served(0, 13), served(22, 0), served(3, 12)], [false, true, false, true])
})

t.test('the newest release is the one of the tables', async t => {
  const newest = new VersionCaps('4.3')
  for (const api of allApis) {
    const current = currentVersions(api)
    if (!current || servedSince[api.name] === undefined) continue
    t.ok(newest.serves(api.key, current.low), `${api.name} ${current.low}`)
    t.ok(newest.serves(api.key, current.high), `${api.name} ${current.high}`)
    t.notOk(newest.serves(api.key, current.high + 1), `${api.name} ${current.high + 1}`)
  }
})

t.test('a client finds its way with every release', async t => {
  const broker = await startTestBroker()
  t.teardown(() => broker.close())
  for (const release of releases.filter(each => !each.startsWith('0.') || each === '0.11')) {
    broker.emulate(release)
    const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    const [{ errorCode }] = await producer.send({ topic: 'all', messages: [{ value: release }] })
    t.equal(errorCode, 0, release)
    await producer.disconnect()
  }
})
