/** Brokers come, are unfenced, and go; partitions get leaders accordingly. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import { recordVersion } from '../metadata/features.ts'
import type { MetadataRecord, ValueOfKind } from '../metadata/records.ts'
import { type ControllerContext, type Decision, metadataVersionOf } from './context.ts'
import type { Registration } from './events.ts'

/** The broker starts fenced; its epoch is the offset of the record, so a later registration always has a higher one. */
export function registerBroker(
  context: ControllerContext,
  registration: Registration,
): Decision<{ readonly brokerEpoch: number }> {
  const brokerEpoch = context.nextOffset()
  const metadataVersion = metadataVersionOf(context.state)
  return {
    records: [
      {
        kind: 'registerBroker',
        version: recordVersion('registerBroker', metadataVersion),
        value: {
          brokerId: registration.brokerId,
          isMigratingZkBroker: false,
          incarnationId: registration.incarnationId,
          brokerEpoch,
          endPoints: registration.endpoints.map(endpoint => ({ ...endpoint })),
          features: registration.features.map(feature => ({ ...feature })),
          rack: registration.rack,
          fenced: true,
          inControlledShutdown: false,
          logDirs: [...registration.logDirs],
          cordonedLogDirs: null,
        },
      },
    ],
    answer: { brokerEpoch },
  }
}

/** The broker takes clients from now on, and leads what it can lead, each partition in a new leader epoch. */
export function unfenceBroker(context: ControllerContext, brokerId: number, brokerEpoch: number): Decision<null> {
  const broker = checkEpoch(context, brokerId, brokerEpoch)
  if (!broker.fenced) return { records: [], answer: null }
  return {
    records: [fencingChange(brokerId, brokerEpoch, -1), ...leaderships(context, brokerId)],
    answer: null,
  }
}

/** The broker takes no clients any more and leads nothing. Its log is whole, so it stays in sync where nobody else is. */
export function fenceBroker(context: ControllerContext, brokerId: number, brokerEpoch: number): Decision<null> {
  const broker = checkEpoch(context, brokerId, brokerEpoch)
  if (broker.fenced) return { records: [], answer: null }
  const records: MetadataRecord[] = [fencingChange(brokerId, brokerEpoch, 1)]
  for (const topic of context.state.topics.values()) {
    for (const partition of topic.partitions) {
      if (partition.leader !== brokerId) continue
      const isr = partition.isr.filter(id => id !== brokerId)
      const leader = isr.find(id => context.state.brokers.get(id)?.fenced === false) ?? -1
      records.push(partitionChange(context, topic, partition, leader === -1 ? { leader } : { leader, isr }))
    }
  }
  return { records, answer: null }
}

function checkEpoch(context: ControllerContext, brokerId: number, brokerEpoch: number) {
  const broker = context.state.brokers.get(brokerId)
  if (!broker) throw new KafkaError(Errors.BROKER_ID_NOT_REGISTERED)
  if (broker.epoch !== brokerEpoch) throw new KafkaError(Errors.STALE_BROKER_EPOCH)
  return broker
}

/** -1 unfenced, 1 fenced. */
function fencingChange(brokerId: number, brokerEpoch: number, fenced: number): MetadataRecord {
  return {
    kind: 'brokerRegistrationChange',
    version: 0,
    value: { brokerId, brokerEpoch, fenced, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null },
  }
}

/**
 * Partitions that this broker leads, or led when it stopped, or that have no leader and can have this one. A leader that
 * restarted opens a new epoch: what its log lost in a crash must not be taken for what it held before.
 */
function leaderships(context: ControllerContext, brokerId: number): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const topic of context.state.topics.values()) {
    for (const partition of topic.partitions) {
      if (partition.leader !== brokerId && partition.leader !== -1) continue
      const change = election(partition, brokerId)
      if (change) records.push(partitionChange(context, topic, partition, change))
    }
  }
  return records
}

type Change = Partial<ValueOfKind<'partitionChange'>>

/** KIP-966: out of the in-sync set, else out of the eligible replicas, else the last leader known. Null: cannot lead. */
function election(partition: PartitionInfo, brokerId: number): Change | null {
  if (partition.isr.includes(brokerId)) return { leader: brokerId }
  if (partition.isr.length > 0) return null
  const elected = { leader: brokerId, isr: [brokerId], eligibleLeaderReplicas: [], lastKnownElr: [] }
  if (partition.eligibleLeaderReplicas.includes(brokerId)) return elected
  if (partition.eligibleLeaderReplicas.length > 0) return null
  const lastLeader = partition.lastKnownElr[0] ?? (partition.replicas.length === 1 ? partition.replicas[0] : -1)
  return lastLeader === brokerId ? elected : null
}

function partitionChange(
  context: ControllerContext,
  topic: Topic,
  partition: PartitionInfo,
  change: Change,
): MetadataRecord {
  const version = recordVersion('partitionChange', metadataVersionOf(context.state))
  return {
    kind: 'partitionChange',
    version,
    value: {
      partitionId: partition.index,
      topicId: topic.id,
      isr: null,
      leader: -2,
      replicas: null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: -1,
      directories: null,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
      ...change,
    },
  }
}
