/** What is on record comes back; what was only in memory is begun anew by the clients. */
import t from 'tap'
import { encodeCoordinatorKey, encodeVersioned } from '../../../protocol/stored/framing.ts'
import { groupMetadataKey, groupMetadataValue } from '../../../protocol/stored/group-classic.ts'
import { shareGroupMetadataKey, shareGroupMetadataValue } from '../../../protocol/stored/group-share.ts'
import { Errors, heartbeat, join, leave, none, Scenario, subscription, sync } from './scenario.ts'

t.test('a stable group goes on as if nothing had happened', async t => {
  const s = new Scenario()
  const [a, b] = s.stable(['a', 'b'])
  const again = s.restarted()
  t.equal(again.state(), 'Stable')
  t.equal(again.ask(heartbeat(a.memberId, 1)).errorCode, none)
  t.equal(String(again.ask(sync({ memberId: b.memberId })).assignment), `for ${b.memberId}`)
  t.same(again.machine.group('g')?.subscribedTopics, new Set(['t']))
  again.send(join({ memberId: a.memberId }))
  t.equal(again.state(), 'PreparingRebalance')
})

t.test('members that do not come back lose their sessions', async t => {
  const s = new Scenario()
  const [a] = s.stable(['a', 'b'])
  const again = s.restarted()
  t.same(again.timers('sessionExpired'), [10_000, 10_000])
  again.advance(9000)
  again.ask(heartbeat(a.memberId, 1))
  again.advance(1000)
  t.equal(again.state(), 'PreparingRebalance')
  t.same([...again.machine.group('g')!.members.keys()], [a.memberId])
})

t.test('a rebalance in progress is forgotten', async t => {
  const s = new Scenario()
  const [a] = s.stable(['a'])
  const b = s.joinAs('b')
  s.send(join({ memberId: a.memberId }))
  t.equal(s.state(), 'CompletingRebalance')
  t.equal(s.generation(), 2)
  const again = s.restarted()
  t.equal(again.state(), 'Stable')
  t.equal(again.generation(), 1)
  t.equal(again.ask(heartbeat(b.memberId, 2)).errorCode, Errors.UNKNOWN_MEMBER_ID)
  t.equal(again.ask(heartbeat(a.memberId, 2)).errorCode, Errors.ILLEGAL_GENERATION)
})

t.test('an empty group remembers its generation and its protocol type', async t => {
  const s = new Scenario()
  const [a] = s.stable(['a'])
  s.ask(leave({ memberId: a.memberId }))
  const again = s.restarted()
  t.equal(again.state(), 'Empty')
  t.equal(again.generation(), 2)
  t.equal(again.machine.group('g')?.protocolType, 'consumer')
  again.joinAs('b')
  again.advance(3000)
  t.equal(again.generation(), 3)
})

t.test('a group that is larger than the limit of now begins a rebalance', async t => {
  const s = new Scenario()
  s.stable(['a', 'b', 'c'])
  const again = s.restarted({ membersMax: 2 })
  t.equal(again.state(), 'PreparingRebalance')
})

t.test('records of other kinds of groups, of later versions and of no sense are passed over', async t => {
  const good = new Scenario()
  good.stable(['a'])
  const share = {
    key: encodeCoordinatorKey(shareGroupMetadataKey, { groupId: 'new' }),
    value: encodeVersioned(shareGroupMetadataValue, 0, { epoch: 3, metadataHash: 0n }),
  }
  const unknown = { key: Buffer.from([0, 99, 1, 2]), value: Buffer.from([0, 0]) }
  const keyless = { key: null, value: Buffer.from('x') }
  const again = new Scenario({}, [share, unknown, keyless, ...good.log])
  t.same([...again.machine.groupIds()], ['g'])
})

t.test('values of every version that Kafka ever wrote', async t => {
  for (let version = 0; version <= 4; version++) {
    const value = encodeVersioned(groupMetadataValue, version, {
      protocolType: 'consumer',
      generation: 7,
      protocol: 'range',
      leader: 'm',
      currentStateTimestamp: 5,
      members: [
        {
          memberId: 'm',
          clientId: 'c',
          clientHost: '/h',
          rebalanceTimeout: 20,
          sessionTimeout: 10,
          subscription: subscription('t'),
          assignment: Buffer.from('A'),
        },
      ],
    })
    const s = new Scenario({}, [{ key: encodeCoordinatorKey(groupMetadataKey, { group: 'g' }), value }])
    const member = s.machine.group('g')?.members.get('m')
    t.equal(s.state(), 'Stable')
    t.equal(member?.rebalanceTimeoutMs, version === 0 ? 10 : 20)
  }
})

t.test('a stored group that makes little sense does no harm', async t => {
  const member = {
    memberId: 'm',
    clientId: 'c',
    clientHost: '/h',
    rebalanceTimeout: 20,
    sessionTimeout: 10,
    subscription: Buffer.alloc(0),
    assignment: Buffer.alloc(0),
  }
  const value = encodeVersioned(groupMetadataValue, 3, {
    protocolType: '',
    generation: -5,
    protocol: null,
    leader: 'nobody',
    currentStateTimestamp: -1,
    members: [member, { ...member, groupInstanceId: 'i' }],
  })
  const s = new Scenario({}, [{ key: encodeCoordinatorKey(groupMetadataKey, { group: 'g' }), value }])
  t.equal(s.machine.group('g')?.leaderId, 'm')
  t.equal(s.ask(join()).errorCode, Errors.INCONSISTENT_GROUP_PROTOCOL)
  s.advance(10)
  t.equal(s.state(), 'Empty')
})
