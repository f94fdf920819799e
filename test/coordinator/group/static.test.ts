/** Static members: a process that comes back under its instance id takes its old place (KIP-345, KIP-814). */
import t from 'tap'
import type { JoinEvent } from '../../../src/coordinator/group/events.ts'
import { Errors, heartbeat, join, leave, none, Scenario, subscription, sync } from './scenario.ts'

const as = (groupInstanceId: string, change: Partial<JoinEvent> = {}) => join({ groupInstanceId, ...change })

/** A stable group of static members `one` (who leads) and `two`. */
function pair(sessionTimeoutMs = 30_000) {
  const s = new Scenario()
  const joins = ['one', 'two'].map(id => s.send(as(id, { sessionTimeoutMs })))
  s.advance(6000)
  const [one, two] = joins.map(({ reply }) => reply!)
  s.syncAll([one, two])
  return { s, one, two }
}

t.test('a static member joins without a round trip for its id', async t => {
  const { s, one } = pair()
  t.match(one.memberId, /^one-/)
  t.same(
    one.members.map(({ groupInstanceId }) => groupInstanceId),
    ['one', 'two'],
  )
  t.equal(s.state(), 'Stable')
})

t.test('it comes back under a new id without a rebalance', async t => {
  const { s, one, two } = pair()
  const back = s.ask(as('two'))
  t.equal(back.errorCode, none)
  t.not(back.memberId, two.memberId)
  t.match(back, { generationId: 1, leader: one.memberId, skipAssignment: false, members: [] })
  t.equal(s.state(), 'Stable')
  t.equal(s.log.length, 2, 'the new id is on record')
  const assigned = s.ask(sync({ memberId: back.memberId, groupInstanceId: 'two' }))
  t.equal(String(assigned.assignment), `for ${two.memberId}`)
  t.equal(s.ask(heartbeat(two.memberId, 1, 'two')).errorCode, Errors.FENCED_INSTANCE_ID)
  t.equal(s.ask(sync({ memberId: two.memberId, groupInstanceId: 'two' })).errorCode, Errors.FENCED_INSTANCE_ID)
  t.equal(s.ask(as('two', { memberId: two.memberId })).errorCode, Errors.FENCED_INSTANCE_ID)
  t.equal(s.restarted().machine.group('g')?.staticMembers.get('two'), back.memberId)
})

t.test('a leader that comes back is told to skip the assignment from version 9 on', async t => {
  const { s } = pair()
  const back = s.ask(as('one'))
  t.match(back, { errorCode: none, generationId: 1, leader: back.memberId, skipAssignment: true })
  t.equal(back.members.length, 2)
})

t.test('before version 9 it is told that its old id leads, so it does not assign', async t => {
  const { s, one } = pair()
  const back = s.ask(as('one', { canSkipAssignment: false }))
  t.match(back, { errorCode: none, leader: one.memberId, skipAssignment: false, members: [] })
  t.equal(s.machine.group('g')?.leaderId, back.memberId)
})

t.test('with other protocols, so that another one wins, there is a rebalance', async t => {
  const s = new Scenario()
  const both = [
    { name: 'range', metadata: subscription('t') },
    { name: 'sticky', metadata: subscription('t') },
  ]
  const one = s.send(as('one', { protocols: both }))
  s.advance(3000)
  s.syncAll([one.reply!])
  const back = s.send(as('one', { protocols: [...both].reverse() }))
  t.equal(back.reply?.generationId, 2)
  t.equal(back.reply?.protocolName, 'sticky')
})

t.test('a new subscription under the same protocol is no rebalance; the topics in use are those of now', async t => {
  const { s } = pair()
  const back = s.ask(as('two', { protocols: [{ name: 'range', metadata: subscription('new') }] }))
  t.equal(back.generationId, 1)
  t.same([...s.machine.group('g')!.subscribedTopics!].sort(), ['new', 't'])
})

t.test('between join and sync a static member that comes back starts another round', async t => {
  const s = new Scenario()
  const one = s.send(as('one'))
  const two = s.send(as('two'))
  s.advance(6000)
  const parked = s.send(sync({ memberId: two.reply!.memberId, groupInstanceId: 'two' }))
  const back = s.send(as('two'))
  t.equal(parked.reply?.errorCode, Errors.FENCED_INSTANCE_ID)
  t.equal(s.state(), 'PreparingRebalance')
  const again = s.send(as('one', { memberId: one.reply!.memberId }))
  t.equal(again.reply?.generationId, 2)
  t.equal(back.reply?.generationId, 2)
})

t.test('during a rebalance the old join is fenced and the new one takes its place', async t => {
  const { s, one } = pair()
  s.send(as('one', { memberId: one.memberId }))
  t.equal(s.state(), 'PreparingRebalance')
  const first = s.send(as('two'))
  t.equal(first.reply?.generationId, 2, 'all are there')
  const again = new Scenario()
  const parked = again.send(as('one'))
  const second = again.send(as('one'))
  t.equal(parked.reply?.errorCode, Errors.FENCED_INSTANCE_ID)
  again.advance(3000)
  again.advance(3000)
  t.equal(second.reply?.generationId, 1)
})

t.test('it is not missed before its session ends', async t => {
  const { s, one } = pair(90_000)
  const dynamic = s.joinAs('c', { sessionTimeoutMs: 90_000 })
  s.send(as('one', { memberId: one.memberId }))
  t.equal(s.state(), 'PreparingRebalance')
  s.advance(60_000)
  t.equal(dynamic.answer.reply?.generationId, 2)
  t.equal(s.machine.group('g')?.members.size, 3, 'two is away and stays a member')
})

t.test('when nobody comes back the rebalance goes on until the sessions end', async t => {
  const { s } = pair(100_000)
  s.ask(leave({ memberId: '', groupInstanceId: 'two' }))
  t.equal(s.state(), 'PreparingRebalance')
  t.same(s.advance(60_000), ['joinExpired'])
  t.equal(s.state(), 'PreparingRebalance')
  t.equal(s.generation(), 1)
  s.advance(60_000)
  t.equal(s.state(), 'Empty')
})

t.test('an administrator removes a static member by its instance id alone', async t => {
  const { s, two } = pair()
  const reply = s.ask(
    leave(
      { memberId: '', groupInstanceId: 'two' },
      { memberId: '', groupInstanceId: 'nobody' },
      { memberId: two.memberId, groupInstanceId: 'one' },
      { memberId: '' },
    ),
  )
  t.same(
    reply.members.map(({ errorCode }) => errorCode),
    [none, Errors.UNKNOWN_MEMBER_ID, Errors.FENCED_INSTANCE_ID, Errors.UNKNOWN_MEMBER_ID],
  )
  t.equal(s.ask(heartbeat(two.memberId, 1, 'two')).errorCode, Errors.UNKNOWN_MEMBER_ID)
})

t.test('an instance id that nobody has', async t => {
  const { s, one } = pair()
  t.equal(s.ask(as('three', { memberId: one.memberId })).errorCode, Errors.UNKNOWN_MEMBER_ID)
  t.equal(s.ask(heartbeat(one.memberId, 1, 'three')).errorCode, Errors.UNKNOWN_MEMBER_ID)
})
