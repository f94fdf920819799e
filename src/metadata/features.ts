/**
 * Feature levels: what this broker supports, and which version of each metadata record a metadata.version asks for.
 *
 * `metadata.version` is served up to that of Kafka 4.3, `transaction.version` up to 2 (KIP-890), `group.version` 1 is the
 * consumer group protocol (KIP-848).
 */
import type { RecordKind } from './records.ts'

export interface FeatureSupport {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

export const metadataVersionFeature = 'metadata.version'
export const kraftVersionFeature = 'kraft.version'
export const transactionVersionFeature = 'transaction.version'
export const groupVersionFeature = 'group.version'
/** KIP-966. */
export const elrFeature = 'eligible.leader.replicas.version'

/** 3.3-IV3, the first of KRaft that Kafka 4 still takes. */
export const minMetadataVersion = 7
/** 4.3-IV0. */
export const maxMetadataVersion = 30

/** KIP-890, both parts. */
export const maxTransactionVersion = 2

/** KIP-848. */
export const maxGroupVersion = 1

/** What ApiVersions tells as supported, and what a broker registers with. */
export const supportedFeatures: readonly FeatureSupport[] = [
  { name: metadataVersionFeature, minVersion: minMetadataVersion, maxVersion: maxMetadataVersion },
  { name: kraftVersionFeature, minVersion: 0, maxVersion: 1 },
  { name: transactionVersionFeature, minVersion: 0, maxVersion: maxTransactionVersion },
  { name: groupVersionFeature, minVersion: 0, maxVersion: maxGroupVersion },
  { name: elrFeature, minVersion: 0, maxVersion: 1 },
]

const versionNames: readonly (readonly [number, string])[] = [
  [7, '3.3-IV3'],
  [8, '3.4-IV0'],
  [9, '3.5-IV0'],
  [10, '3.5-IV1'],
  [11, '3.5-IV2'],
  [12, '3.6-IV0'],
  [13, '3.6-IV1'],
  [14, '3.6-IV2'],
  [15, '3.7-IV0'],
  [16, '3.7-IV1'],
  [17, '3.7-IV2'],
  [18, '3.7-IV3'],
  [19, '3.7-IV4'],
  [20, '3.8-IV0'],
  [21, '3.9-IV0'],
  [22, '4.0-IV0'],
  [23, '4.0-IV1'],
  [24, '4.0-IV2'],
  [25, '4.0-IV3'],
  [26, '4.1-IV0'],
  [27, '4.1-IV1'],
  [28, '4.2-IV0'],
  [29, '4.2-IV1'],
  [30, '4.3-IV0'],
]

/** Levels that brought records, or fields of them, which a lower level does not have. */
const levelsThatChangedRecords: readonly number[] = [7, 8, 11, 13, 14, 15, 16, 17, 23, 30]

/** Whether what is in the log at level `high` may not be understood at level `low`. */
export function metadataChangesBetween(low: number, high: number): boolean {
  return levelsThatChangedRecords.some(level => level > low && level <= high)
}

/** Such as '4.3-IV0'; the number itself for one that isn't known. */
export function metadataVersionName(level: number): string {
  return versionNames.find(([known]) => known === level)?.[1] ?? String(level)
}

/** The version in which a record is written under a metadata.version. */
export function recordVersion(kind: RecordKind, metadataVersion: number): number {
  switch (kind) {
    case 'registerBroker':
      return metadataVersion >= 30 ? 4 : metadataVersion >= 17 ? 3 : metadataVersion >= 8 ? 2 : 1
    case 'partition':
    case 'partitionChange':
      return metadataVersion >= 23 ? 2 : metadataVersion >= 17 ? 1 : 0
    case 'brokerRegistrationChange':
      return metadataVersion >= 30 ? 3 : metadataVersion >= 17 ? 2 : 1
    default:
      return 0
  }
}

/** KIP-858: partitions name the log directory of each replica. */
export const namesDirectories = (metadataVersion: number) => metadataVersion >= 17
/** KIP-919: controllers register. */
export const registersControllers = (metadataVersion: number) => metadataVersion >= 15
/** Before 3.6 a smaller in-sync set opened a new leader epoch. */
export const bumpsEpochOnShrink = (metadataVersion: number) => metadataVersion < 12
/** KIP-868: several batches may form one transaction. */
export const hasTransactions = (metadataVersion: number) => metadataVersion >= 13

/** Of the levels that the log finalized, those that are served: a log by Apache Kafka may have agreed on more. */
export function servedLevels(
  finalized: ReadonlyMap<string, number>,
  kraftVersion: number,
): ReadonlyMap<string, number> {
  const served = new Map<string, number>()
  // The quorum keeps its own level, outside of the records.
  if (kraftVersion > 0) served.set(kraftVersionFeature, kraftVersion)
  for (const { name, maxVersion } of supportedFeatures) {
    const level = Math.min(finalized.get(name) ?? 0, maxVersion)
    if (level > 0) served.set(name, level)
  }
  return served
}
