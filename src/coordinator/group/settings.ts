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
  readonly consumer: ConsumerGroupSettings
}

export type MigrationPolicy = 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional'

/** Of groups of the consumer protocol (KIP-848). */
export interface ConsumerGroupSettings {
  /** Whether the protocol is offered. */
  readonly enabled: boolean
  readonly membersMax: number
  /** Names of server-side assignors; the first is that of groups whose members ask for none. */
  readonly assignors: readonly string[]
  /** Which way groups may change their protocol while they have members. */
  readonly migrationPolicy: MigrationPolicy
  /** How often subscriptions by pattern are looked at again although no topic came or went. */
  readonly regexRefreshMs: number
  /** How often they are looked at again at most. */
  readonly regexBatchMs: number
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
  consumer: {
    enabled: true,
    membersMax: 2 ** 31 - 1,
    assignors: ['uniform', 'range'],
    migrationPolicy: 'bidirectional',
    regexRefreshMs: 600_000,
    regexBatchMs: 10_000,
  },
}
