import t from 'tap'
import { Errors, errorName, heartbeat, join, leave, none, Scenario, sync } from './scenario.ts'

t.test('the leader assigns: followers wait, and get theirs when it is on record', async t => {
  const s = new Scenario()
  const a = s.joinAs('a')
  const b = s.joinAs('b')
  s.advance(6000)
  const follower = s.send(sync({ memberId: b.memberId }))
  t.equal(follower.reply, null)
  const assignments = [
    { memberId: a.memberId, assignment: Buffer.from('A') },
    { memberId: b.memberId, assignment: Buffer.from('B') },
    { memberId: 'nobody', assignment: Buffer.from('?') },
  ]
  const leader = s.send(sync({ memberId: a.memberId, assignments }))
  t.match(leader.reply, { errorCode: none, protocolType: 'consumer', protocolName: 'range' })
  t.equal(String(leader.reply?.assignment), 'A')
  t.equal(String(follower.reply?.assignment), 'B')
  t.equal(s.state(), 'Stable')
  t.equal(s.log.length, 1, 'one record')
  t.equal(String(s.ask(sync({ memberId: b.memberId })).assignment), 'B', 'asked again')
})

t.test('who is not assigned anything gets an empty assignment', async t => {
  const s = new Scenario()
  const a = s.joinAs('a')
  s.advance(3000)
  t.equal(s.ask(sync({ memberId: a.memberId })).assignment.length, 0)
  t.equal(s.state(), 'Stable')
})

t.test('checks of a sync', async t => {
  const s = new Scenario()
  t.equal(s.ask(sync({ memberId: 'x' })).errorCode, Errors.UNKNOWN_MEMBER_ID, 'unknown group')
  const [a] = s.stable(['a'])
  const { memberId } = a
  const codes = {
    member: s.ask(sync({ memberId: 'x' })).errorCode,
    generation: s.ask(sync({ memberId, generationId: 2 })).errorCode,
    type: s.ask(sync({ memberId, protocolType: 'connect' })).errorCode,
    name: s.ask(sync({ memberId, protocolName: 'sticky' })).errorCode,
    right: s.ask(sync({ memberId, protocolType: 'consumer', protocolName: 'range' })).errorCode,
  }
  t.same(codes, {
    member: Errors.UNKNOWN_MEMBER_ID,
    generation: Errors.ILLEGAL_GENERATION,
    type: Errors.INCONSISTENT_GROUP_PROTOCOL,
    name: Errors.INCONSISTENT_GROUP_PROTOCOL,
    right: none,
  })
  s.joinAs('b')
  t.equal(s.ask(sync({ memberId })).errorCode, Errors.REBALANCE_IN_PROGRESS)
})

t.test('a second sync of a member replaces the parked one, which is answered too', async t => {
  const s = new Scenario()
  s.joinAs('a')
  const b = s.joinAs('b')
  s.advance(6000)
  const first = s.send(sync({ memberId: b.memberId }))
  const second = s.send(sync({ memberId: b.memberId }))
  t.equal(first.reply?.errorCode, Errors.REBALANCE_IN_PROGRESS)
  t.equal(second.reply, null)
})

t.test('members that never sync are removed after the rebalance timeout', async t => {
  const s = new Scenario()
  const a = s.joinAs('a', { sessionTimeoutMs: 100_000 })
  const b = s.joinAs('b', { sessionTimeoutMs: 100_000 })
  s.advance(6000)
  const parked = s.send(sync({ memberId: b.memberId }))
  t.same(s.timers('syncExpired'), [60_000])
  t.same(s.advance(60_000), ['syncExpired'])
  t.equal(parked.reply?.errorCode, Errors.REBALANCE_IN_PROGRESS)
  t.same([...s.machine.group('g')!.members.keys()], [b.memberId])
  const again = s.send(join({ memberId: b.memberId }))
  t.match(again.reply, { generationId: 2, leader: b.memberId })
  t.equal(s.ask(heartbeat(a.memberId, 2)).errorCode, Errors.UNKNOWN_MEMBER_ID)
})

t.test('in a stable group too: one who joined and never fetched its assignment', async t => {
  const s = new Scenario()
  const a = s.joinAs('a', { sessionTimeoutMs: 100_000 })
  const b = s.joinAs('b', { sessionTimeoutMs: 100_000 })
  s.advance(6000)
  s.ask(sync({ memberId: a.memberId }))
  t.equal(s.state(), 'Stable')
  s.advance(60_000)
  t.equal(s.state(), 'PreparingRebalance')
  t.notOk(s.machine.group('g')?.members.has(b.memberId))
})

t.test('when all have synced nobody is waited for', async t => {
  const s = new Scenario()
  s.stable(['a', 'b'], { sessionTimeoutMs: 100_000 })
  t.same(s.timers('syncExpired'), [])
  t.same(s.advance(90_000), [])
})

t.test('heartbeats', async t => {
  const s = new Scenario()
  t.equal(s.ask(heartbeat('x', 1)).errorCode, Errors.UNKNOWN_MEMBER_ID, 'unknown group')
  const [a] = s.stable(['a'])
  t.equal(s.ask(heartbeat(a.memberId, 1)).errorCode, none)
  t.equal(s.ask(heartbeat(a.memberId, 2)).errorCode, Errors.ILLEGAL_GENERATION)
  t.equal(s.ask(heartbeat('x', 1)).errorCode, Errors.UNKNOWN_MEMBER_ID)
  s.ask(leave({ memberId: a.memberId }))
  t.equal(s.ask(heartbeat(a.memberId, 2)).errorCode, Errors.UNKNOWN_MEMBER_ID, 'empty group')
})

t.test('a heartbeat between join and sync is fine', async t => {
  const s = new Scenario()
  const a = s.joinAs('a')
  s.advance(3000)
  t.equal(s.ask(heartbeat(a.memberId, 1)).errorCode, none)
})

t.test('heartbeats, syncs and joins keep a session alive; silence ends it', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b'])
  s.advance(9000)
  s.ask(heartbeat(a.memberId, 1))
  s.ask(sync({ memberId: b.memberId }))
  s.advance(9000)
  t.equal(s.state(), 'Stable')
  s.ask(heartbeat(a.memberId, 1))
  t.same(s.advance(1000), ['sessionExpired'])
  t.equal(s.state(), 'PreparingRebalance')
  t.notOk(s.machine.group('g')?.members.has(b.memberId))
  const again = s.send(join({ memberId: a.memberId }))
  t.equal(again.reply?.generationId, 2)
})

t.test('the session does not end while a sync is parked, and begins anew with its answer', async t => {
  const s = new Scenario()
  const a = s.joinAs('a', { sessionTimeoutMs: 50_000 })
  const b = s.joinAs('b', { sessionTimeoutMs: 10_000 })
  s.advance(6000)
  const parked = s.send(sync({ memberId: b.memberId }))
  s.advance(30_000)
  t.equal(parked.reply, null)
  s.ask(sync({ memberId: a.memberId }))
  t.equal(parked.reply?.errorCode, none)
  s.advance(9000)
  t.equal(s.state(), 'Stable')
  s.advance(1000)
  t.equal(s.state(), 'PreparingRebalance')
})

t.test('the last member goes: the group is empty, on record', async t => {
  const s = new Scenario()
  const [a] = s.stable(['a'])
  t.same(s.ask(leave({ memberId: a.memberId })).members, [
    { memberId: a.memberId, groupInstanceId: null, errorCode: none },
  ])
  t.equal(s.state(), 'Empty')
  t.equal(s.generation(), 2)
  t.match(s.written[0], {
    kind: 'group',
    value: { members: [], generation: 2, protocolType: 'consumer', protocolName: null, leaderId: null },
  })
  t.same(s.timers('sessionExpired'), [], 'no session runs on')
})

t.test('leave by batch: an answer for each', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b', 'c'])
  const pending = s.ask(join())
  const reply = s.ask(leave(a, { memberId: 'who' }, b, { memberId: pending.memberId }))
  t.same(
    reply.members.map(({ errorCode }) => errorName(errorCode)),
    ['NONE', 'UNKNOWN_MEMBER_ID', 'NONE', 'NONE'],
  )
  t.equal(reply.errorCode, none)
  t.equal(s.state(), 'PreparingRebalance')
  t.equal(s.machine.group('g')?.members.size, 1)
  t.equal(s.machine.group('g')?.pendingMembers.size, 0)
})

t.test('nobody knows the group that is left', async t => {
  const s = new Scenario()
  const reply = s.ask(leave({ memberId: 'x' }))
  t.equal(reply.errorCode, none)
  t.equal(reply.members[0].errorCode, Errors.UNKNOWN_MEMBER_ID)
})

t.test('leaving completes a rebalance that waited for that member alone', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b'])
  const joined = s.send(join({ memberId: a.memberId }))
  t.equal(joined.reply, null)
  s.ask(leave({ memberId: b.memberId }))
  t.equal(joined.reply?.generationId, 2)
})

t.test('so does the leaving of a pending member', async t => {
  const s = new Scenario()
  const [a] = s.stable(['a'])
  const pending = s.ask(join())
  const joined = s.send(join({ memberId: a.memberId }))
  t.equal(joined.reply, null)
  s.ask(leave({ memberId: pending.memberId }))
  t.equal(joined.reply?.generationId, 2)
})

t.test('a member that leaves with a parked request gets an answer to that too', async t => {
  const s = new Scenario()
  const a = s.joinAs('a')
  s.ask(leave({ memberId: a.memberId }))
  t.match(a.answer.reply, { errorCode: Errors.UNKNOWN_MEMBER_ID, memberId: '' })
  t.same(s.advance(3000), ['initialDelayPassed'])
  t.equal(s.state(), 'Empty')
  const other = new Scenario()
  other.joinAs('a')
  const b = other.joinAs('b')
  other.advance(6000)
  const parked = other.send(sync({ memberId: b.memberId }))
  other.ask(leave({ memberId: b.memberId }))
  t.equal(parked.reply?.errorCode, Errors.UNKNOWN_MEMBER_ID)
})
