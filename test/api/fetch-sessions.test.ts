import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import {
  type FetchAnswer,
  type FetchContext,
  FetchSessionCache,
  nextEpoch,
  type PartitionOutcome,
  type SessionRequest,
} from '../../src/api/fetch-sessions.ts'

/** Draws 0, 1, 2 ... so that sessions get the ids 1, 2, 3 ... */
function counter(): { below(n: number): number } {
  let next = 0
  return { below: n => next++ % n }
}

interface Wanted {
  readonly topic?: string
  readonly topicId?: string
  readonly partition: number
  readonly fetchOffset?: number
}

function request(
  sessionId: number,
  sessionEpoch: number,
  wanted: Wanted[] = [],
  forgotten: Wanted[] = [],
): SessionRequest {
  return {
    sessionId,
    sessionEpoch,
    topics: wanted.map(({ topic = '', topicId = zeroUuid, partition, fetchOffset = 0 }) => ({
      topic,
      topicId,
      partitions: [
        {
          partition,
          fetchOffset,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
          logStartOffset: -1,
          partitionMaxBytes: 1000,
        },
      ],
    })),
    forgottenTopicsData: forgotten.map(({ topic = '', topicId = zeroUuid, partition }) => ({
      topic,
      topicId,
      partitions: [partition],
    })),
  }
}

interface Named extends PartitionOutcome {
  readonly name: string
}

/** Outcomes with nothing new, save what a test gives by `topic-partition`. */
function finish(context: FetchContext, news: Record<string, Partial<PartitionOutcome>> = {}): FetchAnswer<Named> {
  return context.finish(
    context.partitions.map(wanted => {
      const { topic, topicId, partition } = wanted
      const name = `${topic || topicId}-${partition}`
      return {
        name,
        wanted,
        look: null,
        errorCode: 0,
        recordsBytes: 0,
        highWatermark: 10,
        logStartOffset: 0,
        diverging: false,
        preferredReadReplica: -1,
        ...news[name],
      }
    }),
  )
}

const names = (answer: FetchAnswer<Named>) => answer.outcomes.map(({ name }) => name)
const order = (context: FetchContext) => context.partitions.map(({ topic, partition }) => `${topic}-${partition}`)

const a0 = { topic: 'a', partition: 0 }
const a1 = { topic: 'a', partition: 1 }
const b0 = { topic: 'b', partition: 0 }

/** A cache with one session, id 1, of these partitions. */
function withSession(...wanted: Wanted[]): FetchSessionCache {
  const cache = new FetchSessionCache(counter())
  finish(cache.open(request(0, 0, wanted), 12, false, 0))
  return cache
}

t.test('a full fetch makes a session, incremental ones tell only what is new', async t => {
  const cache = new FetchSessionCache(counter())
  const full = finish(cache.open(request(0, 0, [a0, a1, b0]), 12, false, 0))
  t.same(full.sessionId, 1)
  t.same(names(full), ['a-0', 'a-1', 'b-0'], 'a full answer holds everything')

  const second = cache.open(request(1, 1), 12, false, 0)
  t.same(order(second), ['a-0', 'a-1', 'b-0'])
  t.same(names(finish(second)), [], 'nothing is new')

  const third = finish(cache.open(request(1, 2), 12, false, 0), {
    'a-0': { highWatermark: 11 },
    'a-1': { logStartOffset: 5 },
    'b-0': { recordsBytes: 100 },
  })
  t.same(names(third), ['a-0', 'a-1', 'b-0'])
  t.equal(third.sessionId, 1)

  const fourth = finish(cache.open(request(1, 3), 12, false, 0), {
    'a-0': { highWatermark: 11, diverging: true },
    'a-1': { logStartOffset: 5, preferredReadReplica: 2 },
  })
  t.same(names(fourth), ['a-0', 'a-1'], 'divergence and a preferred replica are always told')
})

t.test('partitions are added, changed and forgotten by what a request names', async t => {
  const cache = withSession(a0)
  const added = cache.open(request(1, 1, [b0, { ...a0, fetchOffset: 77 }]), 12, false, 0)
  t.same(order(added), ['a-0', 'b-0'])
  t.equal(added.partitions[0].fetchOffset, 77)
  t.same(names(finish(added)), ['b-0'], 'a partition new to the session is told once')
  const forgotten = cache.open(request(1, 2, [], [a0, a1]), 12, false, 0)
  t.same(order(forgotten), ['b-0'])
  t.equal(cache.open(request(1, 3), 12, false, 0).partitions.length, 1)
})

t.test('a session without partitions is closed', async t => {
  const cache = withSession(a0)
  const emptied = cache.open(request(1, 1, [], [a0]), 12, false, 0)
  t.same(emptied.partitions, [])
  t.equal(finish(emptied).sessionId, 0)
  t.equal(cache.size, 0)
  t.throws(() => cache.open(request(1, 2), 12, false, 0), { code: Errors.FETCH_SESSION_ID_NOT_FOUND })
})

t.test('an error is told again and again, and its end too', async t => {
  const cache = withSession(a0)
  const failing = { 'a-0': { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, highWatermark: -1, logStartOffset: -1 } }
  t.same(names(finish(cache.open(request(1, 1), 12, false, 0), failing)), ['a-0'])
  t.same(names(finish(cache.open(request(1, 2), 12, false, 0), failing)), ['a-0'])
  t.same(names(finish(cache.open(request(1, 3), 12, false, 0))), ['a-0'], 'it works again')
  t.same(names(finish(cache.open(request(1, 4), 12, false, 0))), [])
})

t.test('partitions that returned data move to the end', async t => {
  const cache = withSession(a0, a1, b0)
  finish(cache.open(request(1, 1), 12, false, 0), { 'a-0': { recordsBytes: 1 }, 'a-1': { highWatermark: 11 } })
  t.same(order(cache.open(request(1, 2), 12, false, 0)), ['a-1', 'b-0', 'a-0'])
})

t.test('wrong ids and epochs', async t => {
  const cache = withSession(a0)
  t.throws(() => cache.open(request(99, 1), 12, false, 0), { code: Errors.FETCH_SESSION_ID_NOT_FOUND })
  t.throws(() => cache.open(request(0, 5), 12, false, 0), { code: Errors.FETCH_SESSION_ID_NOT_FOUND })
  for (const epoch of [2, 3, 2 ** 31 - 1, -2, -(2 ** 31)]) {
    t.throws(
      () => cache.open(request(1, epoch), 12, false, 0),
      { code: Errors.INVALID_FETCH_SESSION_EPOCH },
      String(epoch),
    )
  }
  t.throws(() => cache.open(request(1, 1), 13, false, 0), { code: Errors.FETCH_SESSION_TOPIC_ID_ERROR })
  t.equal(finish(cache.open(request(1, 1), 12, false, 0)).sessionId, 1, 'the session has not suffered')
})

t.test('epochs 0 and -1 drop the session that they name', async t => {
  const cache = withSession(a0)
  const anew = finish(cache.open(request(1, 0, [b0]), 12, false, 0))
  t.equal(anew.sessionId, 2)
  t.equal(cache.size, 1)
  const final = cache.open(request(2, -1, [b0]), 12, false, 0)
  t.same(order(final), ['b-0'])
  t.equal(finish(final).sessionId, 0)
  t.equal(cache.size, 0)
  t.equal(finish(cache.open(request(0, -1, [a0]), 12, false, 0)).sessionId, 0, 'no session asked for')
})

t.test('the epoch after the largest is 1', async t => {
  t.equal(nextEpoch(0), 1)
  t.equal(nextEpoch(2 ** 31 - 2), 2 ** 31 - 1)
  t.equal(nextEpoch(2 ** 31 - 1), 1)
})

t.test('a request that was overtaken learns it', async t => {
  const cache = withSession(a0)
  const slow = cache.open(request(1, 1), 12, false, 0)
  const fast = cache.open(request(1, 2), 12, false, 0)
  t.equal(finish(fast).errorCode, 0)
  t.same(finish(slow, { 'a-0': { recordsBytes: 5 } }), {
    errorCode: Errors.INVALID_FETCH_SESSION_EPOCH,
    sessionId: 0,
    outcomes: [],
  })
})

t.test('a throttled fetch is empty, its epoch counts', async t => {
  const cache = withSession(a0)
  t.same(cache.open(request(1, 1), 12, false, 0).throttled(), { errorCode: 0, sessionId: 1, outcomes: [] })
  t.equal(finish(cache.open(request(1, 2), 12, false, 0)).sessionId, 1)
  t.equal(cache.open(request(0, 0, [a0]), 12, false, 0).throttled().sessionId, 0)
  t.equal(cache.size, 1, 'a throttled full fetch makes no session')
})

t.test('topic ids name partitions from version 13 on', async t => {
  const cache = new FetchSessionCache(counter())
  const one = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }
  const two = { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }
  finish(cache.open(request(0, 0, [one, two]), 13, false, 0))
  const next = cache.open(request(1, 1, [{ ...two, fetchOffset: 5 }], [one]), 17, false, 0)
  t.same(
    next.partitions.map(({ topicId, fetchOffset }) => [topicId, fetchOffset]),
    [[two.topicId, 5]],
  )
  t.throws(() => cache.open(request(1, 2), 12, false, 0), { code: Errors.FETCH_SESSION_TOPIC_ID_ERROR })
})

t.test('a full cache: idle sessions go first, then those that count less', async t => {
  const limits = { slots: 2, evictionMs: 1000 }
  const cache = new FetchSessionCache(counter(), limits)
  const full = (wanted: Wanted[], fromFollower: boolean, nowMs: number) =>
    finish(cache.open(request(0, 0, wanted), 12, fromFollower, nowMs)).sessionId
  const use = (id: number, epoch: number, nowMs: number) => finish(cache.open(request(id, epoch), 12, false, nowMs))

  t.equal(full([a0], false, 0), 1)
  t.equal(full([a0, a1], false, 0), 2)
  t.equal(full([a0, a1, b0], false, 500), 0, 'nobody is idle, and the young may not be evicted by their equals')
  t.equal(cache.size, 2)
  t.equal(full([a0], true, 500), 3, 'a follower beats a consumer, the smallest goes')
  t.throws(() => use(1, 1, 500), { code: Errors.FETCH_SESSION_ID_NOT_FOUND })
  use(2, 1, 900)
  use(3, 1, 900)
  t.equal(
    full([a0, a1, b0], false, 1950),
    4,
    'session 2 or 3 has been idle for long enough: the one unused longest goes',
  )
  t.throws(() => use(2, 2, 1950), { code: Errors.FETCH_SESSION_ID_NOT_FOUND })
  use(3, 2, 1950)
  use(4, 1, 2951)
  use(3, 3, 2951)
  use(4, 2, 2952)
  t.equal(full([a0], false, 2960), 0, 'smaller than session 4, and session 3 is a follower')
  t.equal(full([a0, a1, b0, { topic: 'c', partition: 0 }], false, 2960), 5, 'larger than session 4')
  t.throws(() => use(4, 3, 2960), { code: Errors.FETCH_SESSION_ID_NOT_FOUND })
  t.equal(cache.evictions, 3)
})
