/** Every API that is served, by key. What is not here is not advertised. */
import { handler as produce } from './00-produce.ts'
import { handler as fetch } from './01-fetch.ts'
import { handler as listOffsets } from './02-list-offsets.ts'
import { handler as metadata } from './03-metadata.ts'
import { handler as offsetCommit } from './08-offset-commit.ts'
import { handler as offsetFetch } from './09-offset-fetch.ts'
import { handler as findCoordinator } from './10-find-coordinator.ts'
import { handler as joinGroup } from './11-join-group.ts'
import { handler as heartbeat } from './12-heartbeat.ts'
import { handler as leaveGroup } from './13-leave-group.ts'
import { handler as syncGroup } from './14-sync-group.ts'
import { handler as describeGroups } from './15-describe-groups.ts'
import { handler as listGroups } from './16-list-groups.ts'
import { handler as apiVersions } from './18-api-versions.ts'
import { handler as createTopics } from './19-create-topics.ts'
import { handler as deleteTopics } from './20-delete-topics.ts'
import { handler as deleteRecords } from './21-delete-records.ts'
import { handler as initProducerId } from './22-init-producer-id.ts'
import { handler as offsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { handler as addPartitionsToTxn } from './24-add-partitions-to-txn.ts'
import { handler as addOffsetsToTxn } from './25-add-offsets-to-txn.ts'
import { handler as endTxn } from './26-end-txn.ts'
import { handler as writeTxnMarkers } from './27-write-txn-markers.ts'
import { handler as txnOffsetCommit } from './28-txn-offset-commit.ts'
import { handler as describeAcls } from './29-describe-acls.ts'
import { handler as describeConfigs } from './32-describe-configs.ts'
import { handler as alterConfigs } from './33-alter-configs.ts'
import { handler as alterReplicaLogDirs } from './34-alter-replica-log-dirs.ts'
import { handler as describeLogDirs } from './35-describe-log-dirs.ts'
import { handler as createPartitions } from './37-create-partitions.ts'
import { handler as deleteGroups } from './42-delete-groups.ts'
import { handler as electLeaders } from './43-elect-leaders.ts'
import { handler as incrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { handler as alterPartitionReassignments } from './45-alter-partition-reassignments.ts'
import { handler as listPartitionReassignments } from './46-list-partition-reassignments.ts'
import { handler as offsetDelete } from './47-offset-delete.ts'
import { handler as describeClientQuotas } from './48-describe-client-quotas.ts'
import { handler as alterClientQuotas } from './49-alter-client-quotas.ts'
import { handler as describeUserScramCredentials } from './50-describe-user-scram-credentials.ts'
import { handler as vote } from './52-vote.ts'
import { handler as beginQuorumEpoch } from './53-begin-quorum-epoch.ts'
import { handler as endQuorumEpoch } from './54-end-quorum-epoch.ts'
import { handler as describeQuorum } from './55-describe-quorum.ts'
import { handler as alterPartition } from './56-alter-partition.ts'
import { handler as updateFeatures } from './57-update-features.ts'
import { handler as envelope } from './58-envelope.ts'
import { handler as fetchSnapshot } from './59-fetch-snapshot.ts'
import { handler as describeCluster } from './60-describe-cluster.ts'
import { handler as describeProducers } from './61-describe-producers.ts'
import { handler as brokerRegistration } from './62-broker-registration.ts'
import { handler as brokerHeartbeat } from './63-broker-heartbeat.ts'
import { handler as unregisterBroker } from './64-unregister-broker.ts'
import { handler as describeTransactions } from './65-describe-transactions.ts'
import { handler as listTransactions } from './66-list-transactions.ts'
import { handler as allocateProducerIds } from './67-allocate-producer-ids.ts'
import { handler as consumerGroupHeartbeat } from './68-consumer-group-heartbeat.ts'
import { handler as consumerGroupDescribe } from './69-consumer-group-describe.ts'
import { handler as controllerRegistration } from './70-controller-registration.ts'
import { handler as getTelemetrySubscriptions } from './71-get-telemetry-subscriptions.ts'
import { handler as pushTelemetry } from './72-push-telemetry.ts'
import { handler as assignReplicasToDirs } from './73-assign-replicas-to-dirs.ts'
import { handler as listConfigResources } from './74-list-config-resources.ts'
import { handler as describeTopicPartitions } from './75-describe-topic-partitions.ts'
import { handler as addRaftVoter } from './80-add-raft-voter.ts'
import { handler as removeRaftVoter } from './81-remove-raft-voter.ts'
import { handler as updateRaftVoter } from './82-update-raft-voter.ts'
import type { Handler } from './define.ts'

export const handlers: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  writeTxnMarkers,
  txnOffsetCommit,
  describeAcls,
  describeConfigs,
  alterConfigs,
  alterReplicaLogDirs,
  describeLogDirs,
  createPartitions,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeClientQuotas,
  alterClientQuotas,
  describeUserScramCredentials,
  vote,
  beginQuorumEpoch,
  endQuorumEpoch,
  describeQuorum,
  alterPartition,
  updateFeatures,
  envelope,
  fetchSnapshot,
  describeCluster,
  describeProducers,
  brokerRegistration,
  brokerHeartbeat,
  unregisterBroker,
  describeTransactions,
  listTransactions,
  allocateProducerIds,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  controllerRegistration,
  getTelemetrySubscriptions,
  pushTelemetry,
  assignReplicasToDirs,
  listConfigResources,
  describeTopicPartitions,
  addRaftVoter,
  removeRaftVoter,
  updateRaftVoter,
]
