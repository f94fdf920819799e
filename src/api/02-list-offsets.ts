/**
 * ListOffsets, versions 0-11.
 *
 * - v0 answers up to as many offsets as asked for, by the age of segments; those of v1 and up are of records (KIP-79).
 * - -1 latest (high watermark; last stable offset for read_committed, v2), -2 earliest, -3 maximum timestamp (v7), -4
 *   earliest local (v8), a timestamp: the first record with that timestamp or a later one, else offset -1.
 * - -5 latest tiered (v9) and -6 earliest pending upload (v11) answer -1, as Kafka does without tiered storage.
 * - v4 fences the leader epoch and answers the epoch of the record. A partition named twice gets INVALID_REQUEST.
 * - A follower that asks gets the end of the log as the latest offset.
 * - A new leader that does not know yet how far the records of its predecessors are committed answers
 *   OFFSET_NOT_AVAILABLE (LEADER_NOT_AVAILABLE below v5, KIP-207).
 * - Left out: v10 timeoutMs, which only tiered storage needs.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { listOffsets } from '../../protocol/messages/02-list-offsets.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Isolation, Partition } from '../replication/partition.ts'
import { defineHandler } from './define.ts'
import { offsetsBefore } from './old-list-offsets.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof listOffsets>
type Wanted = Request['topics'][number]['partitions'][number]
type Answer = ResponseOf<typeof listOffsets>['topics'][number]['partitions'][number]

/** Special timestamps and the version that brought each. */
const latest = -1
const earliest = -2
const maxTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6
const sinceVersion = new Map([
  [latest, 1],
  [earliest, 1],
  [maxTimestamp, 7],
  [earliestLocal, 8],
  [latestTiered, 9],
  [earliestPendingUpload, 11],
])

const debugConsumerId = -2

export const handler = defineHandler(listOffsets, '0-11', answer, {
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(wanted => failure(wanted, error.code)),
    })),
  }),
})

async function answer(request: Request, context: RequestContext): Promise<ResponseOf<typeof listOffsets>> {
  const { replicaId } = request
  const isReplica = replicaId >= 0 || replicaId === debugConsumerId
  const isolation: Isolation = isReplica ? 'none' : request.isolationLevel === 1 ? 'committed' : 'uncommitted'
  const repeated = repeatedPartitions(request)
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map(wanted =>
        repeated.has(`${name}-${wanted.partitionIndex}`)
          ? failure(wanted, Errors.INVALID_REQUEST)
          : answerPartition(name, wanted, isolation, context),
      ),
    ),
  }))
  return { topics: await Promise.all(topics) }
}

async function answerPartition(
  topic: string,
  wanted: Wanted,
  isolation: Isolation,
  context: RequestContext,
): Promise<Answer> {
  const { partitionIndex, timestamp, currentLeaderEpoch } = wanted
  try {
    const partition = context.broker.partitions.lead(topic, partitionIndex)
    partition.fence(currentLeaderEpoch)
    if (context.version === 0) {
      const limit = isolation === 'none' ? null : partition.readLimit(isolation)
      const nowMs = context.broker.host.clock.now()
      const oldStyleOffsets = await offsetsBefore(partition, timestamp, wanted.maxNumOffsets, limit, nowMs)
      return { partitionIndex, errorCode: Errors.NONE, oldStyleOffsets }
    }
    if (timestamp < 0 && context.version < (sinceVersion.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
      throw new KafkaError(Errors.UNSUPPORTED_VERSION)
    }
    const found = await find(partition, timestamp, isolation)
    return { partitionIndex, errorCode: Errors.NONE, oldStyleOffsets: [], ...found }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const unknown = error.code === Errors.OFFSET_NOT_AVAILABLE && context.version < 5
    return failure(wanted, unknown ? Errors.LEADER_NOT_AVAILABLE : error.code)
  }
}

async function find(
  partition: Partition,
  timestamp: number,
  isolation: Isolation,
): Promise<Pick<Answer, 'timestamp' | 'offset' | 'leaderEpoch'>> {
  const { log } = partition
  switch (timestamp) {
    case latest:
      if (isolation !== 'none') partition.checkOffsetsKnown()
      return { timestamp: -1, offset: partition.readLimit(isolation), leaderEpoch: log.latestEpoch?.epoch ?? -1 }
    case earliest:
    case earliestLocal: {
      const offset = log.logStartOffset
      return { timestamp: -1, offset, leaderEpoch: log.epochs.epochForOffset(offset) ?? -1 }
    }
    case latestTiered:
    case earliestPendingUpload:
      return { timestamp: -1, offset: -1, leaderEpoch: -1 }
  }
  const found = timestamp === maxTimestamp ? await log.maxTimestamp() : await log.offsetForTimestamp(timestamp)
  if (found === null || found.offset >= partition.readLimit(isolation)) {
    if (isolation !== 'none') partition.checkOffsetsKnown()
    return { timestamp: -1, offset: -1, leaderEpoch: -1 }
  }
  return {
    timestamp: found.timestamp,
    offset: found.offset,
    leaderEpoch: log.epochs.epochForOffset(found.offset) ?? -1,
  }
}

function failure(wanted: Wanted, errorCode: number): Answer {
  const nothing = { oldStyleOffsets: [], timestamp: -1, offset: -1, leaderEpoch: -1 }
  return { partitionIndex: wanted.partitionIndex, errorCode, ...nothing }
}

function repeatedPartitions(request: Request): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`
      if (seen.has(key)) repeated.add(key)
      seen.add(key)
    }
  }
  return repeated
}
