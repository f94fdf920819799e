/** What DescribeQuorum tells: who votes, who follows, and how far each is. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { RaftCore } from './core/core.ts'
import type { ReplicaProgress } from './core/progress.ts'
import type { NamedAddress, ReplicaKey } from './core/replica-key.ts'

export interface ReplicaDescription {
  readonly replicaId: number
  readonly directoryId: string
  /** -1: not known in this epoch. */
  readonly logEndOffset: number
  readonly lastFetchTimestampMs: number
  readonly lastCaughtUpTimestampMs: number
}

export interface QuorumDescription {
  readonly leaderId: number
  readonly leaderEpoch: number
  /** -1: nothing of this epoch is committed yet. */
  readonly highWatermark: number
  readonly voters: readonly ReplicaDescription[]
  readonly observers: readonly ReplicaDescription[]
  /** Where the voters listen. */
  readonly nodes: readonly { readonly nodeId: number; readonly endpoints: readonly NamedAddress[] }[]
}

export interface DescriptionContext {
  readonly self: ReplicaKey
  readonly logEndOffset: number
  /** Of the quorum's clock. */
  readonly nowMs: number
  readonly wallMs: number
  readonly endpoints: readonly NamedAddress[]
}

/** Throws KafkaError NOT_LEADER_OR_FOLLOWER. */
export function describeQuorumOf(core: RaftCore, context: DescriptionContext): QuorumDescription {
  const { role, voters } = core
  if (role.kind !== 'leader') throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  const { self, wallMs, nowMs, logEndOffset, endpoints } = context
  const wallOf = (ms: number | null) => (ms === null ? -1 : Math.round(wallMs - (nowMs - ms)))
  const own: ReplicaDescription = {
    replicaId: self.id,
    // Voters by configuration are known by their ids alone.
    directoryId: voters.byId(self.id)?.key.directoryId ?? self.directoryId,
    logEndOffset,
    lastFetchTimestampMs: wallMs,
    lastCaughtUpTimestampMs: wallMs,
  }
  const describe = ({ key, endOffset, lastFetchMs, lastCaughtUpMs }: ReplicaProgress): ReplicaDescription => ({
    replicaId: key.id,
    directoryId: key.directoryId,
    logEndOffset: endOffset,
    lastFetchTimestampMs: wallOf(lastFetchMs),
    lastCaughtUpTimestampMs: wallOf(lastCaughtUpMs),
  })
  const { replicas } = role.progress
  const others = voters.othersThan(self).map(({ key }) => {
    const known = replicas.find(replica => replica.key.id === key.id && replica.key.directoryId === key.directoryId)
    return known
      ? describe(known)
      : {
          ...own,
          replicaId: key.id,
          directoryId: key.directoryId,
          logEndOffset: -1,
          lastFetchTimestampMs: -1,
          lastCaughtUpTimestampMs: -1,
        }
  })
  const observers = replicas.filter(({ key }) => !voters.has(key)).map(describe)
  const voting = voters.has(self)
  return {
    leaderId: self.id,
    leaderEpoch: core.epoch,
    highWatermark: role.isElected ? core.highWatermark : -1,
    voters: [...(voting ? [own] : []), ...others].sort((a, b) => a.replicaId - b.replicaId),
    observers: voting ? observers : [own, ...observers],
    nodes: voters.all.map(voter => ({
      nodeId: voter.key.id,
      endpoints: voter.key.id === self.id && endpoints.length > 0 ? endpoints : voter.endpoints,
    })),
  }
}
