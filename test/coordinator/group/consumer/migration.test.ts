/** Groups that change their protocol while they have members, and classic members in groups of the consumer protocol. */
import t from 'tap'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from '../../../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned, encodeVersioned } from '../../../../protocol/stored/framing.ts'
import type { MigrationPolicy } from '../../../../src/coordinator/group/settings.ts'
import { defaultGroupSettings } from '../../../../src/coordinator/group/settings.ts'
import { FakeCluster, idOf } from '../fake-cluster.ts'
import { errorName, heartbeat, join, leave, Scenario, sync } from '../scenario.ts'
import { beat, partitionsOf } from './members.ts'

function scenario(migrationPolicy: MigrationPolicy = 'bidirectional'): Scenario {
  const cluster = new FakeCluster()
  cluster.add('t', 4)
  const consumer = { ...defaultGroupSettings.consumer, migrationPolicy }
  return new Scenario({ consumer, initialRebalanceDelayMs: 0 }, [], 0, cluster)
}

type Owned = readonly number[]

const subscription = (owned: Owned = []) =>
  encodeVersioned(consumerProtocolSubscription, 1, {
    topics: ['t'],
    ownedPartitions: owned.length > 0 ? [{ topic: 't', partitions: [...owned] }] : [],
  })

const assignment = (partitions: Owned, userData: Buffer | null = null) =>
  encodeVersioned(consumerProtocolAssignment, 1, {
    assignedPartitions: [{ topic: 't', partitions: [...partitions] }],
    userData,
  })

const protocolsOf = (owned: Owned = []) => [{ name: 'cooperative-sticky', metadata: subscription(owned) }]

function partitionsIn(bytes: Buffer): readonly number[] {
  const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, bytes, true)
  return assignedPartitions.flatMap(({ partitions }) => partitions)
}

/** One classic member that leads and owns everything. */
function classicGroup(s: Scenario, userData: Buffer | null = null): { memberId: string; generationId: number } {
  const first = s.joinAs('old', { protocols: protocolsOf() })
  s.advance(0)
  const { memberId } = first
  const { generationId } = first.answer.reply!
  s.ask(sync({ memberId, generationId, assignments: [{ memberId, assignment: assignment([0, 1, 2, 3], userData) }] }))
  return { memberId, generationId }
}

const stay = (memberId: string, memberEpoch: number, owned: Owned | null = null) =>
  beat({
    memberId,
    memberEpoch,
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    topicPartitions: owned && [{ topicId: idOf('t'), partitions: owned }],
  })

const beatOf = (s: Scenario, memberId: string, generationId: number) =>
  errorName(s.ask(heartbeat(memberId, generationId)).errorCode)

t.test(
  'a classic group is taken over by the first member of the consumer protocol, and given back by the last',
  async t => {
    const s = scenario()
    const { memberId, generationId } = classicGroup(s)
    const arrived = s.ask(beat())
    t.match(arrived, { memberEpoch: generationId + 1 })
    t.same(partitionsOf(arrived), [], 'nothing is free yet')
    t.equal(s.written[0].kind, 'group', 'the classic group ends')
    const group = () => s.machine.consumerGroup('g')
    t.match(group()?.members.get(memberId), { memberEpoch: generationId })
    t.same(s.restarted().machine.consumerGroup('g')?.members.size, 2)

    t.equal(beatOf(s, memberId, generationId), 'REBALANCE_IN_PROGRESS')
    const told = s.ask(join({ memberId, protocols: protocolsOf([0, 1, 2, 3]) }))
    t.match(told, { generationId, leader: '', members: [] }, 'it has to give up before it goes on')
    const synced = s.ask(sync({ memberId, generationId }))
    t.same(partitionsIn(synced.assignment), [0, 1])
    t.match(s.ask(stay('m1', generationId + 1)), { assignment: null }, 'still not free')
    t.equal(beatOf(s, memberId, generationId), 'REBALANCE_IN_PROGRESS')
    const again = s.ask(join({ memberId, protocols: protocolsOf([0, 1]) }))
    t.equal(again.generationId, generationId + 1)
    t.same(partitionsIn(s.ask(sync({ memberId, generationId: generationId + 1 })).assignment), [0, 1])
    t.same(partitionsOf(s.ask(stay('m1', generationId + 1))), ['t-2', 't-3'])
    t.equal(group()?.state, 'Stable')
    t.equal(beatOf(s, memberId, generationId + 1), 'NONE')
    t.equal(beatOf(s, 'm1', generationId + 1), 'UNKNOWN_MEMBER_ID', 'it speaks the other protocol')

    s.ask(stay('m1', -1))
    t.equal(s.state(), 'PreparingRebalance')
    t.equal(group(), null)
    t.equal(s.restarted().machine.group('g')?.members.size, 1)
    t.equal(beatOf(s, memberId, s.generation()), 'REBALANCE_IN_PROGRESS')
    const leads = s.ask(join({ memberId, protocols: protocolsOf([0, 1]) }))
    t.equal(leads.leader, memberId)
  },
)

t.test('classic members that do not do their part are gone', async t => {
  const s = scenario()
  const { memberId, generationId } = classicGroup(s)
  s.ask(beat())
  const alive = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5000) {
      s.advance(5000)
      s.ask(stay('m1', generationId + 1))
      if (s.machine.consumerGroup('g')?.members.has(memberId)) beatOf(s, memberId, generationId)
    }
  }
  alive(55_000)
  t.ok(s.machine.consumerGroup('g')?.members.has(memberId), 'told to join again')
  alive(10_000)
  t.notOk(s.machine.consumerGroup('g')?.members.has(memberId), 'and did not within its rebalance timeout')
  t.equal(s.machine.consumerGroup('g')?.members.get('m1')?.assigned.get(idOf('t'))?.size, 4)
})

t.test('what waits is answered when the group changes its protocol', async t => {
  const s = scenario()
  const one = s.joinAs('a', { protocols: protocolsOf() })
  s.advance(0)
  const parked = s.send(sync({ memberId: one.memberId, generationId: 1 }))
  s.ask(leave({ memberId: one.memberId }))
  t.ok(parked.reply, 'gone')
  const two = s.joinAs('b', { protocols: protocolsOf() })
  s.ask(beat())
  t.equal(errorName(two.answer.reply?.errorCode ?? 0), 'REBALANCE_IN_PROGRESS')
})

t.test('policies', async t => {
  const joins = (s: Scenario) => errorName(s.ask(beat()).errorCode)
  for (const policy of ['disabled', 'downgrade'] as const) {
    const s = scenario(policy)
    classicGroup(s)
    t.equal(joins(s), 'GROUP_ID_NOT_FOUND', policy)
  }
  const up = scenario('upgrade')
  const { memberId } = classicGroup(up)
  t.equal(joins(up), 'NONE')
  up.ask(stay('m1', -1))
  t.ok(up.machine.consumerGroup('g')?.members.has(memberId), 'it is not given back')
  const disabled = scenario('disabled')
  disabled.ask(beat())
  const refused = disabled.ask(join({ protocols: protocolsOf() }))
  t.equal(errorName(refused.errorCode), 'INCONSISTENT_GROUP_PROTOCOL')
})

t.test('groups that cannot be taken over', async t => {
  const s = scenario()
  classicGroup(s, Buffer.from('mine'))
  t.match(s.ask(beat()), { errorMessage: /custom assignor/ })
  const other = scenario()
  other.stable(['a'], { protocolType: 'connect' })
  t.match(other.ask(beat()), { errorMessage: /does not use the consumer embedded protocol/ })
})

t.test('empty groups become what is asked of them', async t => {
  const s = scenario()
  const { memberId } = classicGroup(s)
  s.ask(leave({ memberId }))
  t.match(s.ask(beat()), { errorCode: 0, memberEpoch: 2 })
  s.ask(stay('m1', -1))
  t.equal(s.machine.consumerGroup('g')?.state, 'Empty')
  const back = s.joinAs('old', { protocols: protocolsOf() })
  s.advance(0)
  t.equal(back.answer.reply?.errorCode, 0)
  t.equal(s.machine.consumerGroup('g'), null)
})

t.test('a static member changes its protocol, and back', async t => {
  const s = scenario()
  const terms = { groupInstanceId: 'i', protocols: protocolsOf() }
  const joining = s.send(join(terms))
  s.advance(0)
  const { memberId, generationId } = joining.reply!
  s.ask(
    sync({
      memberId,
      generationId,
      groupInstanceId: 'i',
      assignments: [{ memberId, assignment: assignment([0, 1, 2, 3]) }],
    }),
  )
  const fresh = s.ask(beat({ instanceId: 'i' }))
  t.equal(fresh.errorCode, 0)
  t.same(partitionsOf(fresh), ['t-0', 't-1', 't-2', 't-3'], 'it keeps what the instance had')
  t.equal(s.machine.consumerGroup('g')?.members.size, 1)
  const back = s.send(join(terms))
  t.equal(s.machine.consumerGroup('g'), null, 'nobody of the consumer protocol is left')
  t.equal(s.machine.group('g')?.members.size, 1)
  s.advance(60_000)
  t.equal(back.reply?.errorCode, 0)
})
