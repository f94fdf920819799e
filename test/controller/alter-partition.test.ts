import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import type { InSyncChange } from '../../src/controller/events.ts'
import { Decider } from './decide.ts'

function cluster(): Decider {
  const decider = new Decider().begin(30, 1)
  decider.brokers(1, 2, 3)
  decider.assigned('a', [1, 2, 3])
  return decider
}

function ask(decider: Decider, more: Partial<InSyncChange> = {}, brokerId = 1, topicId = decider.state.topicId('a')) {
  const { leaderEpoch, partitionEpoch } = decider.partition('a')
  const isr = [1, 2].map(id => ({ brokerId: id, brokerEpoch: decider.epochOf(id) }))
  const wanted = { partitionIndex: 0, leaderEpoch, partitionEpoch, isr, leaderRecoveryState: 0, ...more }
  const [{ partitions }] = decider.answer('alterPartitions', {
    brokerId,
    brokerEpoch: decider.epochOf(brokerId),
    topics: [{ topicId: topicId ?? '', partitions: [wanted] }],
  })
  return partitions[0]
}

const members = (...ids: number[]) => ids.map(brokerId => ({ brokerId, brokerEpoch: -1 }))

t.test('the leader shrinks and grows its in-sync set', async t => {
  const decider = cluster()
  t.match(ask(decider), { errorCode: 0, leaderId: 1, leaderEpoch: 0, isr: [1, 2], partitionEpoch: 1 })
  t.match(ask(decider, { isr: members(1, 2, 3) }), { errorCode: 0, isr: [1, 2, 3], partitionEpoch: 2 })
  t.match(ask(decider, { isr: members(1, 2, 3) }), { errorCode: 0, partitionEpoch: 2 }, 'nothing to change')
})

t.test('what is wrong with a request is told in this order', async t => {
  const decider = cluster()
  const refuses = (error: number, more: Partial<InSyncChange>, brokerId = 1, topicId?: string) => {
    const records = decider.records.length
    t.equal(ask(decider, more, brokerId, topicId).errorCode, error, JSON.stringify(more))
    t.equal(decider.records.length, records)
  }
  refuses(Errors.UNKNOWN_TOPIC_ID, { partitionIndex: 9 }, 1, 'AAAAAAAAAAAAAAAAAAAACA')
  refuses(Errors.UNKNOWN_TOPIC_OR_PARTITION, { partitionIndex: 9, leaderEpoch: 9 })
  decider.alter('a', [1, 2])
  decider.alter('a', [1, 2, 3])
  decider.beat(2, { wantFence: true })
  decider.beat(2)
  decider.alter('a', [1, 2, 3])
  const { leaderEpoch, partitionEpoch } = decider.partition('a')
  refuses(Errors.NOT_CONTROLLER, { leaderEpoch: leaderEpoch + 1, partitionEpoch: 0 }, 2)
  refuses(Errors.NOT_CONTROLLER, { leaderEpoch: leaderEpoch - 1, partitionEpoch: partitionEpoch + 1 }, 2)
  refuses(Errors.FENCED_LEADER_EPOCH, { leaderEpoch: leaderEpoch - 1, partitionEpoch: 0 }, 2)
  refuses(Errors.INVALID_REQUEST, { partitionEpoch: 0 }, 2)
  refuses(Errors.INVALID_UPDATE_VERSION, { partitionEpoch: 0, isr: members(9) })
  refuses(Errors.INVALID_REQUEST, { isr: members(1, 9) })
  refuses(Errors.INVALID_REQUEST, { isr: members(1, 1) })
  refuses(Errors.INVALID_REQUEST, { isr: members(2, 3) })
  refuses(Errors.INVALID_REQUEST, { isr: members(1, 2), leaderRecoveryState: 1 })
  refuses(Errors.INVALID_REQUEST, { isr: members(1), leaderRecoveryState: 1 })
  refuses(Errors.INVALID_REQUEST, { isr: members(1), leaderRecoveryState: 2 })
  refuses(Errors.INELIGIBLE_REPLICA, { isr: [...members(1), { brokerId: 2, brokerEpoch: decider.epochOf(2) - 1 }] })
  decider.beat(2, { wantFence: true })
  refuses(Errors.INELIGIBLE_REPLICA, { isr: members(1, 2) })
  const stale = { brokerId: 1, brokerEpoch: 0, topics: [] }
  t.match(decider.ask({ question: 'alterPartitions', ...stale }).reply, { error: Errors.STALE_BROKER_EPOCH })
})

t.test('of two wishes in one request the second comes too late', async t => {
  const decider = cluster()
  const { leaderEpoch, partitionEpoch } = decider.partition('a')
  const wish = (isr: number[]) => ({
    partitionIndex: 0,
    leaderEpoch,
    partitionEpoch,
    isr: members(...isr),
    leaderRecoveryState: 0,
  })
  const [{ partitions }] = decider.answer('alterPartitions', {
    brokerId: 1,
    brokerEpoch: decider.epochOf(1),
    topics: [{ topicId: decider.state.topicId('a') ?? '', partitions: [wish([1, 2]), wish([1, 3])] }],
  })
  t.match(partitions, [{ errorCode: 0 }, { errorCode: Errors.INVALID_UPDATE_VERSION }])
})

t.test('a change that ends a reassignment may end the leadership', async t => {
  const decider = cluster()
  decider.brokers(4)
  const partitions = [{ partitionIndex: 0, replicas: [2, 3, 4] }]
  decider.answer('alterReassignments', { topics: [{ name: 'a', partitions }], allowReplicationFactorChange: true })
  t.equal(ask(decider, { isr: members(1, 2, 3, 4) }).errorCode, Errors.NEW_LEADER_ELECTED)
  t.match(decider.partition('a'), { leader: 2, isr: [2, 3, 4], replicas: [2, 3, 4], leaderEpoch: 1 })
})

t.test('a leader that was elected uncleanly recovers alone', async t => {
  const decider = new Decider({ 'unclean.leader.election.enable': 'true', 'node.id': '9' }).begin()
  decider.brokers(1, 2)
  decider.assigned('a', [1, 2])
  decider.alter('a', [1])
  decider.stop(1)
  t.match(decider.partition('a'), { leader: 2, isr: [2], leaderRecoveryState: 1 })
  t.match(decider.alter('a', [2]), { errorCode: 0, leaderRecoveryState: 0, isr: [2] })
})
