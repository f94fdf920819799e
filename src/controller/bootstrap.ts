/** What a cluster begins with: the first records of its metadata log. */
import {
  elrFeature,
  groupVersionFeature,
  hasTransactions,
  maxGroupVersion,
  maxMetadataVersion,
  maxTransactionVersion,
  metadataVersionFeature,
  transactionVersionFeature,
} from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { ControllerContext } from './context.ts'

/** For a directory that nobody formatted: the newest levels that are served here. */
export const defaultBootstrapRecords: readonly MetadataRecord[] = [
  { kind: 'featureLevel', version: 0, value: { name: metadataVersionFeature, featureLevel: maxMetadataVersion } },
  { kind: 'featureLevel', version: 0, value: { name: elrFeature, featureLevel: 1 } },
  { kind: 'featureLevel', version: 0, value: { name: groupVersionFeature, featureLevel: maxGroupVersion } },
  { kind: 'featureLevel', version: 0, value: { name: transactionVersionFeature, featureLevel: maxTransactionVersion } },
]

/** Written once: a log that knows its metadata.version has them. */
export function bootstrap(context: ControllerContext, records: readonly MetadataRecord[]): readonly MetadataRecord[] {
  if (context.state.features.has(metadataVersionFeature)) return []
  const all = [...records, ...required(context, records)]
  if (!hasTransactions(levelOf(records, metadataVersionFeature))) return all
  return [
    { kind: 'beginTransaction', version: 0, value: { name: 'Bootstrap records' } },
    ...all,
    { kind: 'endTransaction', version: 0, value: {} },
  ]
}

function levelOf(records: readonly MetadataRecord[], feature: string): number {
  for (const record of records) {
    if (record.kind === 'featureLevel' && record.value.name === feature) return record.value.featureLevel
  }
  return 0
}

/** KIP-966: with eligible leader replicas, the cluster's min.insync.replicas is always in the log. */
function required({ config }: ControllerContext, records: readonly MetadataRecord[]): MetadataRecord[] {
  if (levelOf(records, elrFeature) === 0) return []
  const name = 'min.insync.replicas'
  const value = String(config.minInsyncReplicas)
  return [{ kind: 'config', version: 0, value: { resourceType: 4, resourceName: '', name, value } }]
}
