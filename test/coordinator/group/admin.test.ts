import t from 'tap'
import { commit, committed, Errors, join, leave, none, Scenario, subscription } from './scenario.ts'

const describe = (s: Scenario, groupId = 'g') => s.ask({ kind: 'describe', groupIds: [groupId] }).groups[0]
const list = (s: Scenario, states: string[] = [], types: string[] = []) =>
  s
    .ask({ kind: 'list', states: new Set(states), types: new Set(types) })
    .groups.map(({ groupId, groupState }) => `${groupId} ${groupState}`)

t.test('describe', async t => {
  const s = new Scenario()
  t.match(describe(s), { errorCode: Errors.GROUP_ID_NOT_FOUND, groupState: 'Dead', members: [] })
  const a = s.joinAs('a')
  t.match(describe(s), { groupState: 'PreparingRebalance', protocolType: 'consumer', protocolData: '' })
  t.equal(describe(s).members[0].memberMetadata.length, 0)
  s.advance(3000)
  t.match(describe(s), { groupState: 'CompletingRebalance', protocolData: '' })
  s.syncAll([a.answer.reply!])
  t.same(describe(s), {
    errorCode: none,
    errorMessage: null,
    groupId: 'g',
    groupState: 'Stable',
    protocolType: 'consumer',
    protocolData: 'range',
    members: [
      {
        memberId: a.memberId,
        groupInstanceId: null,
        clientId: 'a',
        clientHost: '/127.0.0.1',
        memberMetadata: subscription('t'),
        memberAssignment: Buffer.from(`for ${a.memberId}`),
      },
    ],
  })
  s.ask(leave({ memberId: a.memberId }))
  t.match(describe(s), { groupState: 'Empty', protocolType: 'consumer', protocolData: '', members: [] })
})

t.test('a group that only has offsets is empty and has no protocol type', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1 }))
  t.match(describe(s), { errorCode: none, groupState: 'Empty', protocolType: '' })
})

t.test('list, with filters', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1 }, { groupId: 'offsets' }))
  s.stable(['a'], { groupId: 'stable' })
  s.joinAs('b', { groupId: 'new' })
  t.same(list(s).sort(), ['new PreparingRebalance', 'offsets Empty', 'stable Stable'])
  t.same(list(s, ['stable', 'preparingrebalance']).sort(), ['new PreparingRebalance', 'stable Stable'])
  t.same(list(s, ['empty'], ['classic']), ['offsets Empty'])
  t.same(list(s, [], ['consumer']), [])
  t.same(list(s, ['dead']), [])
})

t.test('delete', async t => {
  const s = new Scenario()
  const [{ memberId }] = s.stable(['a'])
  s.ask(commit({ t: 1 }, { memberId, generationId: 1 }))
  s.ask(commit({ t: 1 }, { groupId: 'offsets' }))
  s.ask(join({ groupId: 'pending' }))
  const remove = (...groupIds: string[]) =>
    s.ask({ kind: 'deleteGroups', groupIds }).results.map(({ errorCode }) => errorCode)
  t.same(remove('g', 'nobody', 'offsets', 'pending'), [Errors.NON_EMPTY_GROUP, Errors.GROUP_ID_NOT_FOUND, none, none])
  t.same(committed(s), { t: 1 })
  s.ask(leave({ memberId }))
  t.same(remove('g'), [none])
  t.same(remove('g'), [Errors.GROUP_ID_NOT_FOUND])
  t.same(committed(s), {})
  t.same([...s.restarted().machine.groupIds()], [])
  t.same(s.advance(60_000), ['sessionExpired'], 'the session of the id handed out ends without harm')
})

t.test('whole requests fail in the shape of their answers', async t => {
  const { machine } = new Scenario()
  const error = Errors.NOT_COORDINATOR
  t.match(machine.failed(error, join({ memberId: 'm' })), { kind: 'join', errorCode: error, memberId: 'm' })
  t.match(machine.failed(error, commit({ a: 1 })), {
    topics: [{ name: 'a', partitions: [{ partitionIndex: 0, errorCode: error }] }],
  })
  t.match(machine.failed(error, { kind: 'deleteGroups', groupIds: ['x'] }), {
    results: [{ groupId: 'x', errorCode: error }],
  })
  t.match(machine.failed(error, { kind: 'describe', groupIds: ['x'] }), {
    groups: [{ groupId: 'x', errorCode: error }],
  })
  t.match(machine.failed(error, leave({ memberId: 'm' })), { kind: 'leave', errorCode: error, members: [] })
})
