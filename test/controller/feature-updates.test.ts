import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { Decider, features } from './decide.ts'

const elr = 'eligible.leader.replicas.version'
const [upgrade, safe, unsafe] = [1, 2, 3]

const ask = (decider: Decider, name: string, level: number, upgradeType = upgrade, validateOnly = false) =>
  decider.ask({ question: 'updateFeatures', updates: [{ name, level, upgradeType }], validateOnly })

t.test('levels go up', async t => {
  const decider = new Decider().begin(25)
  decider.brokers(1)
  t.match(ask(decider, 'metadata.version', 30, upgrade, true), { records: [], reply: { error: null } })
  t.match(ask(decider, 'metadata.version', 30).records, [{ value: { name: 'metadata.version', featureLevel: 30 } }])
  t.match(ask(decider, 'metadata.version', 30), { records: [], reply: { error: null } })
})

t.test('what cannot be', async t => {
  const decider = new Decider().begin(25)
  decider.register(1, { features: features.map(feature => ({ ...feature, maxSupportedVersion: 26 })) })
  const refuses = (text: RegExp, ...change: [string, number, number?]) =>
    t.match(ask(decider, ...change).reply, { error: Errors.INVALID_UPDATE_VERSION, detail: text })
  refuses(/Local controller 1 only supports versions 7-30/, 'metadata.version', 31)
  refuses(/Broker 1 only supports versions 7-26/, 'metadata.version', 27)
  refuses(/Local controller 1 does not support this feature/, 'nonsense', 1)
  refuses(/less than 0/, 'metadata.version', -1)
  refuses(/upgrade type/, 'metadata.version', 26, 9)
  refuses(/Can't downgrade the version/, 'metadata.version', 24)
  refuses(/newer version/, 'metadata.version', 26, safe)
  refuses(/might delete metadata/, 'metadata.version', 20, safe)
  refuses(/not supported in this version/, 'metadata.version', 20, unsafe)
  t.match(ask(decider, 'metadata.version', 24, safe).reply, { error: null })
  t.match(ask(new Decider().begin(22), elr, 1).reply, { detail: /depends on metadata.version level 23/ })
})

t.test('with eligible leader replicas everybody agrees on min.insync.replicas', async t => {
  const decider = new Decider({ 'min.insync.replicas': '2', 'node.id': '9' }).begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  const operations = [{ name: 'min.insync.replicas', operation: 0, value: '1' }]
  const resources = [{ resourceType: 4, resourceName: '1', operations }]
  decider.answer('alterConfigs', { resources, replace: false, validateOnly: false })
  t.match(ask(decider, elr, 1).records, [
    { value: { name: elr, featureLevel: 1 } },
    { value: { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '2' } },
    { value: { resourceType: 4, resourceName: '1', name: 'min.insync.replicas', value: null } },
  ])
  decider.stop(1)
  decider.stop(2)
  t.match(decider.partition('a'), { isr: [], eligibleLeaderReplicas: [1, 2] })
  ask(decider, elr, 0, safe)
  t.match(decider.partition('a'), { isr: [1, 2], eligibleLeaderReplicas: [], lastKnownElr: [], leader: -1 })
  decider.beat(2)
  t.match(decider.partition('a'), { leader: 2 })
})
