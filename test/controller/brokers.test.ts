import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { partitionChange } from '../metadata/history.ts'
import { Decider, directoryOf, features, levels } from './decide.ts'

const kinds = (records: readonly MetadataRecord[]) => records.map(({ kind }) => kind)

t.test('a new cluster begins once', async t => {
  const decider = new Decider({ 'min.insync.replicas': '2' })
  const records = levels(30, 1)
  t.match(decider.takeOver(records), [
    { kind: 'beginTransaction', value: { name: 'Bootstrap records' } },
    ...records,
    { kind: 'config', value: { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '2' } },
    { kind: 'endTransaction' },
  ])
  t.same(decider.takeOver(records), [])
  t.same(kinds(new Decider().takeOver(levels(12))), ['featureLevel'])
})

t.test('a transaction that the controller before left open is ended', async t => {
  const decider = new Decider().begin()
  decider.state.apply({ kind: 'beginTransaction', version: 0, value: { name: null } }, 100)
  t.same(kinds(decider.takeOver()), ['abortTransaction'])
  t.notOk(decider.state.inTransaction)
})

t.test('a registration is checked', async t => {
  const decider = new Decider().begin(30, 1)
  decider.brokers(2)
  const refused = (more: Parameters<Decider['register']>[1], error: number) =>
    t.match(decider.register(1, more), { reply: { error }, records: [] })
  refused({ clusterId: 'another' }, Errors.INCONSISTENT_CLUSTER_ID)
  refused({ logDirs: [] }, Errors.INVALID_REGISTRATION)
  refused({ logDirs: [directoryOf(1), directoryOf(1)] }, Errors.INVALID_REGISTRATION)
  refused({ logDirs: ['AAAAAAAAAAAAAAAAAAAAAQ'] }, Errors.INVALID_REGISTRATION)
  refused({ logDirs: [directoryOf(2)] }, Errors.INVALID_REGISTRATION)
  refused({ isMigratingZkBroker: true }, Errors.UNSUPPORTED_VERSION)
  refused({ features: [] }, Errors.UNSUPPORTED_VERSION)
  refused({ features: features.filter(({ name }) => name === 'metadata.version') }, Errors.UNSUPPORTED_VERSION)
  refused({ features: features.map(feature => ({ ...feature, maxSupportedVersion: 29 })) }, Errors.UNSUPPORTED_VERSION)
  t.match(decider.register(1).reply, { error: null })
})

t.test('its epoch is the offset of its registration', async t => {
  const decider = new Decider().begin()
  const incarnationId = 'AAAAAAAAAAAAAAAAAAAAAg'
  const epoch = decider.records.length
  t.match(decider.register(1, { incarnationId }).reply, { answer: { brokerEpoch: epoch } })
  t.match(decider.register(1, { incarnationId }).reply, { answer: { brokerEpoch: epoch } }, 'the same life')
  t.match(decider.register(1).reply, { error: Errors.DUPLICATE_BROKER_REGISTRATION }, 'two brokers of one id')
  decider.elapse(9000)
  const second = decider.records.length
  t.match(decider.register(1).reply, { answer: { brokerEpoch: second } })
  const stale = { brokerId: 1, brokerEpoch: epoch }
  t.match(decider.beat(1, stale).reply, { error: Errors.STALE_BROKER_EPOCH })
  t.match(decider.beat(9).reply, { error: Errors.STALE_BROKER_EPOCH })
  t.match(decider.ask({ question: 'allocateProducerIds', ...stale }).reply, { error: Errors.STALE_BROKER_EPOCH })
})

t.test('it is let in when it knows of its registration, and wants to', async t => {
  const decider = new Decider().begin()
  decider.register(1)
  const epoch = decider.epochOf(1)
  const behind = { isCaughtUp: false, isFenced: true, shouldShutDown: false }
  t.match(decider.beat(1, { currentMetadataOffset: epoch - 1 }), { records: [], reply: { answer: behind } })
  t.match(decider.beat(1, { wantFence: true }), {
    records: [],
    reply: { answer: { isCaughtUp: true, isFenced: true } },
  })
  t.match(decider.beat(1), {
    records: [{ kind: 'brokerRegistrationChange', value: { brokerId: 1, brokerEpoch: epoch, fenced: -1 } }],
    reply: { answer: { isCaughtUp: true, isFenced: false, shouldShutDown: false } },
  })
  t.match(decider.beat(1), { records: [], reply: { answer: { isFenced: false } } })
  t.match(decider.beat(1, { wantFence: true }).records, [{ value: { fenced: 1 } }])
})

t.test('a silent broker is fenced and hands over what others can lead', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  decider.assigned('b', [1])
  decider.elapse(8000)
  decider.beat(2)
  t.same(kinds(decider.elapse(999)), [])
  t.same(kinds(decider.elapse(1)), ['partitionChange', 'partitionChange', 'brokerRegistrationChange'])
  t.match(decider.partition('a'), { leader: 2, isr: [2], leaderEpoch: 1 })
  t.match(decider.partition('b'), { leader: -1, isr: [1] }, 'the last replica stays in sync')
  t.match(decider.state.brokers.get(1), { fenced: true })
  decider.beat(1)
  t.match(decider.partition('a'), { leader: 2, isr: [2] })
  t.match(decider.partition('b'), { leader: 1, isr: [1], leaderEpoch: 2 })
})

t.test('a broker whose process is gone is fenced at once, unless it was heard of since', async t => {
  const decider = new Decider().begin()
  const [epoch] = decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  const lose = (brokerEpoch: number, sinceMs: number) =>
    decider.ask({ question: 'loseBroker', brokerId: 1, brokerEpoch, sinceMs }).records
  decider.elapse(1000)
  const seenMs = decider.nowMs
  t.same(lose(epoch - 1, seenMs), [], 'an earlier life of it')
  decider.elapse(1000)
  decider.beat(1)
  t.same(lose(epoch, seenMs), [], 'it lives: something between refuses connections')
  t.same(kinds(lose(epoch, decider.nowMs + 1)), ['partitionChange', 'brokerRegistrationChange'])
  t.match(decider.partition('a'), { leader: 2, isr: [2] })
  t.match(decider.register(1).reply, { error: null }, 'its next life need not wait')
})

t.test('a new controller does not wait for a broker that went down with its predecessor', async t => {
  const decider = new Decider().begin()
  const [epoch] = decider.brokers(1, 2)
  decider.elapse(1000)
  const seenMs = decider.nowMs
  decider.elapse(500)
  decider.takeOver()
  const lost = decider.ask({ question: 'loseBroker', brokerId: 1, brokerEpoch: epoch, sinceMs: seenMs })
  t.same(kinds(lost.records), ['brokerRegistrationChange'])
})

t.test('a controller that slept looks again before it judges', async t => {
  const decider = new Decider().begin()
  decider.brokers(1)
  decider.nowMs += 15_000
  t.same(decider.elapse(0), [])
  t.same(decider.elapse(499), [])
  decider.beat(1)
  t.same(decider.elapse(8999), [])
  t.same(kinds(decider.elapse(1)), ['brokerRegistrationChange'])
})

t.test('a new controller gives every broker a whole session', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.elapse(8999)
  decider.takeOver()
  t.match(decider.register(2).reply, { error: Errors.DUPLICATE_BROKER_REGISTRATION })
  t.match(decider.register(1).reply, { error: null }, 'the broker of its own node can only be a new one')
  decider.elapse(8999)
  t.notOk(decider.state.brokers.get(2)?.fenced)
  decider.elapse(1)
  t.ok(decider.state.brokers.get(2)?.fenced)
})

t.test('a broker that had left before its controller did may come back at once', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.elapse(5000)
  decider.beat(1)
  decider.elapse(4000)
  t.ok(decider.state.brokers.get(2)?.fenced)
  decider.takeOver()
  t.match(decider.register(2).reply, { error: null })
})

t.test('controlled shutdown moves leaderships away, and waits until everybody knows', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2, 3)
  decider.assigned('a', [1, 2, 3])
  decider.assigned('b', [2, 1, 3])
  const stop = { wantShutDown: true }
  const begun = decider.beat(1, stop)
  t.same(kinds(begun.records), ['partitionChange', 'partitionChange', 'brokerRegistrationChange'])
  t.match(begun.reply, { answer: { isFenced: false, shouldShutDown: false } })
  t.match(decider.partition('a'), { leader: 2, isr: [2, 3] })
  t.match(decider.state.brokers.get(1), { fenced: false, inControlledShutdown: true })
  t.match(decider.beat(1, stop), { records: [], reply: { answer: { shouldShutDown: false } } })
  const offset = decider.records.length - 1
  decider.beat(2)
  decider.beat(3, { currentMetadataOffset: offset - 1 })
  t.match(decider.beat(1, stop), { records: [], reply: { answer: { shouldShutDown: false } } })
  decider.beat(3, { currentMetadataOffset: offset })
  t.match(decider.beat(1, stop), {
    records: [{ kind: 'brokerRegistrationChange', value: { fenced: 1 } }],
    reply: { answer: { isFenced: true, shouldShutDown: true } },
  })
  t.match(decider.beat(1, stop), { records: [], reply: { answer: { shouldShutDown: true } } }, 'asked once more')
  t.match(decider.register(1).reply, { error: null }, 'it said goodbye, so it may come back at once')
})

t.test('who leads nothing may stop at once', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  t.match(decider.beat(2, { wantShutDown: true }).reply, { answer: { shouldShutDown: true } })
  t.match(decider.partition('a'), { leader: 1, isr: [1] })
})

t.test('a broker that starts again leads again, in new epochs', async t => {
  const decider = new Decider().begin()
  decider.brokers(1)
  decider.topic('a', 2)
  const [second] = decider.brokers(1)
  t.match(decider.partition('a', 1), { leader: 1, leaderEpoch: 2, isr: [1] })
  t.match(decider.state.brokers.get(1), { epoch: second, fenced: false })
})

t.test('who lost the end of its logs is no eligible leader replica', async t => {
  const settings = { 'min.insync.replicas': '2', 'node.id': '9' }
  const decider = new Decider(settings).begin(30, 1)
  decider.brokers(1, 2, 3)
  decider.assigned('a', [1, 2, 3])
  decider.elapse(8000)
  decider.beat(1)
  decider.elapse(1000)
  t.match(decider.partition('a'), { leader: 1, isr: [1], eligibleLeaderReplicas: [3] }, 'too few are in sync')
  t.match(decider.register(3, { previousBrokerEpoch: decider.epochOf(3) }).reply, { error: null })
  t.same(decider.partition('a').eligibleLeaderReplicas, [3], 'a clean stop loses nothing')
  decider.stop(3)
  decider.register(3, { previousBrokerEpoch: -1 })
  t.same(decider.partition('a').eligibleLeaderReplicas, [])
})

t.test('what Apache Kafka left behind after a clean stop is led again', async t => {
  const decider = new Decider().begin(30, 1)
  decider.brokers(1)
  decider.topic('a')
  decider.topic('b')
  decider.topic('c')
  const id = (name: string) => decider.state.topicId(name) ?? ''
  const stopped = { leader: -1, isr: [] }
  decider.stop(1)
  const apply = (record: MetadataRecord) => decider.state.apply(record, decider.records.push(record) - 1)
  apply(partitionChange(id('a'), 0, { ...stopped, eligibleLeaderReplicas: [1], lastKnownElr: [1] }))
  apply(partitionChange(id('b'), 0, { ...stopped, eligibleLeaderReplicas: [], lastKnownElr: [1] }))
  apply(partitionChange(id('c'), 0, { ...stopped, replicas: [1, 2], eligibleLeaderReplicas: [2] }))
  decider.beat(1)
  t.match(decider.partition('a'), { leader: 1, isr: [1], eligibleLeaderReplicas: [], lastKnownElr: [] })
  t.match(decider.partition('b'), { leader: 1, isr: [1], leaderRecoveryState: 1 })
  t.match(decider.partition('c'), { leader: -1, isr: [] }, 'somebody else may hold more')
})

t.test('failed directories are no place to lead from', async t => {
  const decider = new Decider().begin()
  const logDirs = [directoryOf(1), directoryOf(1, 1)]
  decider.register(1, { logDirs })
  decider.beat(1)
  decider.brokers(2)
  decider.assigned('a', [1, 2])
  decider.assigned('b', [1, 2])
  for (const [nth, name] of ['a', 'b'].entries()) {
    const value = { directories: [logDirs[nth], directoryOf(2)] }
    decider.state.apply(partitionChange(decider.state.topicId(name) ?? '', 0, value), decider.records.length)
  }
  const { records } = decider.beat(1, { offlineLogDirs: [logDirs[0]] })
  t.same(kinds(records), ['partitionChange', 'brokerRegistrationChange'])
  t.match(decider.partition('a'), { leader: 2, isr: [2] })
  t.match(decider.partition('b'), { leader: 1, isr: [1, 2] })
  t.same(decider.state.brokers.get(1)?.logDirs, [logDirs[1]])
  t.same(decider.beat(1, { offlineLogDirs: [logDirs[0]] }).records, [])
  t.same(kinds(decider.beat(1, { cordonedLogDirs: [logDirs[1]] }).records), ['brokerRegistrationChange'])
  t.same(decider.beat(1, { cordonedLogDirs: [logDirs[1]] }).records, [])
})

t.test('a broker taken out for good', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  t.same(kinds(decider.ask({ question: 'unregisterBroker', brokerId: 1 }).records), [
    'partitionChange',
    'unregisterBroker',
  ])
  t.match(decider.partition('a'), { leader: 2, isr: [2] })
  t.match(decider.ask({ question: 'unregisterBroker', brokerId: 1 }).reply, { error: Errors.BROKER_ID_NOT_REGISTERED })
  decider.beat(2)
  t.same(decider.elapse(8000), [], 'its session is over')
})

t.test('controllers register', async t => {
  const registration = {
    controllerId: 3,
    incarnationId: 'AAAAAAAAAAAAAAAAAAAAAg',
    zkMigrationReady: false,
    endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9093, securityProtocol: 0 }],
    features,
  }
  const decider = new Decider().begin()
  decider.answer('registerController', { registration })
  t.match(decider.state.controllers.get(3), { id: 3, endpoints: registration.endpoints })
  const ask = (on: Decider, more: object) =>
    on.ask({ question: 'registerController', registration: { ...registration, ...more } }).reply
  t.match(ask(decider, { features: [] }), { error: Errors.UNSUPPORTED_VERSION })
  t.match(ask(new Decider().begin(14), {}), { error: Errors.UNSUPPORTED_VERSION })
})

t.test('while nothing happens, several nodes are told so', async t => {
  const decider = new Decider({ 'metadata.max.idle.interval.ms': '500' }).begin()
  decider.brokers(1)
  t.same(decider.elapse(2000), [], 'alone')
  decider.brokers(2)
  t.same(kinds(decider.elapse(1400)), ['noOp', 'noOp'])
  t.same(kinds(new Decider({ 'metadata.max.idle.interval.ms': '0' }).begin().elapse(2000)), [])
})

t.test('producer ids come in blocks that never overlap', async t => {
  const decider = new Decider().begin()
  const [brokerEpoch] = decider.brokers(1)
  const ask = () => decider.ask({ question: 'allocateProducerIds', brokerId: 1, brokerEpoch }).reply
  t.match(ask(), { error: null, answer: { firstId: 0, count: 1000 } })
  t.match(ask(), { error: null, answer: { firstId: 1000, count: 1000 } })
  t.equal(decider.state.nextProducerId, 2000)
})
