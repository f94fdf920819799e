/** What the members of a quorum say to each other, without the wrapping of the wire. */
import type { ErrorCode } from '../../../protocol/errors.ts'
import type { OffsetAndEpoch } from './log-view.ts'
import type { NamedAddress, NodeAddress, ReplicaKey } from './replica-key.ts'
import type { VersionRange } from './voter-set.ts'

export interface VoteRequest {
  readonly candidate: ReplicaKey
  /** Of a pre-vote: the epoch that the candidate is in. Of a vote: the one it wants to lead. */
  readonly epoch: number
  /** Who is asked; id -1 in old versions. */
  readonly voter: ReplicaKey
  readonly lastEpoch: number
  readonly lastOffset: number
  readonly preVote: boolean
}

export interface BeginEpochRequest {
  readonly leaderId: number
  readonly epoch: number
  readonly voter: ReplicaKey
  /** Empty in old versions. */
  readonly leaderEndpoints: readonly NamedAddress[]
}

export interface EndEpochRequest {
  readonly leaderId: number
  readonly epoch: number
  /** Who should stand for election, the first at once; without directories in old versions. */
  readonly preferred: readonly ReplicaKey[]
  readonly leaderEndpoints: readonly NamedAddress[]
}

export interface FetchRequest {
  readonly replica: ReplicaKey
  readonly epoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  readonly maxWaitMs: number
}

export interface FetchSnapshotRequest {
  readonly replica: ReplicaKey
  readonly epoch: number
  readonly snapshot: OffsetAndEpoch
  readonly position: number
}

export interface AddVoterRequest {
  readonly voter: ReplicaKey
  readonly endpoints: readonly NamedAddress[]
  readonly ackWhenCommitted: boolean
  readonly timeoutMs: number
}

export interface UpdateVoterRequest {
  readonly epoch: number
  readonly voter: ReplicaKey
  readonly endpoints: readonly NamedAddress[]
  readonly kraftVersions: VersionRange
}

/** In every answer: what the sender knows of the leader. */
export interface Told {
  readonly error: number
  /** -1: nobody. */
  readonly leaderId: number
  readonly epoch: number
  /** Where the leader is; null when the sender doesn't know, or doesn't tell in this version. */
  readonly leaderAddress: NodeAddress | null
}

export interface VoteAnswer extends Told {
  readonly granted: boolean
}

export interface FetchAnswer extends Told {
  readonly highWatermark: number
  readonly diverging: OffsetAndEpoch | null
  readonly snapshot: OffsetAndEpoch | null
  readonly records: Buffer
}

export interface SnapshotAnswer extends Told {
  readonly snapshot: OffsetAndEpoch
  readonly sizeBytes: number
  readonly position: number
  readonly bytes: Buffer
}

/** What a leader says to a fetch before it looks for records. */
export type FetchVerdict =
  | { readonly kind: 'error'; readonly error: ErrorCode }
  | { readonly kind: 'diverging'; readonly at: OffsetAndEpoch }
  | { readonly kind: 'snapshot'; readonly id: OffsetAndEpoch }
  | { readonly kind: 'read' }

export interface ChangeOutcome {
  readonly error: ErrorCode
  readonly message: string | null
}

/** A request to another member; `kind` names the API. */
export type Asked =
  | ({ readonly kind: 'vote' } & VoteRequest)
  | ({ readonly kind: 'beginEpoch' } & BeginEpochRequest)
  | ({ readonly kind: 'endEpoch' } & EndEpochRequest)
  | ({ readonly kind: 'fetch' } & FetchRequest & { readonly highWatermark: number })
  | ({ readonly kind: 'fetchSnapshot' } & FetchSnapshotRequest)
  | ({ readonly kind: 'addVoter' } & AddVoterRequest)
  | { readonly kind: 'removeVoter'; readonly voter: ReplicaKey }
  | ({ readonly kind: 'updateVoter' } & UpdateVoterRequest)
  | { readonly kind: 'apiVersions' }

export type Silence = 'unreachable' | 'refused' | 'version'

export type Answered =
  | ({ readonly kind: 'vote' } & VoteAnswer)
  | ({ readonly kind: 'beginEpoch' | 'endEpoch' | 'updateVoter' } & Told)
  | ({ readonly kind: 'fetch' } & FetchAnswer)
  | ({ readonly kind: 'fetchSnapshot' } & SnapshotAnswer)
  | { readonly kind: 'addVoter'; readonly error: number }
  | { readonly kind: 'removeVoter'; readonly error: number }
  | { readonly kind: 'apiVersions'; readonly error: number; readonly kraftVersions: VersionRange | null }
  /** No answer. `version`: it does not serve a version that will do. `refused`: its machine says that nobody listens. */
  | { readonly kind: 'none'; readonly reason: Silence }
