/** Requests of this node to other members, and their answers, between the core's terms and the wire's. */
import { Errors } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { vote } from '../../protocol/messages/52-vote.ts'
import { beginQuorumEpoch } from '../../protocol/messages/53-begin-quorum-epoch.ts'
import { endQuorumEpoch } from '../../protocol/messages/54-end-quorum-epoch.ts'
import { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import { addRaftVoter } from '../../protocol/messages/80-add-raft-voter.ts'
import { removeRaftVoter } from '../../protocol/messages/81-remove-raft-voter.ts'
import { updateRaftVoter } from '../../protocol/messages/82-update-raft-voter.ts'
import { metadataTopic, metadataTopicId } from '../metadata/internal-topics.ts'
import type { Peers } from '../network/peers.ts'
import type { Send } from './core/effects.ts'
import type { Answered, Asked, Told } from './core/messages.ts'
import type { NodeAddress } from './core/replica-key.ts'

/** How requests leave this node. */
export type RaftSend = Pick<Peers, 'request'>

export interface OutOptions {
  readonly clusterId: string
  readonly fetchBytesMax: number
  readonly snapshotBytesMax: number
}

const lane = 'raft'
/** A fetch may wait at the leader: what is urgent goes beside it. */
const fetchLane = 'raft-fetch'

type Body<K extends Asked['kind']> = Extract<Asked, { kind: K }>

interface Partition {
  readonly errorCode: number
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** Sends, and resolves with the answer. Rejects with what `peers` rejects with. */
export function sendOut(peers: RaftSend, send: Send, options: OutOptions): Promise<Answered> {
  const { body } = send
  switch (body.kind) {
    case 'vote':
      return sendVote(peers, send, body, options)
    case 'beginEpoch':
      return sendBegin(peers, send, body, options)
    case 'endEpoch':
      return sendEnd(peers, send, body, options)
    case 'fetch':
      return sendFetch(peers, send, body, options)
    case 'fetchSnapshot':
      return sendFetchSnapshot(peers, send, body, options)
    case 'apiVersions':
      return sendApiVersions(peers, send)
    case 'addVoter':
    case 'removeVoter':
      return sendChange(peers, send, body, options)
    case 'updateVoter':
      return sendUpdate(peers, send, body, options)
  }
}

async function sendVote(peers: RaftSend, send: Send, body: Body<'vote'>, { clusterId }: OutOptions): Promise<Answered> {
  const { candidate, voter, epoch, lastEpoch, lastOffset, preVote } = body
  const partition = {
    partitionIndex: 0,
    replicaEpoch: epoch,
    replicaId: candidate.id,
    replicaDirectoryId: candidate.directoryId,
    voterDirectoryId: voter.directoryId,
    lastOffsetEpoch: lastEpoch,
    lastOffset,
    preVote,
  }
  const response = await peers.request(
    send.to,
    vote,
    { clusterId, voterId: voter.id, topics: [{ topicName: metadataTopic, partitions: [partition] }] },
    // Before version 2 everybody would take a pre-vote for a vote.
    { lane, timeoutMs: send.timeoutMs, minVersion: preVote ? 2 : 0 },
  )
  const answer = response.topics[0]?.partitions[0]
  return { kind: 'vote', ...told(response, answer), granted: answer?.voteGranted ?? false }
}

async function sendBegin(
  peers: RaftSend,
  send: Send,
  { leaderId, epoch, voter, leaderEndpoints }: Body<'beginEpoch'>,
  { clusterId }: OutOptions,
): Promise<Answered> {
  const partition = { partitionIndex: 0, voterDirectoryId: voter.directoryId, leaderId, leaderEpoch: epoch }
  const topics = [{ topicName: metadataTopic, partitions: [partition] }]
  const request = { clusterId, voterId: voter.id, topics, leaderEndpoints: [...leaderEndpoints] }
  const response = await peers.request(send.to, beginQuorumEpoch, request, { lane, timeoutMs: send.timeoutMs })
  return { kind: 'beginEpoch', ...told(response, response.topics[0]?.partitions[0]) }
}

async function sendEnd(
  peers: RaftSend,
  send: Send,
  { leaderId, epoch, preferred, leaderEndpoints }: Body<'endEpoch'>,
  { clusterId }: OutOptions,
): Promise<Answered> {
  const partition = {
    partitionIndex: 0,
    leaderId,
    leaderEpoch: epoch,
    preferredSuccessors: preferred.map(({ id }) => id),
    preferredCandidates: preferred.map(({ id, directoryId }) => ({
      candidateId: id,
      candidateDirectoryId: directoryId,
    })),
  }
  const topics = [{ topicName: metadataTopic, partitions: [partition] }]
  const request = { clusterId, topics, leaderEndpoints: [...leaderEndpoints] }
  const response = await peers.request(send.to, endQuorumEpoch, request, { lane, timeoutMs: send.timeoutMs })
  return { kind: 'endEpoch', ...told(response, response.topics[0]?.partitions[0]) }
}

async function sendFetch(
  peers: RaftSend,
  send: Send,
  body: Body<'fetch'>,
  { clusterId, fetchBytesMax }: OutOptions,
): Promise<Answered> {
  const { replica, epoch, fetchOffset, lastFetchedEpoch, maxWaitMs, highWatermark } = body
  const partition = {
    partition: 0,
    currentLeaderEpoch: epoch,
    fetchOffset,
    lastFetchedEpoch,
    logStartOffset: -1,
    partitionMaxBytes: fetchBytesMax,
    replicaDirectoryId: replica.directoryId,
    highWatermark,
  }
  const response = await peers.request(
    send.to,
    fetch,
    {
      clusterId,
      replicaId: replica.id,
      replicaState: { replicaId: replica.id, replicaEpoch: -1 },
      maxWaitMs,
      minBytes: 0,
      maxBytes: fetchBytesMax,
      topics: [{ topic: metadataTopic, topicId: metadataTopicId, partitions: [partition] }],
      forgottenTopicsData: [],
    },
    { lane: fetchLane, timeoutMs: send.timeoutMs, minVersion: 12 },
  )
  const answer = response.responses[0]?.partitions[0]
  const { divergingEpoch: diverging, snapshotId: snapshot } = answer ?? {}
  const leader = answer && { errorCode: answer.errorCode, ...answer.currentLeader }
  return {
    kind: 'fetch',
    ...told(response, leader),
    highWatermark: answer?.highWatermark ?? -1,
    diverging: diverging && diverging.epoch >= 0 ? diverging : null,
    snapshot: snapshot && snapshot.epoch >= 0 ? snapshot : null,
    // What is kept must not pin the chunk it came in.
    records: answer?.records ? Buffer.from(answer.records) : Buffer.alloc(0),
  }
}

async function sendFetchSnapshot(
  peers: RaftSend,
  send: Send,
  { replica, epoch, snapshot, position }: Body<'fetchSnapshot'>,
  { clusterId, snapshotBytesMax }: OutOptions,
): Promise<Answered> {
  const partition = {
    partition: 0,
    currentLeaderEpoch: epoch,
    snapshotId: snapshot,
    position,
    replicaDirectoryId: replica.directoryId,
  }
  const topics = [{ name: metadataTopic, partitions: [partition] }]
  const request = { clusterId, replicaId: replica.id, maxBytes: snapshotBytesMax, topics }
  const response = await peers.request(send.to, fetchSnapshot, request, {
    lane: fetchLane,
    timeoutMs: send.timeoutMs,
  })
  const answer = response.topics[0]?.partitions[0]
  return {
    kind: 'fetchSnapshot',
    ...told(response, answer && { errorCode: answer.errorCode, ...answer.currentLeader }),
    snapshot: answer?.snapshotId ?? { endOffset: -1, epoch: -1 },
    sizeBytes: answer?.size ?? 0,
    position: answer?.position ?? -1,
    bytes: answer ? Buffer.from(answer.unalignedRecords) : Buffer.alloc(0),
  }
}

async function sendApiVersions(peers: RaftSend, { to, timeoutMs }: Send): Promise<Answered> {
  const request = { clientSoftwareName: 'ottla', clientSoftwareVersion: 'unknown' }
  const response = await peers.request(to, apiVersions, request, { lane, timeoutMs })
  const range = response.supportedFeatures.find(({ name }) => name === 'kraft.version')
  const kraftVersions = range ? { min: range.minVersion, max: range.maxVersion } : null
  return { kind: 'apiVersions', error: response.errorCode, kraftVersions }
}

async function sendChange(
  peers: RaftSend,
  { to, timeoutMs }: Send,
  body: Body<'addVoter'> | Body<'removeVoter'>,
  { clusterId }: OutOptions,
): Promise<Answered> {
  const { id: voterId, directoryId: voterDirectoryId } = body.voter
  if (body.kind === 'removeVoter') {
    const request = { clusterId, voterId, voterDirectoryId }
    const { errorCode } = await peers.request(to, removeRaftVoter, request, { lane: 'raft-change', timeoutMs })
    return { kind: 'removeVoter', error: errorCode }
  }
  const { endpoints, ackWhenCommitted, timeoutMs: waitMs } = body
  const request = {
    clusterId,
    timeoutMs: waitMs,
    voterId,
    voterDirectoryId,
    listeners: [...endpoints],
    ackWhenCommitted,
  }
  const { errorCode } = await peers.request(to, addRaftVoter, request, {
    lane: 'raft-change',
    timeoutMs,
    minVersion: 1,
  })
  return { kind: 'addVoter', error: errorCode }
}

async function sendUpdate(
  peers: RaftSend,
  { to, timeoutMs }: Send,
  { epoch, voter, endpoints, kraftVersions }: Body<'updateVoter'>,
  { clusterId }: OutOptions,
): Promise<Answered> {
  const request = {
    clusterId,
    currentLeaderEpoch: epoch,
    voterId: voter.id,
    voterDirectoryId: voter.directoryId,
    listeners: [...endpoints],
    kRaftVersionFeature: { minSupportedVersion: kraftVersions.min, maxSupportedVersion: kraftVersions.max },
  }
  const { errorCode, currentLeader } = await peers.request(to, updateRaftVoter, request, {
    lane: 'raft-change',
    timeoutMs,
  })
  const { leaderId, leaderEpoch, host, port } = currentLeader
  return {
    kind: 'updateVoter',
    error: errorCode,
    leaderId,
    epoch: leaderEpoch,
    leaderAddress: leaderId >= 0 && host !== '' ? { host, port } : null,
  }
}

interface WithEndpoints {
  readonly errorCode: number
  readonly nodeEndpoints: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
}

/** A failure of the whole request says nothing of epochs: the core takes it for an old answer, and asks again later. */
function told({ errorCode, nodeEndpoints }: WithEndpoints, partition: Partition | undefined): Told {
  if (errorCode !== Errors.NONE || !partition) {
    return { error: errorCode, leaderId: -1, epoch: -1, leaderAddress: null }
  }
  const { leaderId, leaderEpoch: epoch } = partition
  const endpoint = nodeEndpoints.find(({ nodeId }) => nodeId === leaderId)
  const leaderAddress: NodeAddress | null = endpoint ? { host: endpoint.host, port: endpoint.port } : null
  return { error: partition.errorCode, leaderId, epoch, leaderAddress }
}
