/** The broker's configuration, in the coordinators' terms. */
import type { BrokerConfig } from '../config/broker.ts'
import { defaultGroupSettings, type GroupSettings } from './group/settings.ts'

export interface CoordinatorSettings {
  readonly groups: GroupSettings
  /** Partitions of the offsets topic when it is created. */
  readonly offsetsTopicPartitions: number
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
    },
    offsetsTopicPartitions: config.offsetsTopicNumPartitions,
    commitTimeoutMs: config.offsetsCommitTimeoutMs,
  }
}
