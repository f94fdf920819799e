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
  const level = records.find(record => record.kind === 'featureLevel' && record.value.name === metadataVersionFeature)
  const wrapped = level?.kind === 'featureLevel' && hasTransactions(level.value.featureLevel)
  if (!wrapped) return { records, answer: null }
  return {
    records: [
      { kind: 'beginTransaction', version: 0, value: { name: 'Bootstrap records' } },
      ...records,
      { kind: 'endTransaction', version: 0, value: {} },
    ],
    answer: null,
  }
}
