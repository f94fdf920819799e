/** What each metadata record changes. The only writer of MetadataImage. */
import { unreachable } from '../lib/assert.ts'
import { unassignedDirectory } from './directories.ts'
import type { Broker, PartitionInfo, Topic } from './entities.ts'
import { configKey, type MetadataImage, quotaKey } from './image.ts'
import type { MetadataListener } from './listener.ts'
import type { MetadataRecord, ValueOfKind } from './records.ts'

type Listeners = ReadonlySet<MetadataListener>

/** Applies one record outside of transactions. */
export function applyRecord(state: MetadataImage, record: MetadataRecord, offset: number, listeners: Listeners): void {
  switch (record.kind) {
    case 'topic':
      return applyTopic(state, record.value, listeners)
    case 'removeTopic':
      return applyRemoveTopic(state, record.value, listeners)
    case 'partition':
      return applyPartition(state, record.value, listeners)
    case 'partitionChange':
      return applyPartitionChange(state, record.value, listeners)
    case 'clearElr':
      return applyClearElr(state, record.value.topicName, listeners)
    case 'config':
      return applyConfig(state, record.value, listeners)
    case 'featureLevel':
      if (record.value.featureLevel === 0) state.features.delete(record.value.name)
      else state.features.set(record.value.name, record.value.featureLevel)
      for (const listener of listeners) listener.featureChanged?.(record.value.name, record.value.featureLevel)
      return
    case 'producerIds':
      state.nextProducerId = record.value.nextProducerId
      return
    case 'registerBroker':
    case 'unregisterBroker':
    case 'fenceBroker':
    case 'unfenceBroker':
    case 'brokerRegistrationChange':
      return applyBroker(state, record, offset, listeners)
    case 'clientQuota':
      applyQuota(state, record.value)
      for (const listener of listeners) listener.quotaChanged?.()
      return
    case 'registerController':
    case 'userScramCredential':
    case 'removeUserScramCredential':
    case 'accessControlEntry':
    case 'removeAccessControlEntry':
    case 'delegationToken':
    case 'removeDelegationToken':
      return applySecurity(state, record)
    case 'noOp':
    case 'zkMigrationState':
    case 'beginTransaction':
    case 'endTransaction':
    case 'abortTransaction':
      return
    default:
      return unreachable(record)
  }
}

function applyTopic(state: MetadataImage, value: ValueOfKind<'topic'>, listeners: Listeners): void {
  const topic: Topic = { name: value.name, id: value.topicId, partitions: [] }
  state.topics.set(topic.name, topic)
  state.topicsById.set(topic.id, topic)
  for (const listener of listeners) listener.topicCreated?.(topic)
}

function applyRemoveTopic(state: MetadataImage, value: ValueOfKind<'removeTopic'>, listeners: Listeners): void {
  const topic = state.topicsById.get(value.topicId)
  if (!topic) return
  state.topicsById.delete(topic.id)
  if (state.topics.get(topic.name)?.id === topic.id) state.topics.delete(topic.name)
  // As in Kafka: the configs of a topic go with it, without records of their own.
  state.configs.delete(configKey(2, topic.name))
  for (const listener of listeners) listener.topicDeleted?.(topic)
}

function applyPartition(state: MetadataImage, value: ValueOfKind<'partition'>, listeners: Listeners): void {
  const topic = state.topicsById.get(value.topicId)
  if (!topic) return
  replacePartition(state, topic, listeners, {
    index: value.partitionId,
    replicas: value.replicas,
    directories: value.directories.length > 0 ? value.directories : value.replicas.map(() => unassignedDirectory),
    isr: value.isr,
    removingReplicas: value.removingReplicas,
    addingReplicas: value.addingReplicas,
    eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? [],
    lastKnownElr: value.lastKnownElr ?? [],
    leader: value.leader,
    leaderEpoch: value.leaderEpoch,
    partitionEpoch: value.partitionEpoch,
    leaderRecoveryState: value.leaderRecoveryState,
  })
}

const unchangedLeader = -2
const unchangedState = -1

function applyPartitionChange(state: MetadataImage, value: ValueOfKind<'partitionChange'>, listeners: Listeners): void {
  const topic = state.topicsById.get(value.topicId)
  const before = topic?.partitions[value.partitionId]
  if (topic && before) replacePartition(state, topic, listeners, partitionAfter(before, value))
}

/** What a change makes of a partition. */
export function partitionAfter(before: PartitionInfo, value: ValueOfKind<'partitionChange'>): PartitionInfo {
  // A new leader opens a new leader epoch, even when it is the same broker again; every change opens a partition epoch.
  const led = value.leader !== unchangedLeader
  return {
    index: before.index,
    replicas: value.replicas ?? before.replicas,
    directories: value.directories ?? directoriesOf(value.replicas, before),
    isr: value.isr ?? before.isr,
    removingReplicas: value.removingReplicas ?? before.removingReplicas,
    addingReplicas: value.addingReplicas ?? before.addingReplicas,
    eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: value.lastKnownElr ?? before.lastKnownElr,
    leader: led ? value.leader : before.leader,
    leaderEpoch: before.leaderEpoch + (led ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState:
      value.leaderRecoveryState === unchangedState ? before.leaderRecoveryState : value.leaderRecoveryState,
  }
}

function directoriesOf(replicas: readonly number[] | null, before: PartitionInfo): readonly string[] {
  if (!replicas) return before.directories
  return replicas.map(id => before.directories[before.replicas.indexOf(id)] ?? unassignedDirectory)
}

function applyClearElr(state: MetadataImage, topicName: string, listeners: Listeners): void {
  const topics = topicName === '' ? [...state.topics.values()] : [state.topics.get(topicName)]
  for (const topic of topics) {
    for (const partition of topic?.partitions ?? []) {
      if (!topic || partition.eligibleLeaderReplicas.length + partition.lastKnownElr.length === 0) continue
      replacePartition(state, topic, listeners, { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] })
    }
  }
}

function replacePartition(state: MetadataImage, topic: Topic, listeners: Listeners, partition: PartitionInfo): void {
  // The map may hold a newer object of this topic than a caller in a loop does.
  const current = state.topicsById.get(topic.id) ?? topic
  const before = current.partitions[partition.index] ?? null
  const partitions = current.partitions as PartitionInfo[]
  partitions[partition.index] = partition
  for (const listener of listeners) listener.partitionChanged?.(current, partition, before)
}

function applyConfig(state: MetadataImage, value: ValueOfKind<'config'>, listeners: Listeners): void {
  const key = configKey(value.resourceType, value.resourceName)
  const configs = state.configs.get(key) ?? new Map<string, string>()
  if (value.value === null) configs.delete(value.name)
  else configs.set(value.name, value.value)
  if (configs.size === 0) state.configs.delete(key)
  else state.configs.set(key, configs)
  for (const listener of listeners) listener.configChanged?.(value.resourceType, value.resourceName, value.name)
}

type BrokerRecord = Extract<
  MetadataRecord,
  { kind: 'registerBroker' | 'unregisterBroker' | 'fenceBroker' | 'unfenceBroker' | 'brokerRegistrationChange' }
>

function applyBroker(state: MetadataImage, record: BrokerRecord, offset: number, listeners: Listeners): void {
  const id = record.kind === 'fenceBroker' || record.kind === 'unfenceBroker' ? record.value.id : record.value.brokerId
  const before = state.brokers.get(id)
  const after = brokerAfter(before, record, offset)
  if (after === before) return
  if (after) state.brokers.set(id, after)
  else state.brokers.delete(id)
  for (const listener of listeners) listener.brokerChanged?.(id, after ?? null)
}

function brokerAfter(before: Broker | undefined, record: BrokerRecord, offset: number): Broker | undefined {
  switch (record.kind) {
    case 'registerBroker': {
      const { value } = record
      return {
        id: value.brokerId,
        epoch: value.brokerEpoch >= 0 ? value.brokerEpoch : offset,
        incarnationId: value.incarnationId,
        endpoints: value.endPoints,
        features: value.features,
        rack: value.rack,
        fenced: value.fenced,
        inControlledShutdown: value.inControlledShutdown,
        logDirs: value.logDirs,
        cordonedLogDirs: value.cordonedLogDirs,
      }
    }
    case 'unregisterBroker':
      return undefined
    case 'fenceBroker':
      return before && { ...before, fenced: true }
    case 'unfenceBroker':
      return before && { ...before, fenced: false }
    case 'brokerRegistrationChange': {
      const { value } = record
      if (!before) return before
      return {
        ...before,
        fenced: value.fenced === 0 ? before.fenced : value.fenced === 1,
        inControlledShutdown:
          value.inControlledShutdown === 0 ? before.inControlledShutdown : value.inControlledShutdown === 1,
        logDirs: value.logDirs.length > 0 ? value.logDirs : before.logDirs,
        cordonedLogDirs: value.cordonedLogDirs ?? before.cordonedLogDirs,
      }
    }
    default:
      return unreachable(record)
  }
}

type SecurityRecord = Extract<
  MetadataRecord,
  {
    kind:
      | 'registerController'
      | 'userScramCredential'
      | 'removeUserScramCredential'
      | 'accessControlEntry'
      | 'removeAccessControlEntry'
      | 'delegationToken'
      | 'removeDelegationToken'
  }
>

/** Kept as it stands: what a controller of another make wrote must survive our snapshots. */
function applySecurity(state: MetadataImage, record: SecurityRecord): void {
  switch (record.kind) {
    case 'registerController': {
      const { controllerId, incarnationId, endPoints, features, zkMigrationReady } = record.value
      state.controllers.set(controllerId, {
        id: controllerId,
        incarnationId,
        endpoints: endPoints,
        features,
        zkMigrationReady,
      })
      return
    }
    case 'userScramCredential': {
      const { value } = record
      state.scramCredentials.set(`${value.mechanism}:${value.name}`, {
        ...value,
        // The record's bytes are views of a read buffer.
        salt: Buffer.from(value.salt),
        storedKey: Buffer.from(value.storedKey),
        serverKey: Buffer.from(value.serverKey),
      })
      return
    }
    case 'removeUserScramCredential':
      state.scramCredentials.delete(`${record.value.mechanism}:${record.value.name}`)
      return
    case 'accessControlEntry':
      state.acls.set(record.value.id, record.value)
      return
    case 'removeAccessControlEntry':
      state.acls.delete(record.value.id)
      return
    case 'delegationToken':
      state.delegationTokens.set(record.value.tokenId, record.value)
      return
    case 'removeDelegationToken':
      state.delegationTokens.delete(record.value.tokenId)
      return
    default:
      return unreachable(record)
  }
}

function applyQuota(state: MetadataImage, value: ValueOfKind<'clientQuota'>): void {
  const entity = [...value.entity].sort((a, b) => (a.entityType < b.entityType ? -1 : 1))
  const key = quotaKey(entity)
  const values = new Map(state.quotas.get(key)?.values)
  if (value.remove) values.delete(value.key)
  else values.set(value.key, value.value)
  if (values.size === 0) state.quotas.delete(key)
  else state.quotas.set(key, { entity, values })
}
