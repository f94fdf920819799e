/** Requests of other members to this node, and its answers, between the wire's terms and the core's. */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import type { fetch } from '../../protocol/messages/01-fetch.ts'
import type { vote } from '../../protocol/messages/52-vote.ts'
import type { beginQuorumEpoch } from '../../protocol/messages/53-begin-quorum-epoch.ts'
import type { endQuorumEpoch } from '../../protocol/messages/54-end-quorum-epoch.ts'
import type { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { metadataTopic, metadataTopicId } from '../metadata/internal-topics.ts'
import type { FetchRequest, FetchVerdict } from './core/messages.ts'
import { type NodeAddress, noDirectory } from './core/replica-key.ts'

/** What every answer tells. */
export interface Leader {
  readonly leaderId: number
  readonly epoch: number
  readonly address: NodeAddress | null
}

/** Why a request is refused as a whole; null when it isn't. */
export function refusal(
  clusterId: string,
  request: { readonly clusterId: string | null },
  partitions: readonly { readonly topic: string; readonly index: number }[],
): ErrorCode | null {
  if (request.clusterId !== null && request.clusterId !== clusterId) return Errors.INCONSISTENT_CLUSTER_ID
  const [only] = partitions
  const isMetadata = partitions.length === 1 && only.topic === metadataTopic && only.index === 0
  return isMetadata ? null : Errors.INVALID_REQUEST
}

export function namesOf(
  topics: readonly {
    readonly topicName: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[],
): { topic: string; index: number }[] {
  return topics.flatMap(({ topicName: topic, partitions }) =>
    partitions.map(({ partitionIndex: index }) => ({ topic, index })),
  )
}

function endpointsOf({ leaderId, address }: Leader) {
  return address && leaderId >= 0 ? [{ nodeId: leaderId, ...address }] : []
}

export function voteAnswer(
  { error, granted }: { readonly error: ErrorCode; readonly granted: boolean },
  leader: Leader,
): ResponseOf<typeof vote> {
  const { leaderId, epoch: leaderEpoch } = leader
  const partition = { partitionIndex: 0, errorCode: error, leaderId, leaderEpoch, voteGranted: granted }
  return {
    errorCode: Errors.NONE,
    topics: [{ topicName: metadataTopic, partitions: [partition] }],
    nodeEndpoints: endpointsOf(leader),
  }
}

/** Of BeginQuorumEpoch and EndQuorumEpoch, which are alike. */
export function epochAnswer(
  error: ErrorCode,
  leader: Leader,
): ResponseOf<typeof beginQuorumEpoch> & ResponseOf<typeof endQuorumEpoch> {
  const { leaderId, epoch: leaderEpoch } = leader
  return {
    errorCode: Errors.NONE,
    topics: [
      { topicName: metadataTopic, partitions: [{ partitionIndex: 0, errorCode: error, leaderId, leaderEpoch }] },
    ],
    nodeEndpoints: endpointsOf(leader),
  }
}

export interface IncomingFetch extends FetchRequest {
  readonly bytesMax: number
  /** As the replica knows it; beyond everything when it doesn't say. */
  readonly highWatermark: number
}

/** Null when it asks for anything but the metadata log. */
export function incomingFetch(request: RequestOf<typeof fetch>): IncomingFetch | null {
  const [topic] = request.topics
  const partition = topic?.partitions[0]
  const isMetadata = topic && (topic.topic === metadataTopic || topic.topicId === metadataTopicId)
  if (!isMetadata || request.topics.length !== 1 || topic.partitions.length !== 1 || partition.partition !== 0) {
    return null
  }
  const id = request.replicaState.replicaId >= 0 ? request.replicaState.replicaId : request.replicaId
  return {
    replica: { id, directoryId: partition.replicaDirectoryId || noDirectory },
    epoch: partition.currentLeaderEpoch,
    fetchOffset: partition.fetchOffset,
    lastFetchedEpoch: partition.lastFetchedEpoch,
    maxWaitMs: request.maxWaitMs,
    bytesMax: Math.min(request.maxBytes, partition.partitionMaxBytes),
    highWatermark: partition.highWatermark,
  }
}

export function fetchAnswer(
  verdict: FetchVerdict,
  leader: Leader,
  log: { readonly highWatermark: number; readonly logStartOffset: number; readonly records: readonly Buffer[] },
): ResponseOf<typeof fetch> {
  const { leaderId, epoch: leaderEpoch } = leader
  const isError = verdict.kind === 'error'
  const partition = {
    partitionIndex: 0,
    errorCode: isError ? verdict.error : Errors.NONE,
    highWatermark: isError ? -1 : log.highWatermark,
    lastStableOffset: isError ? -1 : log.highWatermark,
    logStartOffset: log.logStartOffset,
    currentLeader: { leaderId, leaderEpoch },
    ...(verdict.kind === 'diverging' ? { divergingEpoch: verdict.at } : {}),
    ...(verdict.kind === 'snapshot' ? { snapshotId: verdict.id } : {}),
    abortedTransactions: null,
    records: [...log.records],
  }
  const nodeEndpoints = endpointsOf(leader).map(endpoint => ({ ...endpoint, rack: null }))
  return {
    errorCode: Errors.NONE,
    responses: [{ topic: metadataTopic, topicId: metadataTopicId, partitions: [partition] }],
    nodeEndpoints,
  }
}

export function snapshotAnswer(
  error: ErrorCode,
  asked: { readonly snapshotId: { readonly endOffset: number; readonly epoch: number }; readonly position: number },
  leader: Leader,
  piece: { readonly sizeBytes: number; readonly bytes: Buffer } | null,
): ResponseOf<typeof fetchSnapshot> {
  const { leaderId, epoch: leaderEpoch } = leader
  const partition = {
    index: 0,
    errorCode: error,
    snapshotId: asked.snapshotId,
    currentLeader: { leaderId, leaderEpoch },
    size: piece?.sizeBytes ?? 0,
    position: asked.position,
    unalignedRecords: piece?.bytes ?? Buffer.alloc(0),
  }
  return {
    errorCode: Errors.NONE,
    topics: [{ name: metadataTopic, partitions: [partition] }],
    nodeEndpoints: endpointsOf(leader),
  }
}
