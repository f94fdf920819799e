/**
 * Fetch, versions 0-18.
 *
 * - Answers at once with enough bytes, an error, a diverging epoch or nothing to wait for; else waits for the high
 *   watermark of any of its partitions (a follower: for the end of its log), or the deadline, and reads again.
 * - A follower reads up to the end of the log, and its fetch offset says what it has on its disk: that moves the high
 *   watermark, and may bring it into the in-sync set. An unknown replica gets UNKNOWN_LEADER_EPOCH when it named an epoch,
 *   NOT_LEADER_OR_FOLLOWER otherwise. v15 the replica's broker epoch.
 * - v11 (KIP-392): consumers may read from a follower, up to what it knows to be committed: OFFSET_NOT_AVAILABLE beyond
 *   that. With a rack-aware `replica.selector.class` the leader sends a consumer to a replica in its rack, and tells followers
 *   of a new high watermark at once.
 * - Bytes are limited by the request, by `fetch.max.bytes` and per partition; the first partition with data gives at
 *   least one batch whatever the limits. Records are slices of the log: they may begin before the fetch offset.
 * - v0-3 get messages of magic 0 (v0-1) or 1: headers and control batches left out, zstd UNSUPPORTED_COMPRESSION_TYPE. v0-2
 *   know only limits of partitions, and get the beginning of a message that is larger.
 * - v4 isolation level, v7 fetch sessions (KIP-227), v9 leader epoch fencing (KIP-320), v10 zstd (below it a topic
 *   compressed by zstd answers UNSUPPORTED_COMPRESSION_TYPE), v12 diverging epoch (KIP-595), v13 topic ids.
 * - On the listeners of controllers: the metadata log, as a quorum replicates it (KIP-595). v12 and up.
 * - A consumer over its `consumer_byte_rate` or `request_percentage` is answered without records and told to wait.
 * - Left out: v14 tiered storage.
 */
import { type ErrorCode, Errors, type KafkaError } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Waiter } from '../lib/watermark.ts'
import type { Isolation } from '../replication/partition.ts'
import { defineHandler } from './define.ts'
import type { FetchContext, FetchedPartition } from './fetch-sessions.ts'
import { type Outcome, type PartitionData, type Reader, readPartition } from './fetched-partition.ts'
import { nodeEndpoints } from './leader-hint.ts'
import { requestLimits } from './limits.ts'
import { batchesSince } from './message-formats.ts'
import { downConverted } from './old-fetch.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof fetch>
type Response = ResponseOf<typeof fetch>

interface Round {
  readonly outcomes: Outcome[]
  readonly bytes: number
  /** An error or a diverging epoch: answered without waiting. */
  readonly urgent: boolean
}

const debugConsumerId = -2

export const handler = defineHandler(
  fetch,
  '0-18',
  async (request, context) => {
    if (context.peer.listener.kind === 'controller') {
      // A member's next request may overtake a fetch that waits.
      context.release()
      return context.broker.quorum.requests.fetch(request)
    }
    const replicaId = context.version >= 15 ? request.replicaState.replicaId : request.replicaId
    const { clock } = context.broker.host
    const session = context.broker.fetchSessions.open(request, context.version, replicaId >= 0, clock.monotonic())
    const isolation = isolationOf(request, replicaId)
    const deadline = clock.monotonic() + Math.min(request.maxWaitMs, requestLimits.fetchWaitMsMax)
    const reader: Reader = {
      isolation,
      replicaId,
      brokerEpoch: request.replicaState.replicaEpoch,
      rack: context.version >= 11 ? request.rackId : '',
    }
    if (replicaId >= 0) return fetchAsFollower(request, context, session, reader, deadline)
    const bytesMax = bytesMaxOf(request, context)
    const minBytes = Math.min(request.minBytes, bytesMax)
    let round = await readRound(bytesMax, context, session, reader)
    while (round.bytes < minBytes && !round.urgent && !session.isEmpty) {
      const remainingMs = deadline - clock.monotonic()
      if (remainingMs <= 0) break
      if (!(await moved(round.outcomes, remainingMs, context))) break
      giveBack(round.outcomes)
      round = await readRound(bytesMax, context, session, reader)
    }
    if (isThrottled(round, context)) {
      giveBack(round.outcomes)
      const { errorCode, sessionId } = session.throttled()
      return { errorCode, sessionId, responses: [] }
    }
    if (context.version >= batchesSince) return conclude(session, round.outcomes, context)
    return conclude(session, await downConverted(round.outcomes, request, reader, context), context)
  },
  { failed: failedAsWhole, listeners: ['broker', 'controller'] },
)

/**
 * A follower may follow thousands of partitions of which a few have something new: only those are read, and its next request
 * may overtake this one.
 */
async function fetchAsFollower(
  request: Request,
  context: RequestContext,
  session: FetchContext,
  reader: Reader,
  deadline: number,
): Promise<Response> {
  const { host, config } = context.broker
  const bytesMax = Math.min(Math.max(request.maxBytes, 0), config.fetchMaxBytes)
  context.exempt()
  // Consumers that read from followers should not have to wait for the end of those followers' fetches.
  const watermarks = config.replicaSelectorClass !== null
  const latest = new Map<FetchedPartition, Outcome>()
  // What a follower has is taken from its first look; later ones only see what came in meanwhile.
  for (let now = reader; ; now = { ...reader, told: true }) {
    const round = await readRound(bytesMax, context, session, now)
    for (const outcome of round.outcomes) {
      latest.get(outcome.wanted)?.lent?.giveBack()
      latest.set(outcome.wanted, outcome)
    }
    session.note(round.outcomes)
    if (round.bytes >= request.minBytes || round.urgent || session.isEmpty) break
    if (session.hasNews(round.outcomes, watermarks)) break
    const remainingMs = deadline - host.clock.monotonic()
    if (remainingMs <= 0) break
    context.release()
    if (!(await grown(session, watermarks, remainingMs, context))) break
  }
  return conclude(session, [...latest.values()], context)
}

/** Records that a client over its quota does not get are not counted; it asks for them again. */
function isThrottled({ bytes }: Round, context: RequestContext): boolean {
  const { quotas, host } = context.broker
  if (!quotas.fetch.isOn) return context.chargeTime() > 0
  const { user, clientId } = context
  const nowMs = host.clock.monotonic()
  const throttleMs = quotas.fetch.charge(user, clientId, bytes, nowMs)
  context.throttle(throttleMs)
  if (Math.max(throttleMs, context.chargeTime()) === 0) return false
  quotas.fetch.giveBack(user, clientId, bytes, nowMs)
  return true
}

/** Nobody is given more at once than its quota allows within a window. */
function bytesMaxOf({ maxBytes }: Request, context: RequestContext): number {
  const { quotas, host, config } = context.broker
  const asked = Math.min(Math.max(maxBytes, 0), config.fetchMaxBytes)
  if (!quotas.fetch.isOn) return asked
  return Math.min(asked, quotas.fetch.windowMax(context.user, context.clientId, host.clock.monotonic()))
}

function conclude(session: FetchContext, read: readonly Outcome[], context: RequestContext): Response {
  const { errorCode, sessionId, outcomes } = session.finish(read)
  if (read.some(({ lent }) => lent !== null)) context.whenSent(() => giveBack(read))
  return respond(errorCode, sessionId, outcomes, context)
}

/** Versions below 7 know neither sessions nor an error of the whole answer. */
function failedAsWhole(request: Request, { code }: KafkaError, { version }: RequestContext): Response {
  const topics = version < 7 ? request.topics : []
  const responses = topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }) => ({
      partitionIndex: partition,
      errorCode: code,
      highWatermark: -1,
      abortedTransactions: null,
      records: null,
    })),
  }))
  return { errorCode: code, sessionId: 0, responses }
}

function giveBack(outcomes: readonly Outcome[]): void {
  for (const { lent } of outcomes) lent?.giveBack()
}

function isolationOf(request: Request, replicaId: number): Isolation {
  if (replicaId >= 0 || replicaId === debugConsumerId) return 'none'
  return request.isolationLevel === 1 ? 'committed' : 'uncommitted'
}

async function readRound(
  bytesMax: number,
  context: RequestContext,
  session: FetchContext,
  reader: Reader,
): Promise<Round> {
  const { partitions } = session
  const together = await readTogether(context, partitions, reader, bytesMax)
  if (together !== null) return together
  const outcomes: Outcome[] = []
  let bytes = 0
  for (const wanted of partitions) {
    const reading = readPartition(wanted, context, reader, Math.max(bytesMax - bytes, 0), bytes === 0)
    const outcome = reading instanceof Promise ? await reading : reading
    bytes += outcome.recordsBytes
    outcomes.push(outcome)
  }
  return { outcomes, bytes, urgent: outcomes.some(isUrgent) }
}

/**
 * Reads all partitions at the same time, so that the disk and the page cache are asked in parallel. Null where the order
 * matters: when the limits of the partitions together exceed that of the request, or when a batch is larger than the limit of
 * its partition and goes out as the first one or not at all.
 */
async function readTogether(
  context: RequestContext,
  partitions: readonly FetchedPartition[],
  reader: Reader,
  bytesMax: number,
): Promise<Round | null> {
  const limits = partitions.reduce((sum, wanted) => sum + Math.max(wanted.partitionMaxBytes, 0), 0)
  if (limits > bytesMax || partitions.length < 2) return null
  const readings = partitions.map(wanted => readPartition(wanted, context, reader, bytesMax, false))
  const outcomes = readings.some(reading => reading instanceof Promise)
    ? await Promise.all(readings)
    : (readings as Outcome[])
  const bytes = outcomes.reduce((sum, outcome) => sum + outcome.recordsBytes, 0)
  if (outcomes.some(isHeldUp)) {
    giveBack(outcomes)
    return null
  }
  return { outcomes, bytes, urgent: outcomes.some(isUrgent) }
}

function isUrgent(outcome: Outcome): boolean {
  return outcome.errorCode !== Errors.NONE || outcome.diverging || outcome.preferredReadReplica >= 0
}

/** Its next batch is larger than its limit: only the order of the partitions can tell when it may go out all the same. */
function isHeldUp({ partition, recordsBytes, fetchOffset, limitOffset }: Outcome): boolean {
  return partition !== null && recordsBytes === 0 && fetchOffset < limitOffset
}

/** Resolves true when a high watermark moved on (or failed), false at the deadline. */
function moved(outcomes: readonly Outcome[], remainingMs: number, context: RequestContext): Promise<boolean> {
  return new Promise(resolve => {
    const waiters: Waiter[] = []
    let settled = false
    const settle = (result: boolean) => {
      if (settled) return
      settled = true
      cancel()
      for (const waiter of waiters) waiter.cancel()
      resolve(result)
    }
    const cancel = context.broker.host.clock.after(remainingMs, () => settle(false))
    waiters.push(context.broker.closing.reached(1, () => settle(false)))
    for (const { partition, data } of outcomes) {
      if (!partition) continue
      // Waits from what this round saw: what came in between wakes at once.
      waiters.push(partition.highWatermark.reached(data.highWatermark + 1, () => settle(true)))
      if (settled) break
    }
  })
}

/** Resolves true when a follower has something to read or to hear, false at the deadline or when it was overtaken. */
function grown(session: FetchContext, watermarks: boolean, remainingMs: number, context: RequestContext) {
  const { host, partitions, closing } = context.broker
  return new Promise<boolean>(resolve => {
    let looking = false
    const settle = (result: boolean) => {
      cancel()
      stop()
      waiter.cancel()
      resolve(result)
    }
    const look = () => {
      looking = false
      if (session.hasGrown(watermarks)) settle(true)
    }
    // What all producers of one turn wrote goes to a follower together.
    const soon = () => {
      if (!looking) host.clock.soon(look)
      looking = true
    }
    const stop = partitions.whenGrown(soon)
    const cancel = host.clock.after(remainingMs, () => settle(false))
    const waiter = closing.reached(1, () => host.clock.soon(() => settle(false)))
    session.whenOvertaken(() => settle(false))
    // What came in since the partitions were read.
    soon()
  })
}

function respond(
  errorCode: ErrorCode,
  sessionId: number,
  outcomes: readonly Outcome[],
  context: RequestContext,
): Response {
  const responses: { topic: string; topicId: string; partitions: PartitionData[] }[] = []
  const leaders: number[] = []
  for (const { topic, topicId, data } of outcomes) {
    const last = responses.at(-1)
    if (last && last.topic === topic && last.topicId === topicId) last.partitions.push(data)
    else responses.push({ topic, topicId, partitions: [data] })
    if (data.currentLeader?.leaderId !== undefined) leaders.push(data.currentLeader.leaderId)
  }
  const response: Response = { errorCode, sessionId, responses }
  if (context.version >= 16 && leaders.length > 0) response.nodeEndpoints = nodeEndpoints(context, leaders)
  return response
}
