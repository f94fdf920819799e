import t from 'tap'
import { zeroUuid } from '../../../protocol/uuid.ts'
import { groupRecordCodec } from '../../../src/coordinator/group/records.ts'
import {
  commit,
  committed,
  Errors,
  fetchAll,
  heartbeat,
  join,
  leave,
  none,
  Scenario,
  subscription,
  sync,
} from './scenario.ts'

const idOf = (letter: string) => `${letter.repeat(21)}A`
const codes = (reply: { topics: readonly { partitions: readonly { errorCode: number }[] }[] }) =>
  reply.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
const day = 24 * 3_600_000

t.test('consumers without a group commit and fetch', async t => {
  const s = new Scenario()
  t.same(codes(s.ask(commit({ a: 5, b: 7 }))), [none, none])
  const reply = s.ask({
    kind: 'offsetFetch',
    groupId: 'g',
    topics: [{ name: 'a', topicId: zeroUuid, partitionIndexes: [0, 1] }],
    memberId: null,
    memberEpoch: -1,
    requireStable: false,
  })
  t.same(reply.topics[0].partitions, [
    { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 3, metadata: 'note', errorCode: none },
    { partitionIndex: 1, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: none },
  ])
  t.same(committed(s), { a: 5, b: 7 }, 'all of them')
  t.same(committed(s.restarted()), { a: 5, b: 7 })
})

t.test('an unknown group has no offsets, and that is no error', async t => {
  const s = new Scenario()
  t.match(s.ask(fetchAll('nobody')), { errorCode: none, topics: [] })
  const topics = [{ name: 'a', topicId: zeroUuid, partitionIndexes: [3] }]
  const reply = s.ask({
    kind: 'offsetFetch',
    groupId: 'nobody',
    topics,
    memberId: null,
    memberEpoch: -1,
    requireStable: true,
  })
  t.match(reply.topics[0].partitions[0], { partitionIndex: 3, committedOffset: -1, errorCode: none })
})

t.test('who may commit', async t => {
  const s = new Scenario()
  t.same(codes(s.ask(commit({ a: 1 }, { generationId: 1, memberId: 'x' }))), [Errors.GROUP_ID_NOT_FOUND])
  const old = commit({ a: 1 }, { generationId: 1, memberId: 'x', knowsMemberEpochs: false })
  t.same(codes(s.ask(old)), [Errors.ILLEGAL_GENERATION])
  const a = s.joinAs('a')
  s.advance(3000)
  const { memberId } = a
  t.same(
    codes(s.ask(commit({ a: 1 }, { memberId, generationId: 1 }))),
    [Errors.REBALANCE_IN_PROGRESS],
    'not assigned yet',
  )
  s.ask(sync({ memberId }))
  t.same(codes(s.ask(commit({ a: 1 }))), [Errors.UNKNOWN_MEMBER_ID], 'a tool, while there are members')
  t.same(codes(s.ask(commit({ a: 1 }, { memberId: 'x', generationId: 1 }))), [Errors.UNKNOWN_MEMBER_ID])
  t.same(codes(s.ask(commit({ a: 1 }, { memberId, generationId: 2 }))), [Errors.ILLEGAL_GENERATION])
  t.same(
    codes(s.ask(commit({ a: 1 }, { memberId, generationId: 1, groupInstanceId: 'i' }))),
    [Errors.UNKNOWN_MEMBER_ID],
    'no such instance',
  )
  t.same(s.log.length, 1, 'nothing was written so far but the group')
  t.same(codes(s.ask(commit({ a: 1 }, { memberId, generationId: 1 }))), [none])
  s.joinAs('b')
  t.same(codes(s.ask(commit({ a: 2 }, { memberId, generationId: 1 }))), [none], 'while a rebalance gathers')
  t.same(committed(s), { a: 2 })
})

t.test('a static member that was replaced may not commit', async t => {
  const s = new Scenario()
  const first = s.send(join({ groupInstanceId: 'one' }))
  s.advance(3000)
  s.syncAll([first.reply!])
  s.ask(join({ groupInstanceId: 'one' }))
  const event = commit({ a: 1 }, { memberId: first.reply!.memberId, generationId: 1, groupInstanceId: 'one' })
  t.same(codes(s.ask(event)), [Errors.FENCED_INSTANCE_ID])
})

t.test('a commit keeps the session alive', async t => {
  const s = new Scenario()
  const [{ memberId }] = s.stable(['a'])
  for (let i = 0; i < 5; i++) {
    s.advance(9000)
    s.ask(commit({ a: i }, { memberId, generationId: 1 }))
  }
  t.equal(s.state(), 'Stable')
  s.advance(10_000)
  t.equal(s.state(), 'Empty')
})

t.test('metadata that is too long fails its partition alone', async t => {
  const s = new Scenario({ offsetMetadataBytesMax: 10 })
  const partition = (partitionIndex: number, committedMetadata: string | null) => ({
    partitionIndex,
    committedOffset: 1,
    committedLeaderEpoch: -1,
    committedMetadata,
  })
  const partitions = [partition(0, 'x'.repeat(10)), partition(1, 'x'.repeat(11)), partition(2, null)]
  const event = { ...commit({}), topics: [{ name: 'a', topicId: zeroUuid, partitions }] }
  t.same(codes(s.ask(event)), [none, Errors.OFFSET_METADATA_TOO_LARGE, none])
  t.equal(s.log.length, 2)
})

t.test('value versions: as Kafka writes them', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1 }))
  s.ask(commit({ a: 1 }, { retentionTimeMs: 1000 }))
  const [topic] = commit({ a: 1 }).topics
  s.ask({ ...commit({}), topics: [{ ...topic, topicId: idOf('t') }] })
  t.same(
    s.log.map(({ value }) => value?.readInt16BE(0)),
    [4, 1, 4],
  )
  t.same(
    s.log.map(({ key, value }) => {
      const record = groupRecordCodec.decode(key, value)
      return record?.kind === 'offset' && [record.value?.leaderEpoch, record.value?.topicId]
    }),
    [
      [3, zeroUuid],
      [-1, zeroUuid],
      [3, idOf('t')],
    ],
  )
})

t.test('offsets of a topic that was deleted and made again are not told', async t => {
  const s = new Scenario()
  const [topic] = commit({ a: 1 }).topics
  s.ask({ ...commit({}), topics: [{ ...topic, topicId: idOf('o') }] })
  const ask = (topicId: string) => {
    const topics = [{ name: 'a', topicId, partitionIndexes: [0] }]
    return s.ask({ kind: 'offsetFetch', groupId: 'g', topics, memberId: null, memberEpoch: -1, requireStable: false })
      .topics[0].partitions[0]
  }
  t.equal(ask(idOf('o')).committedOffset, 1)
  t.equal(ask(zeroUuid).committedOffset, 1)
  t.equal(ask(idOf('n')).committedOffset, -1)
})

t.test('the end of a topic is the end of its offsets', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1, b: 2 }))
  s.ask(commit({ a: 3 }, { groupId: 'h' }))
  const [topic] = commit({ a: 4 }).topics
  s.ask({ ...commit({}, { groupId: 'i' }), topics: [{ ...topic, topicId: idOf('n') }] })
  s.ask({ kind: 'topicsDeleted', topics: [{ name: 'a', topicId: idOf('o') }] })
  t.same([committed(s), committed(s, 'h'), committed(s, 'i')], [{ b: 2 }, {}, { a: 4 }])
  t.same(committed(s.restarted()), { b: 2 })
})

t.test('OffsetDelete', async t => {
  const s = new Scenario()
  const remove = (...names: string[]) => {
    const topics = names.map(name => ({ name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }))
    return s.ask({ kind: 'offsetDelete', groupId: 'g', topics })
  }
  t.equal(remove('a').errorCode, Errors.GROUP_ID_NOT_FOUND)
  s.ask(commit({ t: 1, u: 2 }))
  const [{ memberId }] = s.stable(['a'])
  const before = s.log.length
  t.same(codes(remove('t', 'u')), [Errors.GROUP_SUBSCRIBED_TO_TOPIC, Errors.GROUP_SUBSCRIBED_TO_TOPIC, none, none])
  t.equal(s.log.length, before + 1, 'one tombstone: of partition 9 there was nothing')
  t.same(committed(s), { t: 1 })
  s.ask(leave({ memberId }))
  t.same(codes(remove('t')), [none, none], 'nobody subscribes any more')
  t.same(committed(s.restarted()), {})
})

t.test('a group that has lost all its offsets is still there, until somebody looks for what has expired', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1 }))
  s.ask({ kind: 'offsetDelete', groupId: 'g', topics: [{ name: 'a', partitions: [{ partitionIndex: 0 }] }] })
  const again = s.restarted()
  t.same([s.state(), again.state()], ['Empty', 'Empty'])
  t.same(s.ask({ kind: 'deleteGroups', groupIds: ['g'] }).results, [{ groupId: 'g', errorCode: none }])
  again.advance(600_000)
  t.equal(again.state(), 'none')
})

t.test('OffsetDelete of a group that is no consumer group', async t => {
  const s = new Scenario()
  s.ask(commit({ t: 1 }))
  s.stable(['a'], { protocolType: 'connect' })
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
  t.match(s.ask({ kind: 'offsetDelete', groupId: 'g', topics }), { errorCode: Errors.NON_EMPTY_GROUP, topics: [] })
})

t.test('OffsetDelete when a subscription cannot be read: everything counts as in use', async t => {
  const s = new Scenario()
  s.ask(commit({ t: 1 }))
  s.stable(['a'], { protocols: [{ name: 'range', metadata: Buffer.from('rubbish') }] })
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
  t.same(codes(s.ask({ kind: 'offsetDelete', groupId: 'g', topics })), [Errors.GROUP_SUBSCRIBED_TO_TOPIC])
})

t.test('expiry: without a group, counted from the commit', async t => {
  const s = new Scenario({ offsetsRetentionMs: 7 * day })
  s.ask(commit({ a: 1 }))
  s.advance(3 * day)
  s.ask(commit({ b: 1 }))
  s.advance(4 * day + 600_000)
  t.same(committed(s), { b: 1 })
  s.advance(4 * day)
  t.equal(s.state(), 'none')
  t.same([...s.restarted().machine.groupIds()], [])
})

t.test('expiry: of an empty group, counted from when it became empty', async t => {
  const s = new Scenario({ offsetsRetentionMs: 7 * day })
  const [{ memberId }] = s.stable(['a'], { sessionTimeoutMs: 20 * day })
  s.ask(commit({ t: 1 }, { memberId, generationId: 1 }))
  s.advance(10 * day)
  t.same(committed(s), { t: 1 }, 'the member is still there')
  s.ask(leave({ memberId }))
  s.advance(6 * day)
  t.same(committed(s), { t: 1 })
  s.advance(day + 600_000)
  t.same(committed(s), {})
  t.equal(s.state(), 'none', 'the group went with its last offset')
  t.equal(s.restarted().state(), 'none')
})

t.test('expiry: in a living group only of topics that nobody subscribes to', async t => {
  const s = new Scenario({ offsetsRetentionMs: 7 * day })
  const [{ memberId }] = s.stable(['a'], { sessionTimeoutMs: 20 * day })
  s.ask(commit({ t: 1, u: 2 }, { memberId, generationId: 1 }))
  s.advance(8 * day)
  t.same(committed(s), { t: 1 })
  t.equal(s.state(), 'Stable')
})

t.test('expiry: not during a rebalance, and not of other kinds of groups with members', async t => {
  const s = new Scenario({ offsetsRetentionMs: 7 * day })
  const [{ memberId }] = s.stable(['a'], { sessionTimeoutMs: 20 * day, protocolType: 'connect' })
  s.ask(commit({ u: 2 }, { memberId, generationId: 1 }))
  s.advance(8 * day)
  t.same(committed(s), { u: 2 })
})

t.test('expiry: a commit may bring its own retention', async t => {
  const s = new Scenario({ offsetsRetentionMs: 7 * day })
  s.ask(commit({ a: 1 }, { retentionTimeMs: day }))
  s.ask(commit({ b: 1 }, { retentionTimeMs: 2 ** 63 }))
  const again = s.restarted()
  again.advance(day + 600_000)
  t.same(committed(again), { b: 1 })
  again.advance(30 * day)
  t.same(committed(again), { b: 1 })
})

t.test('expiry: an empty group that never committed anything goes at the next look', async t => {
  const s = new Scenario()
  const [{ memberId }] = s.stable(['a'])
  s.ask(leave({ memberId }))
  s.advance(600_000)
  t.equal(s.state(), 'none')
  t.equal(s.restarted().state(), 'none')
})

t.test('pending transactional offsets', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1 }))
  const at = (offset: number, producerId: number) => ({
    offset,
    timestampMs: 0,
    leaderEpoch: 0,
    producerId,
    producerEpoch: 0,
  })
  const value = (offset: number) => {
    return { offset, leaderEpoch: -1, metadata: '', commitTimestampMs: 0, expireTimestampMs: -1, topicId: zeroUuid }
  }
  const put = (offset: number, recordOffset: number, producerId: number) =>
    s.machine.apply(
      { kind: 'offset', groupId: 'g', topic: 'a', partition: 0, value: value(offset) },
      at(recordOffset, producerId),
    )
  const fetch = (requireStable: boolean) => {
    const topics = [{ name: 'a', topicId: zeroUuid, partitionIndexes: [0] }]
    const [partition] = s.ask({
      kind: 'offsetFetch',
      groupId: 'g',
      topics,
      memberId: null,
      memberEpoch: -1,
      requireStable,
    }).topics[0].partitions
    return partition.errorCode === none ? partition.committedOffset : partition.errorCode
  }
  put(10, 1, 77)
  t.equal(fetch(false), 1)
  t.equal(fetch(true), Errors.UNSTABLE_OFFSET_COMMIT)
  s.machine.endTransaction(false, at(2, 77))
  t.equal(fetch(true), 1, 'aborted')
  put(20, 3, 77)
  put(30, 4, 78)
  s.machine.endTransaction(true, at(5, 78))
  t.equal(fetch(false), 30)
  s.machine.endTransaction(true, at(6, 77))
  t.equal(fetch(true), 30, 'the later commit in the log wins')
  put(40, 7, 77)
  s.ask({ kind: 'topicsDeleted', topics: [{ name: 'a', topicId: zeroUuid }] })
  s.machine.endTransaction(true, at(8, 77))
  t.equal(fetch(true), -1, 'deleted offsets do not come back with a commit')
  put(50, 9, 77)
  t.same(s.ask({ kind: 'deleteGroups', groupIds: ['g'] }).results, [{ groupId: 'g', errorCode: none }])
  s.machine.endTransaction(true, at(10, 77))
  t.equal(fetch(true), -1, 'nor with their group')
})

t.test('a heartbeat of a group that only has offsets', async t => {
  const s = new Scenario()
  s.ask(commit({ a: 1 }))
  t.equal(s.ask(heartbeat('x', 0)).errorCode, Errors.UNKNOWN_MEMBER_ID)
  t.equal(s.ask(join({ memberId: 'x' })).errorCode, Errors.UNKNOWN_MEMBER_ID)
  s.stable(['a'], { protocols: [{ name: 'range', metadata: subscription('a') }] })
  t.same(committed(s), { a: 1 }, 'members take over the offsets')
})
