/** What a cluster begins with: the first records of its metadata log. */
import { hasTransactions, maxMetadataVersion, metadataVersionFeature } from '../metadata/features.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { ControllerContext, Decision } from './context.ts'

/** For a directory that nobody formatted: the newest metadata.version that is served here. */
export const defaultBootstrapRecords: readonly MetadataRecord[] = [
  { kind: 'featureLevel', version: 0, value: { name: metadataVersionFeature, featureLevel: maxMetadataVersion } },
]

/** Writes them once: a log that knows its metadata.version has them. */
export function bootstrap(context: ControllerContext, records: readonly MetadataRecord[]): Decision<null> {
  if (context.state.features.has(metadataVersionFeature)) return { records: [], answer: null }
  const wrapped = hasTransactions(levelOf(records, metadataVersionFeature))
  const all = [...records, ...required(context, records)]
  if (!wrapped) return { records: all, answer: null }
  return {
    records: [
      { kind: 'beginTransaction', version: 0, value: { name: 'Bootstrap records' } },
      ...all,
      { kind: 'endTransaction', version: 0, value: {} },
    ],
    answer: null,
  }
}

function levelOf(records: readonly MetadataRecord[], feature: string): number {
  for (const record of records) {
    if (record.kind === 'featureLevel' && record.value.name === feature) return record.value.featureLevel
  }
  return 0
}

/** KIP-966: with eligible leader replicas, the cluster's min.insync.replicas is always in the log. */
function required({ config }: ControllerContext, records: readonly MetadataRecord[]): MetadataRecord[] {
  if (levelOf(records, 'eligible.leader.replicas.version') === 0) return []
  const name = 'min.insync.replicas'
  const value = String(config.minInsyncReplicas)
  return [{ kind: 'config', version: 0, value: { resourceType: 4, resourceName: '', name, value } }]
}
