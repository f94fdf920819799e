import t from 'tap'
import type { TxnOffsetCommitEvent } from '../../../src/coordinator/group/events.ts'
import { commit, committed, errorName, Scenario } from './scenario.ts'

function inTransaction(offset: number, change: Partial<TxnOffsetCommitEvent> = {}): TxnOffsetCommitEvent {
  const { topics } = commit({ letters: offset })
  const transaction = { producerId: 7, producerEpoch: 0 }
  const nobody = { generationId: -1, memberId: '', groupInstanceId: null }
  return { kind: 'txnOffsetCommit', groupId: 'g', ...nobody, transaction, topics, ...change }
}

const errorOf = (s: Scenario, offset: number, change: Partial<TxnOffsetCommitEvent> = {}) =>
  errorName(s.ask(inTransaction(offset, change)).topics[0].partitions[0].errorCode)

function stableOffset(s: Scenario): number | string {
  const topics = [{ name: 'letters', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionIndexes: [0] }]
  const { partitions } = s.ask({
    kind: 'offsetFetch',
    groupId: 'g',
    topics,
    memberId: null,
    memberEpoch: -1,
    requireStable: true,
  }).topics[0]
  return partitions[0].errorCode === 0 ? partitions[0].committedOffset : errorName(partitions[0].errorCode)
}

t.test('offsets of a transaction count when it is committed', async t => {
  const s = new Scenario()
  s.ask(commit({ letters: 3 }))
  t.equal(errorOf(s, 9), 'NONE')
  t.same([stableOffset(s), committed(s)], ['UNSTABLE_OFFSET_COMMIT', { letters: 3 }])
  s.endTransaction(7, false)
  t.same([stableOffset(s), committed(s)], [3, { letters: 3 }])
  t.equal(errorOf(s, 10), 'NONE')
  s.endTransaction(8, true)
  t.equal(stableOffset(s), 'UNSTABLE_OFFSET_COMMIT', 'the marker of another producer')
  s.endTransaction(7, true)
  t.equal(stableOffset(s), 10)
})

t.test('the member that a producer commits for is checked, if it names one', async t => {
  const s = new Scenario()
  t.equal(errorOf(s, 1, { generationId: 4 }), 'ILLEGAL_GENERATION', 'a group that does not exist')
  t.equal(errorOf(s, 1), 'NONE')
  s.endTransaction(7, true)
  const [{ memberId, generationId }] = s.stable(['one'])
  t.equal(errorOf(s, 2, { memberId, generationId }), 'NONE')
  t.equal(errorOf(s, 2, { memberId, generationId: generationId + 1 }), 'ILLEGAL_GENERATION')
  t.equal(errorOf(s, 2, { memberId: 'other', generationId }), 'UNKNOWN_MEMBER_ID')
  t.equal(errorOf(s, 2, { memberId, generationId, groupInstanceId: 'static' }), 'UNKNOWN_MEMBER_ID')
  t.equal(errorOf(s, 2), 'NONE', 'older producers name nobody')
  const alone = s.timers('sessionExpired')
  s.advance(10)
  errorOf(s, 2, { memberId, generationId })
  t.ok(s.timers('sessionExpired')[0] < alone[0], "a producer does not keep its consumer's session alive")
})

t.test('metadata that is too long', async t => {
  const s = new Scenario({ offsetMetadataBytesMax: 3 })
  t.equal(errorOf(s, 1), 'OFFSET_METADATA_TOO_LARGE')
  t.same(s.log, [])
})
