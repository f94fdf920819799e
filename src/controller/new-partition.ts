/** The record of a partition that begins its life. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { namesDirectories, recordVersion } from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { MetadataState } from '../metadata/state.ts'
import { isActive } from './context.ts'
import { directoryOf } from './partition-changes.ts'

/**
 * Leader is the first replica that is alive, in sync are all that are alive. Throws KafkaError
 * INVALID_REPLICA_ASSIGNMENT when none is.
 */
export function newPartition(
  state: MetadataState,
  metadataVersion: number,
  topicId: string,
  partitionId: number,
  replicas: readonly number[],
): MetadataRecord {
  const alive = replicas.filter(id => isActive(state.brokers.get(id)))
  if (alive.length === 0) {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `All brokers specified in the replica list of partition ${partitionId} are currently fenced or in controlled shutdown.`,
    )
  }
  return {
    kind: 'partition',
    version: recordVersion('partition', metadataVersion),
    value: {
      partitionId,
      topicId,
      replicas: [...replicas],
      isr: alive,
      removingReplicas: [],
      addingReplicas: [],
      leader: alive[0],
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: namesDirectories(metadataVersion) ? replicas.map(id => directoryOf(state, id)) : [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  }
}
