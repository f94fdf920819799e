import t from 'tap'
import { Errors, errorName, heartbeat, join, leave, none, Scenario, subscription, sync } from './scenario.ts'

const protocols = (...names: string[]) => names.map(name => ({ name, metadata: subscription('t') }))

t.test('a new dynamic member is told its id first, and only then joins', async t => {
  const s = new Scenario()
  const first = s.ask(join({ clientId: 'app' }))
  t.equal(first.errorCode, Errors.MEMBER_ID_REQUIRED)
  t.match(first.memberId, /^app-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  t.equal(first.generationId, -1)
  t.equal(s.state(), 'Empty')
  const second = s.send(join({ clientId: 'app', memberId: first.memberId }))
  t.equal(second.reply, null, 'parked')
  t.equal(s.state(), 'PreparingRebalance')
  s.advance(3000)
  t.match(second.reply, {
    errorCode: none,
    generationId: 1,
    leader: first.memberId,
    memberId: first.memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    skipAssignment: false,
  })
  t.equal(second.reply?.members.length, 1)
})

t.test('before version 4 a member joins without knowing its id', async t => {
  const s = new Scenario()
  const answer = s.send(join({ memberIdRequired: false }))
  s.advance(3000)
  t.equal(answer.reply?.errorCode, none)
  t.equal(answer.reply?.leader, answer.reply?.memberId)
})

t.test('an id that was handed out and never used is forgotten, and the group with it', async t => {
  const s = new Scenario()
  s.ask(join())
  t.same(s.advance(10_000), ['sessionExpired'])
  t.equal(s.state(), 'none')
  t.same(s.log, [])
})

t.test('an unknown member id of an unknown group', async t => {
  const s = new Scenario()
  t.equal(s.ask(join({ memberId: 'who' })).errorCode, Errors.UNKNOWN_MEMBER_ID)
  t.equal(s.state(), 'none')
})

t.test('an unknown member id of a known group, in every state', async t => {
  const s = new Scenario()
  s.joinAs('a')
  t.equal(s.ask(join({ memberId: 'who' })).errorCode, Errors.UNKNOWN_MEMBER_ID, 'preparing')
  s.advance(3000)
  t.equal(s.ask(join({ memberId: 'who' })).errorCode, Errors.UNKNOWN_MEMBER_ID, 'completing')
  const stable = new Scenario()
  stable.stable(['a'])
  t.equal(stable.ask(join({ memberId: 'who' })).errorCode, Errors.UNKNOWN_MEMBER_ID, 'stable')
})

t.test('the first rebalance waits for members that start together', async t => {
  const s = new Scenario({ initialRebalanceDelayMs: 3000 })
  const a = s.joinAs('a')
  s.advance(2000)
  const b = s.joinAs('b')
  t.same(s.advance(1000), ['initialDelayPassed'])
  t.equal(a.answer.reply, null, 'extended by a whole delay')
  t.same(s.advance(3000), ['initialDelayPassed'])
  t.equal(a.answer.reply?.generationId, 1)
  t.equal(b.answer.reply?.generationId, 1)
  t.same(
    a.answer.reply?.members.map(({ memberId }) => memberId),
    [a.memberId, b.memberId],
    'the leader sees all',
  )
  t.same(b.answer.reply?.members, [], 'others see nobody')
})

t.test('the extension ends with the rebalance timeout', async t => {
  const s = new Scenario({ initialRebalanceDelayMs: 3000 })
  const first = s.joinAs('a', { rebalanceTimeoutMs: 7000 })
  s.advance(1500)
  s.joinAs('b', { rebalanceTimeoutMs: 7000 })
  s.advance(3000)
  s.joinAs('c', { rebalanceTimeoutMs: 7000 })
  s.advance(2000)
  const last = s.joinAs('d', { rebalanceTimeoutMs: 7000 })
  t.equal(first.answer.reply, null)
  // 3000, then 3000 of the remaining 4000, then the last 1000.
  s.advance(500)
  t.equal(first.answer.reply?.generationId, 1)
  t.equal(last.answer.reply?.generationId, 1)
})

t.test('without an initial delay the group starts at once', async t => {
  const s = new Scenario({ initialRebalanceDelayMs: 0 })
  const { answer } = s.joinAs('a')
  s.advance(0)
  t.equal(answer.reply?.generationId, 1)
})

t.test('protocols: every member must have one in common, most votes win', async t => {
  const s = new Scenario()
  s.joinAs('a', { protocols: protocols('x', 'y', 'z') })
  s.joinAs('b', { protocols: protocols('y', 'x') })
  const last = s.joinAs('c', { protocols: protocols('y', 'x', 'w') })
  t.equal(
    s.ask(join({ memberIdRequired: false, protocols: protocols('w') })).errorCode,
    Errors.INCONSISTENT_GROUP_PROTOCOL,
  )
  t.equal(
    s.ask(join({ memberIdRequired: false, protocolType: 'connect', protocols: protocols('x') })).errorCode,
    Errors.INCONSISTENT_GROUP_PROTOCOL,
  )
  s.advance(3000)
  s.advance(3000)
  t.equal(last.answer.reply?.protocolName, 'y')
})

t.test('an empty group takes any protocol type, but not none', async t => {
  const s = new Scenario()
  t.equal(s.ask(join({ protocolType: '' })).errorCode, Errors.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(s.ask(join({ protocols: [] })).errorCode, Errors.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(s.state(), 'none')
  const [member] = s.stable(['a'])
  s.ask(leave({ memberId: member.memberId }))
  t.equal(s.state(), 'Empty')
  t.equal(s.ask(join({ protocolType: 'connect' })).errorCode, Errors.MEMBER_ID_REQUIRED)
})

t.test('a full group', async t => {
  const s = new Scenario({ membersMax: 2 })
  const a = s.joinAs('a')
  s.joinAs('b')
  t.match(s.ask(join()), { errorCode: Errors.GROUP_MAX_SIZE_REACHED, memberId: '' }, 'preparing')
  const again = s.send(join({ memberId: a.memberId }))
  t.equal(again.reply, null, 'one who already waits is not in the way')
  s.advance(6000)
  t.equal(s.ask(join()).errorCode, Errors.GROUP_MAX_SIZE_REACHED, 'completing')
  t.equal(again.reply?.errorCode, none)
})

t.test('ids handed out do not count, and lose when the group is full by then', async t => {
  const s = new Scenario({ membersMax: 1 })
  const first = s.ask(join())
  const second = s.ask(join())
  s.send(join({ memberId: first.memberId }))
  t.equal(s.ask(join({ memberId: second.memberId })).errorCode, Errors.GROUP_MAX_SIZE_REACHED)
  t.notOk(s.machine.group('g')?.pendingMembers.has(second.memberId))
})

t.test('a pending member holds up the rebalance until it joins or its session ends', async t => {
  const s = new Scenario()
  const [a] = s.stable(['a'])
  const pending = s.ask(join())
  const again = s.send(join({ memberId: a.memberId }))
  t.equal(s.state(), 'PreparingRebalance')
  t.equal(again.reply, null)
  s.send(join({ memberId: pending.memberId }))
  t.equal(s.state(), 'CompletingRebalance')
  t.equal(again.reply?.members.length, 2)

  const other = new Scenario()
  const [b] = other.stable(['b'])
  other.ask(join())
  const rejoined = other.send(join({ memberId: b.memberId }))
  other.advance(10_000)
  t.equal(rejoined.reply?.errorCode, none, 'the rebalance went on without the pending member')
  t.equal(rejoined.reply?.members.length, 1)
})

t.test('a rebalance ends when all have joined again', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b'])
  const c = s.joinAs('c')
  t.equal(s.state(), 'PreparingRebalance')
  t.equal(s.ask(heartbeat(a.memberId, 1)).errorCode, Errors.REBALANCE_IN_PROGRESS)
  const answers = [a, b].map(({ memberId }) => s.send(join({ memberId })))
  t.equal(s.state(), 'CompletingRebalance')
  t.same(
    [...answers, c.answer].map(({ reply }) => reply?.generationId),
    [2, 2, 2],
  )
  t.equal(answers[0].reply?.members.length, 3)
})

t.test('after the rebalance timeout those who have not joined again are gone, and one who has leads', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b'])
  const c = s.joinAs('c')
  for (let i = 0; i < 6; i++) {
    s.advance(9000)
    s.ask(heartbeat(a.memberId, 1))
    s.ask(heartbeat(b.memberId, 1))
  }
  t.equal(c.answer.reply, null)
  s.advance(6000)
  t.equal(c.answer.reply?.generationId, 2)
  t.equal(c.answer.reply?.leader, c.memberId)
  t.equal(s.ask(heartbeat(a.memberId, 2)).errorCode, Errors.UNKNOWN_MEMBER_ID)
})

t.test('a known member that joins a stable group again', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b'])
  const follower = s.ask(join({ memberId: b.memberId }))
  t.match(
    follower,
    { errorCode: none, generationId: 1, leader: a.memberId, members: [] },
    'nothing new: same generation',
  )
  t.equal(s.state(), 'Stable')
  const changed = s.send(
    join({ memberId: b.memberId, protocols: [{ name: 'range', metadata: subscription('other') }] }),
  )
  t.equal(changed.reply, null)
  t.equal(s.state(), 'PreparingRebalance', 'a changed subscription')
  s.send(join({ memberId: a.memberId }))
  t.equal(changed.reply?.generationId, 2)
  s.syncAll([s.ask(join({ memberId: a.memberId })), changed.reply!])
  t.equal(s.state(), 'Stable')
  s.send(join({ memberId: a.memberId }))
  t.equal(s.state(), 'PreparingRebalance', 'the leader asks for a new assignment')
})

t.test('a known member that joins again before the assignment is there', async t => {
  const s = new Scenario()
  const a = s.joinAs('a')
  const b = s.joinAs('b')
  s.advance(6000)
  const leader = s.ask(join({ memberId: a.memberId }))
  t.match(leader, { errorCode: none, generationId: 1 })
  t.equal(leader.members.length, 2, 'the lost answer once more')
  t.same(s.ask(join({ memberId: b.memberId })).members, [])
  const waiting = s.send(sync({ memberId: b.memberId }))
  s.send(join({ memberId: a.memberId, protocols: protocols('range', 'x') }))
  t.equal(s.state(), 'PreparingRebalance')
  t.equal(waiting.reply?.errorCode, Errors.REBALANCE_IN_PROGRESS, 'parked syncs are told')
})

t.test('a second join of a member replaces the parked one, which is answered too', async t => {
  const s = new Scenario()
  const a = s.joinAs('a')
  const again = s.send(join({ memberId: a.memberId }))
  t.equal(errorName(a.answer.reply!.errorCode), 'REBALANCE_IN_PROGRESS')
  s.advance(3000)
  t.equal(again.reply?.generationId, 1)
})

t.test('a new member whose client went away is kept for five minutes only', async t => {
  const s = new Scenario()
  s.stable(['a'])
  const b = s.joinAs('b', { rebalanceTimeoutMs: 600_000 })
  t.equal(s.state(), 'PreparingRebalance')
  s.advance(20_000)
  t.equal(b.answer.reply?.generationId, 2, 'the silent old member is gone, b is alone')
  s.syncAll([b.answer.reply!])

  const waiting = new Scenario({ initialRebalanceDelayMs: 600_000 })
  const c = waiting.joinAs('c', { rebalanceTimeoutMs: 1_200_000 })
  t.same(waiting.advance(300_000), ['sessionExpired'])
  t.match(c.answer.reply, { errorCode: Errors.UNKNOWN_MEMBER_ID, memberId: '' })
  t.equal(waiting.machine.group('g')?.members.size, 0)
})

t.test('a very long client id still makes a member id that fits the protocol', async t => {
  const s = new Scenario()
  const [reply] = s.stable(['€'.repeat(10_000)])
  t.ok(Buffer.byteLength(reply.memberId) < 32_767)
  t.equal(s.state(), 'Stable')
})
