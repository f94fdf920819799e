/** What the settings say about groups; units are in the names. */
export interface GroupSettings {
  readonly sessionTimeoutMinMs: number
  readonly sessionTimeoutMaxMs: number
  /** How long the first rebalance of an empty group waits for more members. */
  readonly initialRebalanceDelayMs: number
  readonly membersMax: number
  /** A member that joins for the first time cannot send heartbeats: this is how long its parked join keeps it. */
  readonly newMemberJoinTimeoutMs: number
  readonly offsetMetadataBytesMax: number
  readonly offsetsRetentionMs: number
  readonly offsetsRetentionCheckMs: number
}

export const defaultGroupSettings: GroupSettings = {
  sessionTimeoutMinMs: 6000,
  sessionTimeoutMaxMs: 1_800_000,
  initialRebalanceDelayMs: 3000,
  membersMax: 2 ** 31 - 1,
  newMemberJoinTimeoutMs: 5 * 60_000,
  offsetMetadataBytesMax: 4096,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  offsetsRetentionCheckMs: 600_000,
}
