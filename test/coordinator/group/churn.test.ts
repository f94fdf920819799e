/**
 * Random lives of a group, many worlds from many seeds. Clients behave as real ones do, but die, fall silent, repeat
 * themselves and come back at the worst moment. What must hold after every step is in `check`.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { JoinEvent, JoinReply, SyncEvent } from '../../../src/coordinator/group/events.ts'
import {
  type Answer,
  commit,
  committed,
  Errors,
  heartbeat,
  join,
  leave,
  Scenario,
  subscription,
  sync,
} from './scenario.ts'

interface Client {
  readonly name: string
  readonly groupInstanceId: string | null
  memberId: string
  join: Answer<JoinEvent> | null
  sync: Answer<SyncEvent> | null
  joined: JoinReply | null
  assignment: string | null
}

const partitions = 12
const settings = { initialRebalanceDelayMs: 300, newMemberJoinTimeoutMs: 20_000, membersMax: 6 }

class Churn {
  scenario = new Scenario(settings)
  readonly clients: Client[]
  /** Everything that was ever parked: answered once, in the end. */
  readonly parked: { reply: unknown }[] = []
  readonly owners = new Map<string, string>()
  highest = 0
  commits = 0

  constructor() {
    this.clients = Array.from({ length: 8 }, (_, i) => ({
      name: `c${i}`,
      groupInstanceId: i < 3 ? `static-${i % 2}` : null,
      ...fresh(),
    }))
  }

  act(index: number, action: number): void {
    const client = this.clients[index]
    this.read(client)
    if (action < 12) this.proceed(client)
    else if (action < 22) for (const each of this.clients.slice(0, 2 + (action % 5))) this.proceed(each)
    else if (action < 24) this.join(client)
    else if (action < 25) this.sync(client)
    else if (action < 28) this.commit(client)
    else if (action < 29) this.leave(client)
    else if (action < 30) Object.assign(client, fresh())
    else this.scenario.advance([1, 10, 100, 300, 300, 300, 1000, 1000, 4000, 9000][action - 30])
    for (const each of this.clients) this.read(each)
    this.check()
  }

  /** What a client in good health does next. */
  proceed(client: Client): void {
    this.read(client)
    if (client.assignment !== null) this.heartbeat(client)
    else if (client.joined && !client.sync) this.sync(client)
    else if (!client.joined && !client.join) this.join(client)
  }

  /** Takes the answers that have come meanwhile. */
  read(client: Client): void {
    const joined = client.join?.reply
    if (joined) {
      client.join = null
      if (joined.errorCode === Errors.NONE) {
        client.memberId = joined.memberId
        client.joined = joined
        client.assignment = null
      } else if (joined.errorCode === Errors.MEMBER_ID_REQUIRED) client.memberId = joined.memberId
      else if (joined.errorCode !== Errors.REBALANCE_IN_PROGRESS) client.memberId = ''
    }
    const synced = client.sync?.reply
    if (synced) {
      client.sync = null
      if (synced.errorCode === Errors.NONE) this.own(client, String(synced.assignment))
      else client.joined = null
    }
  }

  join(client: Client): void {
    if (client.join && client.memberId === '') return
    client.joined = null
    client.assignment = null
    client.join = this.scenario.send(
      join({
        clientId: client.name,
        groupInstanceId: client.groupInstanceId,
        memberId: client.memberId,
        sessionTimeoutMs: 5000,
        rebalanceTimeoutMs: 8000,
        protocols: ['range', 'sticky'].map(name => ({ name, metadata: subscription('t') })),
      }),
    )
    this.parked.push(client.join)
  }

  sync(client: Client): void {
    const { joined } = client
    if (!joined) return
    const assignments = joined.leader === joined.memberId && !joined.skipAssignment ? deal(joined) : []
    const { generationId, memberId } = joined
    const { groupInstanceId } = client
    client.sync = this.scenario.send(sync({ generationId, memberId, groupInstanceId, assignments }))
    this.parked.push(client.sync)
  }

  heartbeat(client: Client): void {
    if (!client.joined) return
    const { errorCode } = this.scenario.ask(
      heartbeat(client.memberId, client.joined.generationId, client.groupInstanceId),
    )
    if (errorCode === Errors.NONE) return
    client.joined = null
    client.assignment = null
    if (errorCode !== Errors.REBALANCE_IN_PROGRESS) client.memberId = ''
  }

  commit(client: Client): void {
    if (!client.joined) return
    const { memberId, groupInstanceId, joined } = client
    const { generationId } = joined
    const reply = this.scenario.ask(commit({ t: ++this.commits }, { memberId, groupInstanceId, generationId }))
    const done = reply.topics[0].partitions[0].errorCode === Errors.NONE
    if (done) assert.equal(committed(this.scenario).t, this.commits)
    else if (this.scenario.machine.offsets.has('g')) assert.notEqual(committed(this.scenario).t, this.commits)
  }

  leave(client: Client): void {
    if (client.memberId !== '') this.scenario.ask(leave(client))
    Object.assign(client, fresh())
  }

  /** One owner of a partition in a generation. */
  own(client: Client, assignment: string): void {
    client.assignment = assignment
    for (const partition of assignment.split(',').filter(Boolean)) {
      const key = `${client.joined?.generationId}/${partition}`
      // A static member that came back owns what its old id owned.
      const owner = client.groupInstanceId ?? client.memberId
      assert.equal(this.owners.get(key) ?? owner, owner, `${key} has two owners`)
      this.owners.set(key, owner)
    }
  }

  check(): void {
    const group = this.scenario.machine.group('g')
    if (!group) {
      // Empty and without offsets for long enough: a group of the same name begins from nothing.
      this.highest = 0
      this.owners.clear()
      return
    }
    assert(group.generation >= this.highest, 'a generation went back')
    this.highest = group.generation
    const members = [...group.members.values()]
    assert.equal(group.state === 'Empty', members.length === 0 && group.state !== 'PreparingRebalance')
    if (members.length > 0) assert(group.members.has(group.leaderId!), 'the leader is a member')
    const gathering = group.state === 'PreparingRebalance'
    assert(gathering || members.length <= settings.membersMax + 2, 'only static members that are away exceed the limit')
    for (const member of members) {
      if (!gathering) assert.equal(member.joinTicket, null, 'a join is parked for nothing')
      if (group.state !== 'CompletingRebalance') assert.equal(member.syncTicket, null, 'a sync is parked for nothing')
      if (member.groupInstanceId) assert.equal(group.staticMembers.get(member.groupInstanceId), member.id)
    }
    this.checkTimers(members.length, group.state)
    if (group.state === 'Stable') this.checkRecords()
  }

  /** Nothing waits forever: every state has a timer that ends it. */
  checkTimers(members: number, state: string): void {
    const { scenario } = this
    if (state === 'PreparingRebalance') {
      assert(scenario.timers('joinExpired').length + scenario.timers('initialDelayPassed').length === 1)
    }
    if (state === 'CompletingRebalance') assert(scenario.timers('syncExpired').length === 1)
    if (state === 'Stable') assert(scenario.timers('sessionExpired').length >= members)
  }

  /** A new coordinator would know the same. */
  checkRecords(): void {
    const live = this.scenario.machine.group('g')!
    const stored = this.scenario.restarted().machine.group('g')!
    for (const key of ['generation', 'protocolType', 'protocolName', 'leaderId', 'state'] as const) {
      assert.equal(stored[key], live[key], key)
    }
    const facts = (group: typeof live) =>
      [...group.members.values()].map(member => [member.id, member.groupInstanceId, String(member.assignment)])
    assert.deepEqual(facts(stored), facts(live))
    assert.deepEqual(stored.subscribedTopics, live.subscribedTopics)
    assert.deepEqual(committed(this.scenario.restarted()), committed(this.scenario))
  }

  /** All fall silent: the group ends empty, and nobody is left without an answer. */
  finish(): void {
    this.scenario.advance(200_000)
    const group = this.scenario.machine.group('g')
    assert(!group || group.state === 'Empty', `${group?.state} without anybody`)
    for (const { reply } of this.parked) assert.notEqual(reply, null, 'a request was never answered')
  }
}

function fresh() {
  return { memberId: '', join: null, sync: null, joined: null, assignment: null }
}

/** Round robin over the members. */
function deal({ members }: JoinReply) {
  return members.map(({ memberId }, m) => {
    const owned = Array.from({ length: partitions }, (_, p) => p).filter(p => p % members.length === m)
    return { memberId, assignment: Buffer.from(owned.join(',')) }
  })
}

t.test('whatever happens, in whatever order', async t => {
  const steps = fc.array(fc.tuple(fc.nat(7), fc.nat(39)), { minLength: 20, maxLength: 200, size: 'max' })
  const property = fc.property(steps, actions => {
    const churn = new Churn()
    for (const [client, action] of actions) churn.act(client, action)
    churn.finish()
  })
  fc.assert(property, { numRuns: 300, seed: 20_261_122 })
  t.pass('300 lives')
})
