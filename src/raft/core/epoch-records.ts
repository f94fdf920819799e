/** The control records that a leader writes about the quorum itself. */
import { encodeMessage } from '../../../protocol/compile.ts'
import { type ControlRecord, ControlType } from '../../../protocol/records/control.ts'
import type { MessageOf } from '../../../protocol/schema.ts'
import { kRaftVersionRecord, leaderChangeMessage, votersRecord } from '../../../protocol/stored/control.ts'
import type { ReplicaKey } from './replica-key.ts'
import type { VoterHistory } from './voter-history.ts'
import { type Voter, VoterSet } from './voter-set.ts'

export type StoredVoters = MessageOf<typeof votersRecord>['voters']

/** With what a leader opens its epoch: that it leads, and the voters once, when they came from outside of the log. */
export function startOfEpoch(
  self: ReplicaKey,
  history: VoterHistory,
  granting: readonly ReplicaKey[],
  logEndOffset: number,
): { records: ControlRecord[]; votersOffset: number | null } {
  const named = ({ id, directoryId }: ReplicaKey) => ({ voterId: id, voterDirectoryId: directoryId })
  // Kafka writes version 0 at every kraft.version.
  const value = encodeMessage(leaderChangeMessage, 0, {
    version: 0,
    leaderId: self.id,
    voters: history.voters.all.map(({ key }) => named(key)),
    grantingVoters: granting.map(named),
  })
  const change = { type: ControlType.LEADER_CHANGE, value }
  if (history.kraftVersion === 0 || history.votersOffset >= 0) return { records: [change], votersOffset: null }
  return {
    records: [change, kraftVersionOf(history.kraftVersion), votersOf(history.voters)],
    votersOffset: logEndOffset + 2,
  }
}

export function kraftVersionOf(level: number): ControlRecord {
  return {
    type: ControlType.KRAFT_VERSION,
    value: encodeMessage(kRaftVersionRecord, 0, { version: 0, kRaftVersion: level }),
  }
}

export function votersOf(voters: VoterSet): ControlRecord {
  return {
    type: ControlType.KRAFT_VOTERS,
    value: encodeMessage(votersRecord, 0, { version: 0, voters: storedVoters(voters) }),
  }
}

export function storedVoters(voters: VoterSet): StoredVoters {
  return voters.all.map(({ key, endpoints, kraftVersions }) => ({
    voterId: key.id,
    voterDirectoryId: key.directoryId,
    endpoints: endpoints.map(({ name, host, port }) => ({ name, host, port })),
    kRaftVersionFeature: { minSupportedVersion: kraftVersions.min, maxSupportedVersion: kraftVersions.max },
  }))
}

export function voterSetOf(stored: StoredVoters): VoterSet {
  return new VoterSet(
    stored.map(
      ({ voterId, voterDirectoryId, endpoints, kRaftVersionFeature }): Voter => ({
        key: { id: voterId, directoryId: voterDirectoryId },
        endpoints: endpoints.map(({ name, host, port }) => ({ name, host, port })),
        kraftVersions: { min: kRaftVersionFeature.minSupportedVersion, max: kRaftVersionFeature.maxSupportedVersion },
      }),
    ),
  )
}
