import t from 'tap'
import { Errors } from '../../../protocol/errors.ts'
import { defaultQuorumTimeouts } from '../../../src/raft/core/timeouts.ts'
import { address, key, TestMember } from './member.ts'

const fetchOf = (change: object = {}) => ({
  replica: key(2),
  epoch: 1,
  fetchOffset: 0,
  lastFetchedEpoch: 0,
  maxWaitMs: 500,
  ...change,
})

t.test('a vote is given once in an epoch, and durably', async t => {
  const member = new TestMember({ log: [1, 1] })
  t.same(member.vote({ epoch: 4, lastEpoch: 1, lastOffset: 2 }), { error: Errors.NONE, granted: true })
  t.match(member.persisted, { epoch: 4, votedFor: key(2), leaderId: -1 })
  t.same(member.vote({ epoch: 4, lastEpoch: 1, lastOffset: 2 }), { error: Errors.NONE, granted: true }, 'again')
  t.same(member.vote({ candidate: key(3), epoch: 4, lastEpoch: 3, lastOffset: 9 }), {
    error: Errors.NONE,
    granted: false,
  })
  t.match(member.vote({ epoch: 3, lastEpoch: 1, lastOffset: 2 }), { error: Errors.FENCED_LEADER_EPOCH })
  const reborn = new TestMember({
    log: [1, 1],
    left: { epoch: 4, leaderId: -1, votedFor: key(2), kraftVersion: 0, voterIds: [] },
  })
  t.match(reborn.vote({ candidate: key(3), epoch: 4, lastEpoch: 3, lastOffset: 9 }), { granted: false })
  t.match(reborn.vote({ epoch: 4, lastEpoch: 3, lastOffset: 9 }), { granted: true })
})

t.test('only those who have all that this node has get its vote', async t => {
  for (const [lastEpoch, lastOffset, granted] of [
    [2, 3, true],
    [2, 2, false],
    [1, 9, false],
    [3, 0, true],
  ] as const) {
    const member = new TestMember({ log: [1, 2, 2] })
    for (const preVote of [true, false]) {
      t.equal(member.vote({ epoch: 5, lastEpoch, lastOffset, preVote }).granted, granted, `${lastEpoch} ${lastOffset}`)
    }
  }
})

t.test('votes that make no sense, and those meant for somebody else', async t => {
  const member = new TestMember()
  t.match(member.vote({ epoch: 2, lastEpoch: 2 }), { error: Errors.INVALID_REQUEST })
  t.match(member.vote({ epoch: 2, lastEpoch: 2, preVote: true }), { error: Errors.NONE })
  t.match(member.vote({ epoch: 2, lastOffset: -1 }), { error: Errors.INVALID_REQUEST })
  t.match(member.vote({ epoch: 3, candidate: key(-1) }), { error: Errors.INVALID_REQUEST })
  t.match(member.vote({ epoch: 0x7fffffff }), { error: Errors.INVALID_REQUEST })
  t.same(member.vote({ epoch: 3, voter: key(3) }), { error: Errors.INVALID_VOTER_KEY, granted: false })
  t.equal(member.core.epoch, 3, 'the epoch is taken over all the same')
})

t.test('pre-votes change nothing, and a follower of a living leader gives none', async t => {
  const member = new TestMember()
  member.follow(3, 2)
  t.match(member.vote({ epoch: 2, preVote: true }), { granted: true }, 'it has not heard of its leader yet')
  t.equal(member.core.role.kind, 'follower')
  t.notOk(member.persisted)
  member.answer(member.asked('fetch', 3), answerOf({ records: Buffer.alloc(0) }))
  t.match(member.vote({ epoch: 2, preVote: true }), { granted: false })
  t.match(member.vote({ epoch: 2, candidate: key(2) }), { granted: false })
  t.match(member.vote({ epoch: 3, candidate: key(2) }), { granted: true }, 'a new epoch is another matter')
})

function answerOf(change: object) {
  return {
    kind: 'fetch' as const,
    error: Errors.NONE,
    leaderId: 3,
    epoch: 2,
    leaderAddress: null,
    highWatermark: 0,
    diverging: null,
    snapshot: null,
    records: Buffer.alloc(0),
    ...change,
  }
}

t.test('from nobody to leader', async t => {
  const member = new TestMember({ log: [1] })
  t.equal(member.core.role.kind, 'unattached')
  member.at(1000)
  t.match(member.asked('vote', 2).body, { epoch: 1, preVote: true, lastEpoch: 1, lastOffset: 1 })
  t.notOk(member.persisted, 'a pre-vote leaves no trace')
  member.grant(member.asked('vote', 3))
  t.equal(member.core.role.kind, 'candidate')
  t.match(member.persisted, { epoch: 2, votedFor: key(1) })
  t.match(member.asked('vote', 2).body, { epoch: 2, preVote: false })
  const kinds = member.effects.map(({ kind }) => kind)
  t.ok(kinds.indexOf('persist') < kinds.lastIndexOf('send'), 'its own vote is durable before it asks')
  member.grant(member.asked('vote', 3))
  t.equal(member.core.role.kind, 'leader')
  t.match(
    member.effects.find(({ kind }) => kind === 'append'),
    { epoch: 2 },
  )
  t.notOk(
    member.effects.some(({ kind }) => kind === 'elected'),
    'nothing of its epoch is committed',
  )
  member.do(core => core.fetch(fetchOf({ epoch: 2, fetchOffset: 2, lastFetchedEpoch: 2 }), member.nowMs))
  t.same(
    member.effects.filter(({ kind }) => kind === 'elected' || kind === 'highWatermark'),
    [
      { kind: 'highWatermark', offset: 2 },
      { kind: 'elected', epoch: 2 },
    ],
  )
})

t.test('what an earlier leader wrote is committed only with something of this epoch', async t => {
  const member = new TestMember({ log: [1, 1, 1] })
  member.lead()
  member.do(core => core.fetch(fetchOf({ epoch: 2, fetchOffset: 3, lastFetchedEpoch: 1 }), member.nowMs))
  t.equal(member.core.highWatermark, 0)
  member.do(core => core.fetch(fetchOf({ epoch: 2, fetchOffset: 4, lastFetchedEpoch: 2 }), member.nowMs))
  t.equal(member.core.highWatermark, 4)
})

t.test('a lost election is tried again after a while, from the pre-vote on', async t => {
  const member = new TestMember()
  member.at(1000)
  member.grant(member.asked('vote', 2))
  const [two, three] = [member.asked('vote', 2), member.asked('vote', 3)]
  member.grant(two, false)
  t.equal(member.core.deadlineMs, 2000)
  member.grant(three, false)
  t.equal(member.core.deadlineMs, 1050)
  member.at(1050)
  t.match(member.asked('vote', 2).body, { epoch: 1, preVote: true })
})

t.test('a voter whose process is gone counts as one that refuses', async t => {
  const member = new TestMember()
  member.at(1000)
  member.grant(member.asked('vote', 2))
  const [two, three] = [member.asked('vote', 2), member.asked('vote', 3)]
  member.answer(three, { kind: 'none', reason: 'refused' })
  t.equal(member.core.role.kind, 'candidate', 'the other one may still grant')
  member.grant(two, false)
  t.equal(member.core.deadlineMs, 1050, 'both are known: nothing is left to wait for')
  member.at(1050)
  t.match(member.asked('vote', 2).body, { epoch: 1, preVote: true })
})

t.test('voters that know no pre-vote are asked for a vote', async t => {
  const member = new TestMember()
  member.at(1000)
  member.answer(member.asked('vote', 2), { kind: 'none', reason: 'version' })
  t.equal(member.core.role.kind, 'candidate')
})

t.test('a leader that nobody follows steps down and names its successors', async t => {
  const member = new TestMember({ log: [1] })
  member.lead()
  const sinceMs = member.nowMs
  member.do(core => core.fetch(fetchOf({ epoch: 2, fetchOffset: 2, lastFetchedEpoch: 2 }), sinceMs + 100))
  member.at(sinceMs + 3099)
  t.equal(member.core.role.kind, 'leader', 'a fetch of one other voter is a majority')
  member.at(sinceMs + 3100)
  t.equal(member.core.role.kind, 'resigned')
  t.match(member.asked('endEpoch', 3).body, { epoch: 2, preferred: [key(2), key(3)] })
  t.equal(member.core.leaderId, 1, 'nobody is to be elected in its epoch again')
  member.at(member.core.deadlineMs + 1000)
  t.match(member.core, { epoch: 3, leaderId: -1 })
})

t.test('a leader that comes back does not lead the same epoch again', async t => {
  const member = new TestMember({
    log: [1, 5],
    left: { epoch: 5, leaderId: 1, votedFor: key(1), kraftVersion: 0, voterIds: [1, 2, 3] },
  })
  t.equal(member.core.role.kind, 'resigned')
  t.match(member.asked('endEpoch', 2).body, { epoch: 5 })
  t.match(member.vote({ epoch: 5, candidate: key(2), lastEpoch: 4, lastOffset: 9 }), { granted: false })
})

t.test('successors stand one after the other', async t => {
  const waits: number[] = []
  for (const preferred of [
    [key(1), key(2)],
    [key(2), key(1)],
    [key(2), key(3)],
  ]) {
    const member = new TestMember()
    member.follow(3, 2)
    member.do(core => core.endEpoch({ leaderId: 3, epoch: 2, preferred, leaderEndpoints: [] }, 0))
    waits.push(member.core.role.kind === 'prospective' ? 0 : member.core.deadlineMs)
  }
  t.same(waits, [0, 500, 1000])
})

t.test('fetches that a leader refuses', async t => {
  const member = new TestMember({ log: [1, 1] })
  t.same(
    member.do(core => core.fetch(fetchOf(), 0)),
    { kind: 'error', error: Errors.NOT_LEADER_OR_FOLLOWER },
  )
  member.lead()
  const verdict = (change: object) => member.do(core => core.fetch(fetchOf({ epoch: 2, ...change }), member.nowMs))
  t.same(verdict({ epoch: 1 }), { kind: 'error', error: Errors.FENCED_LEADER_EPOCH })
  t.same(verdict({ epoch: 3 }), { kind: 'error', error: Errors.UNKNOWN_LEADER_EPOCH })
  t.same(verdict({ maxWaitMs: -1 }), { kind: 'error', error: Errors.INVALID_REQUEST })
  t.same(verdict({ fetchOffset: 3, lastFetchedEpoch: 1 }), { kind: 'diverging', at: { epoch: 1, endOffset: 2 } })
  t.same(verdict({ fetchOffset: 9, lastFetchedEpoch: 2 }), { kind: 'diverging', at: { epoch: 2, endOffset: 3 } })
  t.same(verdict({ fetchOffset: 2, lastFetchedEpoch: 1 }), { kind: 'read' })
  member.log.snapshotUpTo(2)
  const snapshot = { kind: 'snapshot', id: { endOffset: 2, epoch: 1 } }
  t.same(verdict({ fetchOffset: 1, lastFetchedEpoch: 1 }), snapshot)
  t.same(verdict({ fetchOffset: 0 }), snapshot)
  t.same(verdict({ fetchOffset: 2, lastFetchedEpoch: 1 }), { kind: 'read' })
})

t.test('what is committed is never cut off, whoever says so', async t => {
  const member = new TestMember({ log: [1, 1, 1, 1], highWatermark: 3 })
  member.follow(3, 2)
  member.answer(member.asked('fetch', 3), answerOf({ diverging: { epoch: 1, endOffset: 2 } }))
  t.notOk(member.effects.some(({ kind }) => kind === 'truncate'))
  const later = new TestMember({ log: [1, 1, 1, 1], highWatermark: 3 })
  later.follow(3, 2)
  later.answer(later.asked('fetch', 3), answerOf({ diverging: { epoch: 1, endOffset: 3 } }))
  t.match(later.effects, [{ kind: 'truncate', offset: 3 }])
  later.at(5000)
  t.equal(later.core.role.kind, 'follower', 'while it cuts it claims nothing')
})

t.test('a fetch acknowledges only what is synced', async t => {
  const member = new TestMember()
  member.follow(3, 2)
  member.answer(member.asked('fetch', 3), answerOf({ records: Buffer.from('x'), highWatermark: 9 }))
  member.log.append([{ epoch: 2, value: 'x' }])
  member.do(core => core.appended([], 0))
  t.same(
    member.effects.map(({ kind }) => kind),
    ['highWatermark'],
  )
  t.equal(member.core.highWatermark, 1, 'not beyond its own end')
  member.do(core => core.synced(1, 0))
  t.match(member.asked('fetch', 3).body, { fetchOffset: 1, lastFetchedEpoch: 2, highWatermark: 1 })
})

t.test('the only voter asks nobody', async t => {
  const member = new TestMember({ voters: [1], log: [4] })
  t.equal(member.core.role.kind, 'leader')
  t.equal(member.core.epoch, 5)
  t.equal(member.core.highWatermark, 2)
  t.equal(member.sends.length, 0)
  t.equal(member.core.deadlineMs, Number.POSITIVE_INFINITY)
})

t.test('a node that does not vote finds the leader by asking around', async t => {
  const member = new TestMember({ canVote: false, bootstrap: [address(2), address(9)] })
  const asked = []
  for (let at = 0; at < 4; at++) {
    const send = member.asked('fetch')
    asked.push(send.to.host)
    member.nowMs += 20
    member.answer(send, { kind: 'none', reason: 'unreachable' })
    member.at(member.nowMs + 20)
  }
  t.same(asked, ['node2', 'node3', 'node2', 'node9'])
  const told = answerOf({ error: Errors.FENCED_LEADER_EPOCH, epoch: 7, leaderAddress: address(3) })
  member.answer(member.asked('fetch'), told)
  t.match(member.core, { epoch: 7, leaderId: 3 })
  t.match(member.asked('fetch', 3).body, { epoch: 7 })
  member.at(60_000)
  t.equal(member.core.role.kind, 'unattached', 'it never stands itself')
})

t.test('a leader whose process is gone is not waited for', async t => {
  const member = new TestMember()
  member.follow(3, 2)
  member.answer(member.asked('fetch', 3), answerOf({ records: Buffer.alloc(0) }))
  const fetching = member.asked('fetch', 3)
  member.nowMs += 300
  member.answer(fetching, { kind: 'none', reason: 'refused' })
  t.equal(member.core.role.kind, 'follower', 'not at once: the first of all shall find the others ready')
  t.match(member.vote({ epoch: 2, preVote: true }), { granted: true }, 'whoever finds out too has its pre-vote')
  member.at(member.nowMs + 250)
  t.equal(member.core.role.kind, 'prospective')
})

t.test('a leader that is only out of reach keeps its time', async t => {
  const member = new TestMember()
  member.follow(3, 2)
  member.answer(member.asked('fetch', 3), answerOf({ records: Buffer.alloc(0) }))
  const fetching = member.asked('fetch', 3)
  member.nowMs += 300
  member.answer(fetching, { kind: 'none', reason: 'unreachable' })
  t.match(member.vote({ epoch: 2, preVote: true }), { granted: false })
  member.at(member.nowMs + 250)
  t.equal(member.core.role.kind, 'follower')
})

t.test('a fetch waits no longer than the timeouts allow', async t => {
  for (const [requestTimeoutMs, fetchTimeoutMs, waitMs] of [
    [2000, 2000, 500],
    [300, 2000, 150],
    [2000, 500, 250],
  ] as const) {
    const member = new TestMember({ timeouts: { ...defaultQuorumTimeouts, requestTimeoutMs, fetchTimeoutMs } })
    member.follow(3, 2)
    t.match(member.asked('fetch', 3), { body: { maxWaitMs: waitMs } })
  }
})

t.test('a leader that does not answer is not mistaken for the next one', async t => {
  const member = new TestMember()
  member.follow(3, 2)
  member.answer(member.asked('fetch', 3), { kind: 'none', reason: 'unreachable' })
  t.equal(member.asked('fetch').nodeId, 2, 'somebody else is asked besides')
  member.follow(2, 3)
  t.match(member.asked('fetch'), { nodeId: 2, body: { epoch: 3, maxWaitMs: 500 } }, 'the new leader is asked at once')
})
