import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { partitionChange } from '../metadata/history.ts'
import { Decider } from './decide.ts'

const kinds = (records: readonly MetadataRecord[]) => records.map(({ kind }) => kind)

t.test('a new cluster begins once', async t => {
  const decider = new Decider({ 'min.insync.replicas': '2' })
  const level = (name: string, featureLevel: number) =>
    ({ kind: 'featureLevel', version: 0, value: { name, featureLevel } }) as const
  const records = [level('metadata.version', 30), level('eligible.leader.replicas.version', 1)]
  t.match(decider.ask({ question: 'bootstrap', records }).records, [
    { kind: 'beginTransaction', value: { name: 'Bootstrap records' } },
    ...records,
    { kind: 'config', value: { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '2' } },
    { kind: 'endTransaction' },
  ])
  t.same(decider.ask({ question: 'bootstrap', records }).records, [])
  t.same(kinds(new Decider().ask({ question: 'bootstrap', records: [level('metadata.version', 12)] }).records), [
    'featureLevel',
  ])
})

t.test('a broker that starts again leads again, in new epochs', async t => {
  const decider = new Decider().begin()
  const [first] = decider.brokers(1)
  t.ok(first >= 0)
  decider.topic('a', 2)
  const before = decider.records.length
  const [second] = decider.brokers(1)
  t.equal(second, before, 'its epoch is the offset of its registration')
  t.same(kinds(decider.records.slice(before)), [
    'registerBroker',
    'brokerRegistrationChange',
    'partitionChange',
    'partitionChange',
  ])
  t.match(decider.state.partition('a', 1), { leader: 1, leaderEpoch: 1, isr: [1] })
  t.match(decider.state.brokers.get(1), { epoch: second, fenced: false })
  const stale = { brokerId: 1, brokerEpoch: first }
  t.match(decider.ask({ question: 'unfenceBroker', ...stale }).reply, { error: Errors.STALE_BROKER_EPOCH })
  t.match(decider.ask({ question: 'allocateProducerIds', ...stale }).reply, { error: Errors.STALE_BROKER_EPOCH })
  t.match(decider.ask({ question: 'fenceBroker', brokerId: 9, brokerEpoch: 0 }).reply, {
    error: Errors.BROKER_ID_NOT_REGISTERED,
  })
})

t.test('a fenced broker hands over what others can lead', async t => {
  const decider = new Decider().begin()
  const [one] = decider.brokers(1)
  decider.brokers(2)
  decider.ask({
    question: 'createTopics',
    topics: [
      {
        name: 'a',
        partitionsCount: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }],
        configs: [],
      },
      {
        name: 'b',
        partitionsCount: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1] }],
        configs: [],
      },
    ],
    validateOnly: false,
  })
  decider.ask({ question: 'fenceBroker', brokerId: 1, brokerEpoch: one })
  t.match(decider.state.partition('a', 0), { leader: 2, isr: [2], leaderEpoch: 1 })
  t.match(decider.state.partition('b', 0), { leader: -1, isr: [1] }, 'the last replica stays in sync')
  decider.ask({ question: 'unfenceBroker', brokerId: 1, brokerEpoch: one })
  t.match(decider.state.partition('a', 0), { leader: 2, isr: [2] })
  t.match(decider.state.partition('b', 0), { leader: 1, isr: [1], leaderEpoch: 2 })
})

t.test('what Apache Kafka left behind after a clean stop is led again', async t => {
  const decider = new Decider().begin()
  const [epoch] = decider.brokers(1)
  decider.topic('a')
  decider.topic('b')
  decider.topic('c')
  const id = (name: string) => decider.state.topicId(name) ?? ''
  const stopped = { leader: -1, isr: [] }
  decider.ask({ question: 'fenceBroker', brokerId: 1, brokerEpoch: epoch })
  const apply = (record: MetadataRecord) => decider.state.apply(record, decider.records.push(record) - 1)
  apply(partitionChange(id('a'), 0, { ...stopped, eligibleLeaderReplicas: [1], lastKnownElr: [1] }))
  apply(partitionChange(id('b'), 0, { ...stopped, eligibleLeaderReplicas: [], lastKnownElr: [1] }))
  apply(partitionChange(id('c'), 0, { ...stopped, eligibleLeaderReplicas: [2] }))
  decider.ask({ question: 'unfenceBroker', brokerId: 1, brokerEpoch: epoch })
  t.match(decider.state.partition('a', 0), { leader: 1, isr: [1], eligibleLeaderReplicas: [], lastKnownElr: [] })
  t.match(decider.state.partition('b', 0), { leader: 1, isr: [1] })
  t.match(decider.state.partition('c', 0), { leader: -1, isr: [] }, 'somebody else may hold more')
})

t.test('producer ids come in blocks that never overlap', async t => {
  const decider = new Decider().begin()
  const [brokerEpoch] = decider.brokers(1)
  const ask = () => decider.ask({ question: 'allocateProducerIds', brokerId: 1, brokerEpoch }).reply
  t.match(ask(), { error: null, answer: { firstId: 0, count: 1000 } })
  t.match(ask(), { error: null, answer: { firstId: 1000, count: 1000 } })
  t.equal(decider.state.nextProducerId, 2000)
})
