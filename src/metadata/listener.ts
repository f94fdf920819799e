import type { Broker, PartitionInfo, Topic } from './entities.ts'

/** Told of changes, one by one, right after each was applied. Must not throw. */
export interface MetadataListener {
  /** A topic is there, still without partitions: they follow as `partitionChanged`. */
  topicCreated?(topic: Topic): void
  /** A topic is gone; `topic` is as it was. */
  topicDeleted?(topic: Topic): void
  /** `before` is null for a new partition. */
  partitionChanged?(topic: Topic, partition: PartitionInfo, before: PartitionInfo | null): void
  /** A setting was set, changed or taken away; `resourceTypes` of the configuration. */
  configChanged?(resourceType: number, resourceName: string, name: string): void
  /** `broker` is null when it was unregistered. */
  brokerChanged?(id: number, broker: Broker | null): void
  featureChanged?(name: string, level: number): void
  /** Quotas of clients or addresses are others than before, or may be. */
  quotaChanged?(): void
}
