/**
 * Fetch sessions (KIP-227): the broker remembers which partitions a fetcher follows, so that requests name only what
 * changed and answers hold only what is new.
 *
 * | request (id, epoch) | what happens |
 * | --- | --- |
 * | (0, 0) | full fetch; a session is made when there is room, else the answer carries id 0 |
 * | (x, -1) | full fetch without a session; session x is dropped |
 * | (x, 0) | session x is dropped, then as (0, 0) |
 * | (x, n) | incremental: session x must exist and expect epoch n |
 *
 * Pure: the time is handed in, nothing waits. One cache where Kafka has eight shards, as there is one thread.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'

const NO_SESSION = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const EPOCH_MAX = 2 ** 31 - 1
/** From this version on partitions are named by topic id. */
const FIRST_VERSION_WITH_TOPIC_IDS = 13

/** One partition that the fetcher asks for. Below version 13 `topicId` is the zero id, from 13 on `topic` is empty. */
export interface FetchedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  readonly logStartOffset: number
  readonly partitionMaxBytes: number
}

/** The parts of a Fetch request that sessions are about; the decoded request fits as it is. */
export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly topics: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partitions: readonly Omit<FetchedPartition, 'topic' | 'topicId'>[]
  }[]
  readonly forgottenTopicsData: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partitions: readonly number[]
  }[]
}

/** A follower's fetch has looked at a partition: what came since. A session of thousands asks this, and reads nothing. */
export interface Look {
  /** There is more to read, or another answer. `watermarks`: a new high watermark is one. */
  hasGrown(watermarks: boolean): boolean
  /** Nothing that was not told, nor anything left to read. */
  isQuiet(told: { readonly highWatermark: number; readonly logStartOffset: number }): boolean
}

/** What decides whether a partition belongs into an incremental answer. */
export interface PartitionOutcome {
  /** What it answers: one of the context's `partitions`. */
  readonly wanted: FetchedPartition
  /** Null after an error, and for consumers, whose partitions are looked at each time. */
  readonly look: Look | null
  readonly errorCode: number
  readonly recordsBytes: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly diverging: boolean
  /** -1 for none (KIP-392). */
  readonly preferredReadReplica: number
}

export interface FetchAnswer<O> {
  readonly errorCode: ErrorCode
  readonly sessionId: number
  /** Those of the outcomes that go into the response, in their order. */
  readonly outcomes: readonly O[]
}

/** One Fetch request seen through its session. */
export interface FetchContext {
  /** What to serve, in this order: of a follower's session, those about which there may be something to say now. */
  readonly partitions: readonly FetchedPartition[]
  /** Nothing is followed: there is nothing to wait for. */
  readonly isEmpty: boolean
  /** These were looked at; `partitions` and `hasGrown` go by it. */
  note(outcomes: readonly PartitionOutcome[]): void
  /** Whether some partition has something to say since it was looked at. */
  hasGrown(watermarks: boolean): boolean
  /** Call once, with the last outcome of each partition that was looked at. */
  finish<O extends PartitionOutcome>(outcomes: readonly O[]): FetchAnswer<O>
  /** Whether an answer without records would be news: of a log start, or (`watermarks`) of a high watermark. */
  hasNews(outcomes: readonly PartitionOutcome[], watermarks: boolean): boolean
  /**
   * Runs when a later request of a follower's session comes while this one waits: it answers at once, with nothing. At
   * most one at a time.
   */
  whenOvertaken(run: () => void): void
  /** The answer of a fetch held back by a quota: no partitions, the session goes on. */
  throttled(): FetchAnswer<never>
}

interface CachedPartition {
  readonly key: string
  /** As last requested. */
  wanted: FetchedPartition
  /** As last answered; -1 when it must be answered again. */
  highWatermark: number
  logStartOffset: number
  /** Since it was wanted so. */
  look: Look | null
}

class FetchSession {
  readonly id: number
  /** Followers' sessions beat consumers' when room is short. */
  readonly privileged: boolean
  readonly usesTopicIds: boolean
  readonly createdMs: number
  readonly partitions: Map<string, CachedPartition>
  epoch = nextEpoch(INITIAL_EPOCH)
  lastUsedMs: number
  /** As of its last use: what it counts in the contest for room. */
  cachedSize = 0
  /** Wakes the request that waits. */
  overtaken: () => void = () => {}
  evictableByAll = false
  evictableByPrivileged = false

  constructor(
    id: number,
    privileged: boolean,
    usesTopicIds: boolean,
    partitions: Map<string, CachedPartition>,
    nowMs: number,
  ) {
    this.id = id
    this.privileged = privileged
    this.usesTopicIds = usesTopicIds
    this.partitions = partitions
    this.createdMs = nowMs
    this.lastUsedMs = nowMs
  }

  /** Null when it is followed no more, or from elsewhere. */
  cachedOf({ wanted }: PartitionOutcome): CachedPartition | null {
    const cached = this.partitions.get(keyOf(wanted.topicId, wanted.topic, wanted.partition, this.usesTopicIds))
    return cached?.wanted === wanted ? cached : null
  }

  update(request: SessionRequest): void {
    for (const wanted of listPartitions(request)) {
      const key = keyOf(wanted.topicId, wanted.topic, wanted.partition, this.usesTopicIds)
      const cached = this.partitions.get(key)
      if (cached) {
        cached.wanted = wanted
        cached.look = null
      } else this.partitions.set(key, { key, wanted, highWatermark: -1, logStartOffset: -1, look: null })
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) this.partitions.delete(keyOf(topicId, topic, partition, this.usesTopicIds))
    }
  }
}

export interface FetchSessionLimits {
  /** `max.incremental.fetch.session.cache.slots`. */
  readonly slots: number
  /** A session idle for longer may be evicted by any other; one younger than this may not be evicted by its equals. */
  readonly evictionMs: number
}

export const fetchSessionLimits: FetchSessionLimits = { slots: 1000, evictionMs: 120_000 }

export class FetchSessionCache {
  readonly #limits: FetchSessionLimits
  readonly #random: { below(n: number): number }
  /** In the order of last use, oldest first. */
  readonly #sessions = new Map<number, FetchSession>()
  #evictions = 0

  constructor(random: { below(n: number): number }, limits: FetchSessionLimits = fetchSessionLimits) {
    this.#random = random
    this.#limits = limits
  }

  /** Sessions held now. */
  get size(): number {
    return this.#sessions.size
  }

  /** Sessions evicted since the start. */
  get evictions(): number {
    return this.#evictions
  }

  /** What a session follows now; nothing when there is no such session. For those who look from outside. */
  followedBy(sessionId: number): FetchedPartition[] {
    return [...(this.#sessions.get(sessionId)?.partitions.values() ?? [])].map(({ wanted }) => wanted)
  }

  /**
   * `nowMs` is monotonic. Throws KafkaError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or
   * FETCH_SESSION_TOPIC_ID_ERROR, which answer the whole request (session id 0, no partitions).
   */
  open(request: SessionRequest, version: number, fromFollower: boolean, nowMs: number): FetchContext {
    const usesTopicIds = version >= FIRST_VERSION_WITH_TOPIC_IDS
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#sessions.delete(sessionId)
      const partitions = listPartitions(request)
      if (sessionEpoch === FINAL_EPOCH) return sessionless(partitions)
      return this.#full(partitions, usesTopicIds, fromFollower, nowMs)
    }
    const session = this.#sessions.get(sessionId)
    if (!session) throw new KafkaError(Errors.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) throw new KafkaError(Errors.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== usesTopicIds) throw new KafkaError(Errors.FETCH_SESSION_TOPIC_ID_ERROR)
    session.update(request)
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id)
      return sessionless([])
    }
    this.#touch(session, nowMs)
    session.epoch = nextEpoch(session.epoch)
    session.overtaken()
    session.overtaken = () => {}
    return incremental(session)
  }

  #full(partitions: FetchedPartition[], usesTopicIds: boolean, privileged: boolean, nowMs: number): FetchContext {
    const finish = <O extends PartitionOutcome>(outcomes: readonly O[]): FetchAnswer<O> => {
      const session = this.#tryCreate(partitions, outcomes, usesTopicIds, privileged, nowMs)
      return { errorCode: Errors.NONE, sessionId: session?.id ?? NO_SESSION, outcomes }
    }
    return { ...sessionless(partitions), finish }
  }

  #tryCreate(
    partitions: readonly FetchedPartition[],
    outcomes: readonly PartitionOutcome[],
    usesTopicIds: boolean,
    privileged: boolean,
    nowMs: number,
  ): FetchSession | null {
    if (this.#sessions.size >= this.#limits.slots && !this.#tryEvict(privileged, partitions.length, nowMs)) return null
    const cached = new Map<string, CachedPartition>()
    partitions.forEach((wanted, i) => {
      const { highWatermark, logStartOffset, errorCode } = outcomes[i]
      const key = keyOf(wanted.topicId, wanted.topic, wanted.partition, usesTopicIds)
      cached.set(key, {
        key,
        wanted,
        highWatermark: errorCode === Errors.NONE ? highWatermark : -1,
        logStartOffset,
        look: null,
      })
    })
    const session = new FetchSession(this.#freeId(), privileged, usesTopicIds, cached, nowMs)
    this.#touch(session, nowMs)
    return session
  }

  #touch(session: FetchSession, nowMs: number): void {
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
    session.lastUsedMs = nowMs
    session.cachedSize = session.partitions.size
    session.evictableByAll = nowMs - session.createdMs > this.#limits.evictionMs
    session.evictableByPrivileged = session.evictableByAll || !session.privileged
  }

  /** Makes room: first by a session gone idle, else by one that counts less than the one that wants in. */
  #tryEvict(privileged: boolean, size: number, nowMs: number): boolean {
    const [idlest] = this.#sessions.values()
    if (idlest === undefined) return false
    let victim: FetchSession | null = null
    if (nowMs - idlest.lastUsedMs > this.#limits.evictionMs) victim = idlest
    else {
      for (const session of this.#sessions.values()) {
        if (!(privileged ? session.evictableByPrivileged : session.evictableByAll)) continue
        if (victim === null || counts(session.privileged, session.cachedSize, victim) < 0) victim = session
      }
      if (victim === null || counts(privileged, size, victim) < 0) return false
    }
    this.#sessions.delete(victim.id)
    this.#evictions += 1
    return true
  }

  #freeId(): number {
    for (;;) {
      const id = 1 + this.#random.below(EPOCH_MAX)
      if (!this.#sessions.has(id)) return id
    }
  }
}

function sessionless(partitions: readonly FetchedPartition[]): FetchContext {
  let looks: readonly (Look | null)[] = []
  return {
    partitions,
    isEmpty: partitions.length === 0,
    note(outcomes) {
      looks = outcomes.map(({ look }) => look)
    },
    hasGrown: watermarks => looks.some(look => look?.hasGrown(watermarks)),
    finish: outcomes => ({ errorCode: Errors.NONE, sessionId: NO_SESSION, outcomes }),
    hasNews: () => true,
    whenOvertaken: () => {},
    throttled: () => emptyAnswer(NO_SESSION),
  }
}

function incremental(session: FetchSession): FetchContext {
  const epoch = session.epoch
  const note = (outcomes: readonly PartitionOutcome[]) => {
    for (const outcome of outcomes) {
      const cached = session.cachedOf(outcome)
      if (cached) cached.look = outcome.look
    }
  }
  return {
    get partitions() {
      const wanted: FetchedPartition[] = []
      for (const cached of session.partitions.values()) if (!cached.look?.isQuiet(cached)) wanted.push(cached.wanted)
      return wanted
    },
    isEmpty: session.partitions.size === 0,
    note,
    hasGrown(watermarks) {
      for (const { look } of session.partitions.values()) if (look?.hasGrown(watermarks)) return true
      return false
    },
    finish(outcomes) {
      // Another request of the same session got in between: that one owns the cached state now.
      if (session.epoch !== epoch) return overtaken(session)
      note(outcomes)
      const kept = outcomes.filter(outcome => {
        const cached = session.cachedOf(outcome)
        return cached !== null && mustAnswer(session, cached, outcome)
      })
      return { errorCode: Errors.NONE, sessionId: session.id, outcomes: kept }
    },
    hasNews: (outcomes, watermarks) =>
      outcomes.some(outcome => {
        const cached = session.cachedOf(outcome)
        if (!cached) return false
        if (cached.logStartOffset >= 0 && outcome.logStartOffset !== cached.logStartOffset) return true
        return watermarks && outcome.highWatermark !== cached.highWatermark
      }),
    whenOvertaken(run) {
      if (session.privileged) session.overtaken = run
    },
    throttled() {
      if (session.epoch !== epoch) return overtaken(session)
      return emptyAnswer(session.id)
    },
  }
}

/** Followers send a second request on purpose; a consumer that does has lost count. */
function overtaken(session: FetchSession): FetchAnswer<never> {
  return session.privileged ? emptyAnswer(session.id) : emptyAnswer(NO_SESSION, Errors.INVALID_FETCH_SESSION_EPOCH)
}

/** Whether the answer holds this partition; remembers what it tells, and lets those with data go to the end. */
function mustAnswer(session: FetchSession, cached: CachedPartition, outcome: PartitionOutcome): boolean {
  let must = outcome.diverging || outcome.preferredReadReplica >= 0
  if (outcome.recordsBytes > 0) {
    must = true
    // Those that had nothing come first next time, so that a byte limit starves nobody.
    if (session.partitions.delete(cached.key)) session.partitions.set(cached.key, cached)
  }
  if (cached.highWatermark !== outcome.highWatermark) {
    must = true
    cached.highWatermark = outcome.highWatermark
  }
  if (cached.logStartOffset !== outcome.logStartOffset) {
    must = true
    cached.logStartOffset = outcome.logStartOffset
  }
  if (outcome.errorCode !== Errors.NONE) {
    must = true
    cached.highWatermark = -1
  }
  return must
}

function emptyAnswer(sessionId: number, errorCode: ErrorCode = Errors.NONE): FetchAnswer<never> {
  return { errorCode, sessionId, outcomes: [] }
}

/** Below 0 when (privileged, size) counts less than `other`: followers before consumers, then larger before smaller. */
function counts(privileged: boolean, size: number, other: FetchSession): number {
  if (privileged !== other.privileged) return privileged ? 1 : -1
  return size - other.cachedSize
}

/** The epoch of the request after the one with this epoch. */
export function nextEpoch(epoch: number): number {
  return epoch === EPOCH_MAX ? 1 : epoch + 1
}

function keyOf(topicId: string, topic: string, partition: number, usesTopicIds: boolean): string {
  return `${usesTopicIds ? topicId : topic}:${partition}`
}

function listPartitions(request: SessionRequest): FetchedPartition[] {
  const list: FetchedPartition[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const wanted of partitions) {
      list.push({
        topic,
        topicId,
        partition: wanted.partition,
        currentLeaderEpoch: wanted.currentLeaderEpoch,
        fetchOffset: wanted.fetchOffset,
        lastFetchedEpoch: wanted.lastFetchedEpoch,
        logStartOffset: wanted.logStartOffset,
        partitionMaxBytes: wanted.partitionMaxBytes,
      })
    }
  }
  return list
}
