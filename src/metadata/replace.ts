/** From one state to another, as records: what a snapshot changes for those who knew something else before. */
import type { Broker, PartitionInfo, Topic } from './entities.ts'
import type { MetadataImage } from './image.ts'
import type { MetadataRecord, RecordKind, ValueOfKind } from './records.ts'

/**
 * What of `records`, which make `to`, has to be applied to `from`, after what takes away the rest: topics, configs, brokers
 * and features that are the same in both are left out, so nobody is told of them.
 */
export function* changesTo(
  from: MetadataImage,
  to: MetadataImage,
  records: readonly MetadataRecord[],
): Generator<MetadataRecord> {
  yield* removals(from, to)
  for (const record of records) if (!isKnown(from, to, record)) yield record
}

function make<K extends RecordKind>(kind: K, value: ValueOfKind<K>): MetadataRecord {
  return { kind, version: 0, value } as MetadataRecord
}

function* removals(from: MetadataImage, to: MetadataImage): Generator<MetadataRecord> {
  for (const name of from.features.keys()) {
    if (!to.features.has(name)) yield make('featureLevel', { name, featureLevel: 0 })
  }
  for (const { id: topicId } of [...from.topicsById.values()]) {
    if (!to.topicsById.has(topicId)) yield make('removeTopic', { topicId })
  }
  for (const { id: brokerId, epoch: brokerEpoch } of [...from.brokers.values()]) {
    if (!to.brokers.has(brokerId)) yield make('unregisterBroker', { brokerId, brokerEpoch })
  }
  for (const [key, configs] of [...from.configs]) {
    const at = key.indexOf(':')
    for (const name of [...configs.keys()]) {
      if (to.configs.get(key)?.has(name)) continue
      const resource = { resourceType: Number(key.slice(0, at)), resourceName: key.slice(at + 1) }
      yield make('config', { ...resource, name, value: null })
    }
  }
}

function isKnown(from: MetadataImage, to: MetadataImage, { kind, value }: MetadataRecord): boolean {
  switch (kind) {
    case 'topic':
      return from.topicsById.get(value.topicId)?.name === value.name
    case 'partition':
      return isSame(
        partitionOf(from.topicsById.get(value.topicId), value.partitionId),
        partitionOf(to.topicsById.get(value.topicId), value.partitionId),
      )
    case 'registerBroker':
      return isSame(from.brokers.get(value.brokerId), to.brokers.get(value.brokerId))
    case 'config':
      return from.configs.get(`${value.resourceType}:${value.resourceName}`)?.get(value.name) === value.value
    case 'featureLevel':
      return from.features.get(value.name) === value.featureLevel
    default:
      return false
  }
}

function partitionOf(topic: Topic | undefined, index: number): PartitionInfo | undefined {
  return topic?.partitions[index]
}

function isSame(a: PartitionInfo | Broker | undefined, b: PartitionInfo | Broker | undefined): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b)
}
