/** Groups of the consumer protocol, by what members ask and what the coordinator writes and answers. */
import t from 'tap'
import { FakeCluster, idOf } from '../fake-cluster.ts'
import { commit, Errors, errorName, fetchAll, none, Scenario } from '../scenario.ts'
import { beat, partitionsOf } from './members.ts'

function scenario(topics: Record<string, number> = { t: 4 }): Scenario {
  const cluster = new FakeCluster()
  for (const [name, count] of Object.entries(topics)) cluster.add(name, count)
  return new Scenario({}, [], 0, cluster)
}

/** A heartbeat of a member that has told everything already. */
function stay(memberId: string, memberEpoch: number, owned: number[] | null = null, topic = 't') {
  const topicPartitions = owned && [{ topicId: idOf(topic), partitions: owned }]
  return beat({ memberId, memberEpoch, rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions })
}

const all = ['t-0', 't-1', 't-2', 't-3']

t.test('what the first member writes, in Kafka’s order', async t => {
  const s = scenario()
  const reply = s.ask(beat())
  t.match(reply, { errorCode: none, memberId: 'm1', memberEpoch: 2, heartbeatIntervalMs: 5000 })
  t.same(partitionsOf(reply), all)
  t.same(
    s.written.map(({ kind }) => kind),
    ['consumerMember', 'consumerMemory', 'consumerGroup', 'consumerTargetMember', 'consumerTarget', 'consumerCurrent'],
  )
  t.equal(s.state(), 'none', 'no classic group')
  t.equal(s.machine.consumerGroup('g')?.state, 'Stable')
  t.match(s.ask(stay('m1', 2)), { memberEpoch: 2, assignment: null })
  t.same(s.written, [], 'a heartbeat that changes nothing writes nothing')
})

t.test('a partition changes hands only when it was given up', async t => {
  const s = scenario()
  s.ask(beat())
  t.same(partitionsOf(s.ask(beat({ memberId: 'm2' }))), [])
  t.equal(s.machine.consumerGroup('g')?.state, 'Reconciling')
  const told = s.ask(stay('m1', 2))
  t.match(told, { memberEpoch: 2 }, 'still in the old epoch')
  t.same(partitionsOf(told), ['t-0', 't-1'])
  t.match(s.ask(stay('m2', 3)), { assignment: null }, 'nothing is free')
  t.match(s.ask(stay('m1', 2, [0, 1, 2, 3])), { memberEpoch: 2, assignment: null }, 'still owns them')
  t.match(s.ask(stay('m1', 2, [0, 1])), { memberEpoch: 3, assignment: null })
  t.same(partitionsOf(s.ask(stay('m2', 3))), ['t-2', 't-3'])
  t.equal(s.machine.consumerGroup('g')?.state, 'Stable')
})

t.test('who does not give up in time is fenced', async t => {
  const s = scenario()
  s.ask(beat())
  s.ask(beat({ memberId: 'm2' }))
  s.ask(stay('m1', 2))
  t.same(s.timers('revocationExpired'), [30_000])
  s.advance(29_000)
  s.ask(stay('m1', 2, [0, 1, 2, 3]))
  s.ask(stay('m2', 3))
  t.same(s.advance(1000), ['revocationExpired'])
  t.equal(errorName(s.ask(stay('m1', 2, [0, 1])).errorCode), 'UNKNOWN_MEMBER_ID')
  t.same(partitionsOf(s.ask(stay('m2', 3))), all)
})

t.test('who falls silent loses its place', async t => {
  const s = scenario()
  s.ask(beat())
  s.ask(beat({ memberId: 'm2' }))
  s.advance(30_000)
  s.ask(stay('m2', 3))
  s.advance(15_000)
  t.equal(errorName(s.ask(stay('m1', 2)).errorCode), 'UNKNOWN_MEMBER_ID')
  t.same(partitionsOf(s.ask(stay('m2', 3))), all)
})

t.test('epochs', async t => {
  const s = scenario()
  s.ask(beat())
  s.ask(beat({ memberId: 'm2' }))
  s.ask(stay('m1', 2, [0, 1, 2, 3]))
  s.ask(stay('m1', 2, [0, 1]))
  t.match(s.ask(stay('m1', 2, [0, 1])), { errorCode: none, memberEpoch: 3 }, 'the answer was lost')
  const code = (memberId: string, epoch: number, owned: number[] | null = null) =>
    errorName(s.ask(stay(memberId, epoch, owned)).errorCode)
  t.equal(code('m1', 2, [0, 1, 2]), 'FENCED_MEMBER_EPOCH')
  t.equal(code('m1', 2), 'FENCED_MEMBER_EPOCH')
  t.equal(code('m1', 9), 'FENCED_MEMBER_EPOCH')
  t.equal(code('m3', 3), 'UNKNOWN_MEMBER_ID')
  t.match(s.ask(beat()), { errorCode: none, memberEpoch: 3 }, 'epoch 0 joins anew')
  t.equal(errorName(s.ask(beat({ groupId: 'h', memberEpoch: 3 })).errorCode), 'GROUP_ID_NOT_FOUND')
})

t.test('static members keep their partitions while they are away', async t => {
  const s = scenario()
  s.ask(beat({ memberId: 'a', instanceId: 'i' }))
  s.ask(beat({ memberId: 'm2' }))
  const second = s.ask(beat({ memberId: 'b', instanceId: 'i' }))
  t.equal(errorName(second.errorCode), 'UNRELEASED_INSTANCE_ID')
  t.match(s.ask({ ...stay('a', -2), instanceId: 'i' }), { errorCode: none, memberEpoch: -2 })
  const back = s.ask(beat({ memberId: 'b', instanceId: 'i' }))
  t.same(partitionsOf(back), ['t-0', 't-1'])
  t.equal(errorName(s.ask({ ...stay('a', 2), instanceId: 'i' }).errorCode), 'FENCED_INSTANCE_ID')
  t.match(s.ask({ ...stay('b', -2), instanceId: 'i' }), { memberEpoch: -2 })
  s.advance(30_000)
  s.ask(stay('m2', 3))
  s.advance(15_000)
  t.same([...(s.machine.consumerGroup('g')?.members.keys() ?? [])], ['m2'], 'not forever')
})

t.test('topics that come, grow and go', async t => {
  const s = scenario({ t: 1 })
  s.ask(beat({ subscribedTopicNames: ['t', 'later'] }))
  s.cluster.grow('t', 2)
  t.same(partitionsOf(s.ask(stay('m1', 2))), ['t-0', 't-1'])
  s.cluster.add('later', 1)
  t.same(partitionsOf(s.ask(stay('m1', 3))), ['later-0', 't-0', 't-1'])
  s.cluster.add('other', 5)
  t.match(s.ask(stay('m1', 4)), { memberEpoch: 4, assignment: null }, 'not its business')
  s.cluster.remove('t')
  const without = s.ask(stay('m1', 4, [0], 'later'))
  t.same(partitionsOf(without), ['later-0'])
})

t.test('patterns', async t => {
  const s = scenario({ ab: 1, ac: 1, b: 1 })
  const reply = s.ask(beat({ subscribedTopicNames: null, subscribedTopicRegex: 'a.' }))
  t.same(partitionsOf(reply), ['ab-0', 'ac-0'])
  s.cluster.add('ad', 1)
  t.match(s.ask(stay('m1', 2)), { assignment: null }, 'not looked at all the time')
  s.advance(10_000)
  t.same(partitionsOf(s.ask(stay('m1', 2))), ['ab-0', 'ac-0', 'ad-0'])
  t.same(partitionsOf(s.ask({ ...stay('m1', 3, []), subscribedTopicRegex: '', subscribedTopicNames: ['b'] })), ['b-0'])
  t.equal(s.machine.consumerGroup('g')?.regexes.size, 0)
  const bad = s.ask(beat({ memberId: 'm2', subscribedTopicRegex: '(' }))
  t.match(bad, { errorCode: Errors.INVALID_REGULAR_EXPRESSION, errorMessage: /`\(` is not a valid regular/ })
  const evil = s.ask(beat({ memberId: 'm2', subscribedTopicRegex: '(a+)+$', subscribedTopicNames: null }))
  t.equal(evil.errorCode, none, 'no pattern takes more than linear time')
})

t.test('assignments are made no more often than the group allows', async t => {
  const s = scenario()
  s.cluster.times = { ...s.cluster.times, assignmentIntervalMs: 1000 }
  s.ask(beat())
  t.same(partitionsOf(s.ask(beat({ memberId: 'm2' }))), [])
  t.equal(s.machine.consumerGroup('g')?.state, 'Assigning')
  t.match(s.ask(stay('m1', 2)), { memberEpoch: 2, assignment: null })
  s.advance(1000)
  t.same(partitionsOf(s.ask(stay('m1', 2))), ['t-0', 't-1'])
})

t.test('committing and fetching offsets with epochs', async t => {
  const s = scenario()
  s.ask(beat())
  s.ask(beat({ memberId: 'm2' }))
  const code = (memberId: string, generationId: number, change = {}) => {
    const reply = s.ask(commit({ t: 5 }, { memberId, generationId, ...change }))
    return errorName(reply.topics[0].partitions[0].errorCode)
  }
  t.equal(code('m1', 2), 'NONE')
  t.equal(code('m1', 3), 'STALE_MEMBER_EPOCH')
  t.equal(code('m9', 2), 'UNKNOWN_MEMBER_ID')
  t.equal(code('', -1), 'UNKNOWN_MEMBER_ID')
  t.equal(code('m1', 2, { knowsMemberEpochs: false }), 'UNSUPPORTED_VERSION')
  s.ask(stay('m1', 2, [0, 1, 2, 3]))
  s.ask(stay('m1', 2, [0, 1]))
  const topic = (partitionIndex: number) => [
    {
      name: 't',
      topicId: idOf('t'),
      partitions: [{ partitionIndex, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: null }],
    },
  ]
  t.equal(code('m1', 2, { topics: topic(0) }), 'NONE', 'late, and had since')
  t.equal(code('m1', 2, { topics: topic(3) }), 'STALE_MEMBER_EPOCH', 'somebody else’s by now')
  const fetch = (memberId: string | null, memberEpoch: number) =>
    errorName(s.ask({ ...fetchAll(), memberId, memberEpoch }).errorCode)
  t.equal(fetch('m1', 3), 'NONE')
  t.equal(fetch('m1', 2), 'STALE_MEMBER_EPOCH')
  t.equal(fetch('m9', 2), 'UNKNOWN_MEMBER_ID')
  t.equal(fetch(null, -1), 'NONE')
})

t.test('how administrators see it', async t => {
  const s = scenario()
  const state = () => s.ask({ kind: 'list', states: new Set(), types: new Set(['consumer']) }).groups
  s.ask(beat({ rackId: 'r', serverAssignor: 'range' }))
  t.same(state(), [{ groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' }])
  const [group] = s.ask({ kind: 'consumerDescribe', groupIds: ['g'] }).groups
  t.match(group, { groupState: 'Stable', groupEpoch: 2, assignmentEpoch: 2, assignorName: 'range' })
  t.match(group.members, [{ memberId: 'm1', memberEpoch: 2, rackId: 'r', memberType: 1 }])
  const [classic] = s.ask({ kind: 'describe', groupIds: ['g'] }).groups
  t.match(classic, { errorCode: Errors.GROUP_ID_NOT_FOUND, errorMessage: 'Group g is not a classic group.' })
  const remove = () => errorName(s.ask({ kind: 'deleteGroups', groupIds: ['g'] }).results[0].errorCode)
  t.equal(remove(), 'NON_EMPTY_GROUP')
  s.ask(stay('m1', -1))
  t.equal(state()[0].groupState, 'Empty')
  t.equal(remove(), 'NONE')
  t.equal(remove(), 'GROUP_ID_NOT_FOUND')
  t.equal(s.restarted().machine.consumerGroup('g'), null)
})

t.test('limits, and a protocol that is not offered', async t => {
  const s = scenario()
  const { consumer } = s.machine.settings
  const small = s.restarted({ consumer: { ...consumer, membersMax: 1 } })
  small.ask(beat())
  t.equal(errorName(small.ask(beat({ memberId: 'm2' })).errorCode), 'GROUP_MAX_SIZE_REACHED')
  t.equal(errorName(small.ask(beat({ serverAssignor: 'mine' })).errorCode), 'UNSUPPORTED_ASSIGNOR')
  s.cluster.version = 0
  t.equal(errorName(s.ask(beat()).errorCode), 'UNSUPPORTED_VERSION')
  t.equal(errorName(s.ask({ kind: 'consumerDescribe', groupIds: ['g'] }).groups[0].errorCode), 'UNSUPPORTED_VERSION')
})

t.test('a group that nobody uses is forgotten with its last offset', async t => {
  const s = scenario()
  s.ask(beat())
  s.ask(commit({ t: 5 }, { memberId: 'm1', generationId: 2 }))
  s.ask(stay('m1', -1))
  s.advance(8 * 24 * 3_600_000)
  t.equal(s.machine.consumerGroup('g'), null)
  t.equal(s.machine.offsets.has('g'), false)
})
