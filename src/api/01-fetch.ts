/**
 * Fetch, versions 4-18.
 *
 * - Answers at once with enough bytes, an error, a diverging epoch or nothing to wait for; else waits for the high
 *   watermark of any of its partitions (a follower: for the end of its log), or the deadline, and reads again.
 * - A follower reads up to the end of the log, and its fetch offset says what it has on its disk: that moves the high
 *   watermark, and may bring it into the in-sync set. An unknown replica gets UNKNOWN_LEADER_EPOCH when it named an epoch,
 *   NOT_LEADER_OR_FOLLOWER otherwise. v15 the replica's broker epoch.
 * - v11: consumers may read from a follower, up to what it knows to be committed: OFFSET_NOT_AVAILABLE beyond that.
 * - Bytes are limited by the request, by `fetch.max.bytes` and per partition; the first partition with data gives at
 *   least one batch whatever the limits. Records are slices of the log: they may begin before the fetch offset.
 * - v4 isolation level, v7 fetch sessions (KIP-227), v9 leader epoch fencing (KIP-320), v10 zstd (below it a topic
 *   compressed by zstd answers UNSUPPORTED_COMPRESSION_TYPE), v12 diverging epoch (KIP-595), v13 topic ids.
 * - Left out: v14 tiered storage.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Waiter } from '../lib/watermark.ts'
import type { LentBuffer, ReadResult } from '../log/log.ts'
import type { Isolation, Partition } from '../replication/partition.ts'
import { defineHandler } from './define.ts'
import type { FetchContext, FetchedPartition, PartitionOutcome } from './fetch-sessions.ts'
import { leaderHint, nodeEndpoints } from './leader-hint.ts'
import { requestLimits } from './limits.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof fetch>
type Response = ResponseOf<typeof fetch>
type PartitionData = Response['responses'][number]['partitions'][number]

interface Outcome extends PartitionOutcome {
  readonly topic: string
  readonly topicId: string
  readonly data: PartitionData
  readonly fetchOffset: number
  /** Where this reader's view of the log ended. */
  readonly limitOffset: number
  readonly lent: LentBuffer | null
  /** What to wait for when nothing was there; null for errors. */
  readonly partition: Partition | null
}

interface Round {
  readonly outcomes: Outcome[]
  readonly bytes: number
  /** An error or a diverging epoch: answered without waiting. */
  readonly urgent: boolean
}

/** Who asks. */
interface Reader {
  readonly isolation: Isolation
  /** Below 0: no follower. */
  readonly replicaId: number
  readonly brokerEpoch: number
  /** This fetch has told already how far the follower is. */
  readonly told?: boolean
}

const debugConsumerId = -2
const nothingRead = { chunks: [], bytes: 0, abortedTransactions: null, lent: null }

export const handler = defineHandler(
  fetch,
  '4-18',
  async (request, context) => {
    const replicaId = context.version >= 15 ? request.replicaState.replicaId : request.replicaId
    const { clock } = context.broker.host
    const session = context.broker.fetchSessions.open(request, context.version, replicaId >= 0, clock.monotonic())
    const isolation = isolationOf(request, replicaId)
    const deadline = clock.monotonic() + Math.min(request.maxWaitMs, requestLimits.fetchWaitMsMax)
    const reader: Reader = { isolation, replicaId, brokerEpoch: request.replicaState.replicaEpoch }
    let round = await readRound(request, context, session, reader)
    // What a follower has is taken from its first look; later ones only see what came in meanwhile.
    const again: Reader = { ...reader, told: true }
    while (round.bytes < request.minBytes && !round.urgent && session.partitions.length > 0) {
      const remainingMs = deadline - clock.monotonic()
      if (remainingMs <= 0) break
      // A follower's next request may overtake this one.
      if (replicaId >= 0) context.release()
      if (!(await moved(round.outcomes, remainingMs, again, session, context))) break
      giveBack(round.outcomes)
      round = await readRound(request, context, session, again)
      if (replicaId >= 0) break
    }
    const { errorCode, sessionId, outcomes } = session.finish(round.outcomes)
    const read = round.outcomes
    if (read.some(({ lent }) => lent !== null)) context.whenSent(() => giveBack(read))
    return respond(errorCode, sessionId, outcomes, context)
  },
  { failed: failedAsWhole },
)

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
  request: Request,
  context: RequestContext,
  session: FetchContext,
  reader: Reader,
): Promise<Round> {
  const bytesMax = Math.min(Math.max(request.maxBytes, 0), context.broker.config.fetchMaxBytes)
  const together = await readTogether(context, session, reader, bytesMax)
  if (together !== null) return together
  const outcomes: Outcome[] = []
  let bytes = 0
  for (const wanted of session.partitions) {
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
  session: FetchContext,
  reader: Reader,
  bytesMax: number,
): Promise<Round | null> {
  const limits = session.partitions.reduce((sum, wanted) => sum + Math.max(wanted.partitionMaxBytes, 0), 0)
  if (limits > bytesMax || session.partitions.length < 2) return null
  const readings = session.partitions.map(wanted => readPartition(wanted, context, reader, bytesMax, false))
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
  return outcome.errorCode !== Errors.NONE || outcome.diverging
}

/** Its next batch is larger than its limit: only the order of the partitions can tell when it may go out all the same. */
function isHeldUp({ partition, recordsBytes, fetchOffset, limitOffset }: Outcome): boolean {
  return partition !== null && recordsBytes === 0 && fetchOffset < limitOffset
}

function readPartition(
  wanted: FetchedPartition,
  context: RequestContext,
  reader: Reader,
  bytesLeft: number,
  minOneBatch: boolean,
): Outcome | Promise<Outcome> {
  const { partitions } = context.broker
  const { isolation } = reader
  const name = context.version >= 13 ? partitions.topicName(wanted.topicId) : wanted.topic
  let partition: Partition | null = null
  try {
    if (name === null) throw new KafkaError(Errors.UNKNOWN_TOPIC_ID)
    // Consumers know how to read from a follower since version 11 (KIP-392).
    const leaderOnly = reader.replicaId >= 0 || context.version < 11
    partition = leaderOnly ? partitions.lead(name, wanted.partition) : partitions.serving(name, wanted.partition)
    partition.fenceEpoch(wanted.currentLeaderEpoch)
    checkReader(partition, wanted, context)
    const diverging = divergence(partition, wanted)
    if (!diverging) checkOffset(partition, wanted)
    if (!diverging && reader.replicaId >= 0 && !reader.told) followerFetched(partition, wanted, reader)
    if (diverging) return outcomeOf(wanted, partition, isolation, nothingRead, diverging)
    const serving = partition
    const result = partition.read(
      wanted.fetchOffset,
      Math.min(wanted.partitionMaxBytes, bytesLeft),
      isolation,
      minOneBatch,
    )
    if (!(result instanceof Promise)) {
      return outcomeOf(wanted, serving, isolation, result, null)
    }
    return result.then(
      read => outcomeOf(wanted, serving, isolation, read, null),
      error => refused(wanted, context, name, serving, error),
    )
  } catch (error) {
    return refused(wanted, context, name, partition, error)
  }
}

function checkReader(partition: Partition, wanted: FetchedPartition, context: RequestContext): void {
  if (context.version >= 13 && wanted.topicId !== partition.topicId) throw new KafkaError(Errors.INCONSISTENT_TOPIC_ID)
  if (context.version < 10 && partition.log.config.compressionType === 'zstd') {
    throw new KafkaError(Errors.UNSUPPORTED_COMPRESSION_TYPE)
  }
}

/** A follower has less to give than its leader may have promised. */
function checkOffset(partition: Partition, { fetchOffset }: FetchedPartition): void {
  const { logStartOffset, logEndOffset } = partition.log
  if (fetchOffset < logStartOffset || fetchOffset > logEndOffset) throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE)
  if (!partition.isLeader && fetchOffset > partition.highWatermark.value) {
    throw new KafkaError(Errors.OFFSET_NOT_AVAILABLE)
  }
}

function followerFetched(partition: Partition, wanted: FetchedPartition, reader: Reader): void {
  partition.followerFetched(
    {
      replicaId: reader.replicaId,
      brokerEpoch: reader.brokerEpoch,
      offset: wanted.fetchOffset,
      logStartOffset: wanted.logStartOffset,
    },
    wanted.currentLeaderEpoch >= 0,
  )
}

/** KIP-595: the fetcher's log ends in an epoch that ended earlier here. */
function divergence(partition: Partition, wanted: FetchedPartition): { epoch: number; endOffset: number } | null {
  if (wanted.lastFetchedEpoch < 0) return null
  const end = partition.log.endOffsetForEpoch(wanted.lastFetchedEpoch)
  if (end === null || wanted.fetchOffset < partition.log.logStartOffset)
    throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE)
  if (end.epoch < wanted.lastFetchedEpoch || end.endOffset < wanted.fetchOffset) return end
  return null
}

function outcomeOf(
  wanted: FetchedPartition,
  partition: Partition,
  isolation: Isolation,
  { chunks, bytes, abortedTransactions, lent }: Pick<ReadResult, 'chunks' | 'bytes' | 'abortedTransactions' | 'lent'>,
  diverging: { epoch: number; endOffset: number } | null,
): Outcome {
  const highWatermark = partition.highWatermark.value
  const logStartOffset = partition.log.logStartOffset
  const data: PartitionData = {
    partitionIndex: wanted.partition,
    errorCode: Errors.NONE,
    highWatermark,
    lastStableOffset: partition.readLimit('committed'),
    logStartOffset,
    abortedTransactions: isolation === 'committed' ? (abortedTransactions ?? []) : null,
    records: chunks,
  }
  if (diverging) data.divergingEpoch = diverging
  return {
    topic: wanted.topic,
    topicId: wanted.topicId,
    errorCode: Errors.NONE,
    recordsBytes: bytes,
    highWatermark,
    logStartOffset,
    diverging: diverging !== null,
    preferredReadReplica: -1,
    data,
    lent,
    fetchOffset: wanted.fetchOffset,
    limitOffset: diverging ? -1 : partition.readLimit(isolation),
    partition,
  }
}

function refused(
  wanted: FetchedPartition,
  context: RequestContext,
  topic: string | null,
  partition: Partition | null,
  error: unknown,
): Outcome {
  if (!(error instanceof KafkaError)) throw error
  const outOfRange = error.code === Errors.OFFSET_OUT_OF_RANGE && partition !== null
  const highWatermark = outOfRange ? partition.highWatermark.value : -1
  const logStartOffset = outOfRange ? partition.log.logStartOffset : -1
  const data: PartitionData = {
    partitionIndex: wanted.partition,
    errorCode: error.code,
    highWatermark,
    lastStableOffset: -1,
    logStartOffset,
    abortedTransactions: null,
    records: [],
  }
  const leaderMoved: readonly ErrorCode[] = [Errors.NOT_LEADER_OR_FOLLOWER, Errors.FENCED_LEADER_EPOCH]
  if (topic !== null && leaderMoved.includes(error.code))
    data.currentLeader = leaderHint(context, topic, wanted.partition)
  return {
    topic: wanted.topic,
    topicId: wanted.topicId,
    errorCode: error.code,
    recordsBytes: 0,
    highWatermark,
    logStartOffset,
    diverging: false,
    preferredReadReplica: -1,
    data,
    lent: null,
    fetchOffset: wanted.fetchOffset,
    limitOffset: -1,
    partition: null,
  }
}

/** Resolves true when there may be more to read, or another answer; false at the deadline. */
function moved(
  outcomes: readonly Outcome[],
  remainingMs: number,
  { replicaId }: Reader,
  session: FetchContext,
  context: RequestContext,
): Promise<boolean> {
  const { clock } = context.broker.host
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
    const cancel = clock.after(remainingMs, () => settle(false))
    session.whenOvertaken(() => settle(false))
    waiters.push(context.broker.closing.reached(1, () => settle(false)))
    // What all producers of one turn wrote goes to a follower together.
    const wakeFollower = () => clock.soon(() => settle(true))
    for (const { partition, data, limitOffset } of outcomes) {
      if (!partition) continue
      // Waits from what this round saw: what came in between wakes at once.
      if (replicaId >= 0) waiters.push(partition.log.end.reached(limitOffset + 1, wakeFollower))
      else waiters.push(partition.highWatermark.reached(data.highWatermark + 1, () => settle(true)))
      if (settled) break
    }
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
