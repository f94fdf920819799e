/** The broker's configuration, in the coordinators' terms. */
import type { BrokerConfig } from '../config/broker.ts'
import { shortAssignorName } from '../config/consumer-group-settings.ts'
import { defaultGroupSettings, type GroupSettings, type MigrationPolicy } from './group/settings.ts'
import { defaultTransactionSettings, type TransactionSettings } from './transaction/settings.ts'

export interface CoordinatorSettings {
  readonly groups: GroupSettings
  /** How long what a coordinator writes may take to be committed. */
  readonly commitTimeoutMs: number
}

export function coordinatorSettings(config: BrokerConfig): CoordinatorSettings {
  return {
    groups: {
      sessionTimeoutMinMs: config.groupMinSessionTimeoutMs,
      sessionTimeoutMaxMs: config.groupMaxSessionTimeoutMs,
      initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
      membersMax: config.groupMaxSize,
      newMemberJoinTimeoutMs: defaultGroupSettings.newMemberJoinTimeoutMs,
      offsetMetadataBytesMax: config.offsetMetadataMaxBytes,
      offsetsRetentionMs: config.offsetsRetentionMinutes * 60_000,
      offsetsRetentionCheckMs: config.offsetsRetentionCheckIntervalMs,
      consumer: {
        enabled: config.groupCoordinatorRebalanceProtocols.includes('consumer'),
        membersMax: config.groupConsumerMaxSize,
        assignors: [...new Set(config.groupConsumerAssignors.map(shortAssignorName))],
        migrationPolicy: migrationPolicyOf(config.groupConsumerMigrationPolicy),
        regexRefreshMs: config.groupConsumerRegexRefreshIntervalMs,
        regexBatchMs: defaultGroupSettings.consumer.regexBatchMs,
      },
    },
    commitTimeoutMs: config.offsetsCommitTimeoutMs,
  }
}

const migrationPolicies = ['disabled', 'upgrade', 'downgrade', 'bidirectional'] as const

/** In any case, as the setting's check has it. */
function migrationPolicyOf(name: string): MigrationPolicy {
  return migrationPolicies.find(policy => policy === name.toLowerCase()) ?? 'disabled'
}

/** `version` tells the level of the feature `transaction.version` now. */
export function transactionSettings(config: BrokerConfig, version: () => number): TransactionSettings {
  return {
    timeoutMaxMs: config.transactionMaxTimeoutMs,
    idExpirationMs: config.transactionalIdExpirationMs,
    idExpirationCheckMs: config.transactionRemoveExpiredTransactionCleanupIntervalMs,
    markerRetryMs: defaultTransactionSettings.markerRetryMs,
    markerRetryMaxMs: defaultTransactionSettings.markerRetryMaxMs,
    version,
  }
}
