import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { configOperations } from '../../src/controller/events.ts'
import { Decider } from './decide.ts'

const preferred = 0
const unclean = 1

function elect(decider: Decider, electionType: number, topics: Record<string, number[]> | null) {
  const wanted = topics && Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions }))
  return decider.answer('electLeaders', { electionType, topics: wanted })
}

t.test('preferred leaders', async t => {
  const decider = new Decider().begin(30, 1)
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2], [2, 1], [1, 2])
  decider.beat(1, { wantFence: true })
  t.match(elect(decider, preferred, { a: [0, 1, 9], x: [0] }), [
    {
      topic: 'a',
      partitions: [
        { errorCode: Errors.PREFERRED_LEADER_NOT_AVAILABLE },
        { errorCode: Errors.ELECTION_NOT_NEEDED },
        { errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION },
      ],
    },
    { topic: 'x', partitions: [{ errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION }] },
  ])
  decider.beat(1)
  decider.alter('a', [1, 2], { index: 0 })
  t.match(elect(decider, preferred, null), [
    {
      topic: 'a',
      partitions: [
        { partitionIndex: 0, errorCode: 0 },
        { partitionIndex: 2, errorCode: Errors.PREFERRED_LEADER_NOT_AVAILABLE },
      ],
    },
  ])
  t.equal(decider.partition('a').leader, 1)
  t.match(decider.ask({ question: 'electLeaders', electionType: 7, topics: null }).reply, {
    error: Errors.INVALID_REQUEST,
  })
})

t.test('an unclean election on request', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2], [2, 1])
  decider.alter('a', [1])
  decider.stop(1)
  t.match(elect(decider, unclean, { a: [0, 1] }), [
    { partitions: [{ errorCode: 0 }, { errorCode: Errors.ELECTION_NOT_NEEDED }] },
  ])
  t.match(decider.partition('a'), { leader: 2, isr: [2], leaderRecoveryState: 1 })
  decider.stop(2)
  t.match(elect(decider, unclean, { a: [0] }), [{ partitions: [{ errorCode: Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE }] }])
})

t.test('leaderships go home by themselves', async t => {
  const settings = { 'leader.imbalance.check.interval.seconds': '5', 'broker.session.timeout.ms': '100000' }
  const run = (more: Record<string, string>) => {
    const decider = new Decider({ ...settings, ...more }).begin()
    decider.brokers(1, 2)
    decider.assigned('a', [1, 2], [1, 2])
    decider.beat(1, { wantFence: true })
    decider.beat(1)
    decider.alter('a', [1, 2])
    return decider.elapse(10_000)
  }
  t.match(run({}), [{ kind: 'partitionChange', value: { partitionId: 0, leader: 1 } }])
  t.same(run({ 'auto.leader.rebalance.enable': 'false' }), [])
})

t.test('unclean elections as soon as they are allowed', async t => {
  const decider = new Decider().begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  decider.assigned('b', [1, 2])
  decider.alter('a', [1])
  decider.alter('b', [1])
  decider.stop(1)
  const name = 'unclean.leader.election.enable'
  const operations = [{ name, operation: configOperations.set, value: 'true' }]
  const resources = [{ resourceType: 2, resourceName: 'a', operations }]
  decider.answer('alterConfigs', { resources, replace: false, validateOnly: false })
  t.match(decider.partition('a'), { leader: 2, isr: [2] })
  t.match(decider.partition('b'), { leader: -1, isr: [1] })
})

t.test('a timer finds those that were missed', async t => {
  const settings = { 'unclean.leader.election.interval.ms': '1000', 'unclean.leader.election.enable': 'true' }
  const decider = new Decider(settings).begin()
  decider.brokers(1)
  decider.assigned('a', [1])
  decider.stop(1)
  t.same(decider.elapse(3000), [])
})

t.test('a lower min.insync.replicas ends eligibility', async t => {
  const decider = new Decider({ 'min.insync.replicas': '2', 'node.id': '9' }).begin(30, 1)
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  decider.stop(2)
  t.match(decider.partition('a'), { isr: [1], eligibleLeaderReplicas: [2] })
  const alter = (resourceName: string, operation: number, value: string | null) =>
    decider.answer('alterConfigs', {
      resources: [{ resourceType: 4, resourceName, operations: [{ name: 'min.insync.replicas', operation, value }] }],
      replace: false,
      validateOnly: false,
    })[0].errorCode
  t.equal(alter('1', configOperations.set, '1'), Errors.INVALID_CONFIG)
  t.equal(alter('', configOperations.delete, null), Errors.INVALID_CONFIG)
  t.same(decider.partition('a').eligibleLeaderReplicas, [2])
  t.equal(alter('', configOperations.set, '1'), 0)
  t.same(decider.partition('a').eligibleLeaderReplicas, [])
})
