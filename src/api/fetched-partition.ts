/** One partition of a fetch: who may read it and from where, what a follower tells by asking, and what the answer holds. */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { fetch } from '../../protocol/messages/01-fetch.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { LentBuffer, ReadResult } from '../log/log.ts'
import type { Isolation, Partition } from '../replication/partition.ts'
import { nearestReplica, rackAwareSelector } from '../replication/read-replica.ts'
import type { FetchedPartition, Look, PartitionOutcome } from './fetch-sessions.ts'
import { brokerEndpoint, leaderHint } from './leader-hint.ts'
import { batchesSince, dataBytes } from './message-formats.ts'
import type { RequestContext } from './request.ts'

export type PartitionData = ResponseOf<typeof fetch>['responses'][number]['partitions'][number]

export interface Outcome extends PartitionOutcome {
  readonly topic: string
  readonly topicId: string
  readonly data: PartitionData
  /** The records of `data` as they were read. */
  readonly chunks: readonly Buffer[]
  readonly fetchOffset: number
  /** Where this reader's view of the log ended. */
  readonly limitOffset: number
  readonly lent: LentBuffer | null
  /** What to wait for when nothing was there; null for errors. */
  readonly partition: Partition | null
}

/** Who asks. */
export interface Reader {
  readonly isolation: Isolation
  /** Below 0: no follower. */
  readonly replicaId: number
  readonly brokerEpoch: number
  /** Empty when it tells none. */
  readonly rack: string
  /** This fetch has told already how far the follower is. */
  readonly told?: boolean
}

const consumerId = -1
const nothingRead = { chunks: [], bytes: 0, abortedTransactions: null, lent: null }

/** Checks, notes how far a follower is, and reads: at once when the records are in memory. */
export function readPartition(
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
    if (diverging) return outcomeOf(wanted, partition, reader, nothingRead, diverging)
    if (reader.replicaId >= 0 && partitions.throttles.holdsBack('leader', partition, reader.replicaId)) {
      return outcomeOf(wanted, partition, reader, nothingRead, null)
    }
    const elsewhere = preferredReplica(partition, wanted, reader, context)
    if (elsewhere >= 0) return sentOn(outcomeOf(wanted, partition, reader, nothingRead, null), elsewhere)
    const serving = partition
    const result = partition.read(
      wanted.fetchOffset,
      Math.min(wanted.partitionMaxBytes, bytesLeft),
      isolation,
      minOneBatch,
    )
    const taken = (read: ReadResult) => {
      if (reader.replicaId >= 0) partitions.throttles.record('leader', serving, read.bytes)
      const answered = context.version < batchesSince ? { ...read, bytes: dataBytes(read.chunks) } : read
      return outcomeOf(wanted, serving, reader, answered, null)
    }
    if (!(result instanceof Promise)) return taken(result)
    return result.then(taken, error => refused(wanted, context, name, serving, error))
  } catch (error) {
    return refused(wanted, context, name, partition, error)
  }
}

/** Where a consumer should read instead; -1 for here. Only leaders know how far the others are. */
function preferredReplica(partition: Partition, wanted: FetchedPartition, reader: Reader, context: RequestContext) {
  const { config, metadata } = context.broker
  const isConsumer = reader.replicaId === consumerId && reader.rack !== '' && partition.isLeader
  if (!isConsumer || config.replicaSelectorClass !== rackAwareSelector) return -1
  const { nodeId } = context.broker
  const chosen = nearestReplica(partition, wanted.fetchOffset, reader.rack, id =>
    brokerEndpoint(context, id) ? (metadata.brokers.get(id)?.rack ?? null) : null,
  )
  return chosen === nodeId ? -1 : chosen
}

function sentOn(outcome: Outcome, replicaId: number): Outcome {
  const data = { ...outcome.data, preferredReadReplica: replicaId }
  return { ...outcome, data, preferredReadReplica: replicaId, limitOffset: -1 }
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

class FollowerLook implements Look {
  readonly #partition: Partition
  readonly #replicaId: number
  readonly #fetchOffset: number
  readonly #endOffset: number
  readonly #highWatermark: number
  readonly #logStartOffset: number
  readonly #leaderEpoch: number

  constructor(partition: Partition, replicaId: number, fetchOffset: number) {
    this.#partition = partition
    this.#replicaId = replicaId
    this.#fetchOffset = fetchOffset
    this.#endOffset = partition.log.logEndOffset
    this.#highWatermark = partition.highWatermark.value
    this.#logStartOffset = partition.log.logStartOffset
    this.#leaderEpoch = partition.leaderEpoch
  }

  hasGrown(watermarks: boolean): boolean {
    const { log, isLeader, leaderEpoch, highWatermark } = this.#partition
    if (log.logEndOffset !== this.#endOffset || log.logStartOffset !== this.#logStartOffset) return true
    if (!isLeader || leaderEpoch !== this.#leaderEpoch || log.failure !== null) return true
    return watermarks && highWatermark.value !== this.#highWatermark
  }

  isQuiet(told: { readonly highWatermark: number; readonly logStartOffset: number }): boolean {
    const { log, highWatermark, leadership } = this.#partition
    // Each fetch of a replica that is not in sync may be the one with which it joins.
    if (!leadership?.isr.includes(this.#replicaId)) return false
    if (this.hasGrown(false) || this.#fetchOffset < this.#endOffset) return false
    return highWatermark.value === told.highWatermark && log.logStartOffset === told.logStartOffset
  }
}

function outcomeOf(
  wanted: FetchedPartition,
  partition: Partition,
  { isolation, replicaId }: Reader,
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
    wanted,
    look: replicaId >= 0 && !diverging ? new FollowerLook(partition, replicaId, wanted.fetchOffset) : null,
    topic: wanted.topic,
    topicId: wanted.topicId,
    errorCode: Errors.NONE,
    recordsBytes: bytes,
    chunks,
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
    wanted,
    look: null,
    data,
    chunks: [],
    lent: null,
    fetchOffset: wanted.fetchOffset,
    limitOffset: -1,
    partition: null,
  }
}
