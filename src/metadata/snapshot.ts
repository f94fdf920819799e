/** The whole state as records: what a snapshot of the metadata log holds. */
import type { Broker, PartitionInfo, Topic } from './entities.ts'
import { metadataVersionFeature, namesDirectories, recordVersion } from './features.ts'
import type { MetadataImage } from './image.ts'
import type { MetadataRecord, RecordKind, ValueOfKind } from './records.ts'

/** Applied to an empty state, these records make the same state again. */
export function* recordsOf(image: MetadataImage): Generator<MetadataRecord> {
  const level = image.features.get(metadataVersionFeature) ?? 0
  const make = <K extends RecordKind>(kind: K, value: ValueOfKind<K>) =>
    ({ kind, version: recordVersion(kind, level), value }) as MetadataRecord
  // metadata.version first: it says how the others are written.
  const features = [...image.features].sort(([a]) => (a === metadataVersionFeature ? -1 : 1))
  for (const [name, featureLevel] of features) yield make('featureLevel', { name, featureLevel })
  for (const broker of image.brokers.values()) yield make('registerBroker', registration(broker))
  for (const controller of image.controllers.values()) {
    yield make('registerController', {
      controllerId: controller.id,
      incarnationId: controller.incarnationId,
      zkMigrationReady: controller.zkMigrationReady,
      endPoints: [...controller.endpoints],
      features: [...controller.features],
    })
  }
  for (const topic of image.topics.values()) {
    yield make('topic', { name: topic.name, topicId: topic.id })
    for (const partition of topic.partitions) yield make('partition', partitionValue(topic, partition, level))
  }
  for (const [key, configs] of image.configs) {
    const at = key.indexOf(':')
    for (const [name, value] of configs) {
      yield make('config', { resourceType: Number(key.slice(0, at)), resourceName: key.slice(at + 1), name, value })
    }
  }
  yield* securityRecords(image, make)
}

type Make = <K extends RecordKind>(kind: K, value: ValueOfKind<K>) => MetadataRecord

function* securityRecords(image: MetadataImage, make: Make): Generator<MetadataRecord> {
  for (const { entity, values } of image.quotas.values()) {
    for (const [key, value] of values) {
      yield make('clientQuota', { entity: entity.map(part => ({ ...part })), key, value, remove: false })
    }
  }
  if (image.nextProducerId > 0) {
    yield make('producerIds', { brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId })
  }
  for (const acl of image.acls.values()) yield make('accessControlEntry', acl)
  for (const credential of image.scramCredentials.values()) yield make('userScramCredential', credential)
  for (const token of image.delegationTokens.values()) {
    yield make('delegationToken', { ...token, renewers: [...token.renewers] })
  }
}

function registration(broker: Broker): ValueOfKind<'registerBroker'> {
  return {
    brokerId: broker.id,
    isMigratingZkBroker: false,
    incarnationId: broker.incarnationId,
    brokerEpoch: broker.epoch,
    endPoints: [...broker.endpoints],
    features: [...broker.features],
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: broker.inControlledShutdown,
    logDirs: [...broker.logDirs],
    cordonedLogDirs: broker.cordonedLogDirs && [...broker.cordonedLogDirs],
  }
}

/** The record that makes this partition. */
export function partitionValue(topic: Topic, partition: PartitionInfo, level: number): ValueOfKind<'partition'> {
  const { eligibleLeaderReplicas, lastKnownElr } = partition
  return {
    partitionId: partition.index,
    topicId: topic.id,
    replicas: [...partition.replicas],
    isr: [...partition.isr],
    removingReplicas: [...partition.removingReplicas],
    addingReplicas: [...partition.addingReplicas],
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: namesDirectories(level) ? [...partition.directories] : [],
    eligibleLeaderReplicas: eligibleLeaderReplicas.length > 0 ? [...eligibleLeaderReplicas] : null,
    lastKnownElr: lastKnownElr.length > 0 ? [...lastKnownElr] : null,
  }
}
