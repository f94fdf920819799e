/** The records of the metadata log by name, and their form in it. */

import type { MessageOf } from '../../protocol/schema.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../../protocol/stored/framing.ts'
import {
  abortTransactionRecord,
  accessControlEntryRecord,
  beginTransactionRecord,
  brokerRegistrationChangeRecord,
  clearElrRecord,
  clientQuotaRecord,
  configRecord,
  delegationTokenRecord,
  endTransactionRecord,
  featureLevelRecord,
  fenceBrokerRecord,
  noOpRecord,
  partitionChangeRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  registerControllerRecord,
  removeAccessControlEntryRecord,
  removeDelegationTokenRecord,
  removeTopicRecord,
  removeUserScramCredentialRecord,
  topicRecord,
  unfenceBrokerRecord,
  unregisterBrokerRecord,
  userScramCredentialRecord,
  zkMigrationStateRecord,
} from '../../protocol/stored/metadata.ts'
import { assert } from '../lib/assert.ts'
import type { RecordCodec } from '../machine/machine.ts'

const messages = {
  registerBroker: registerBrokerRecord,
  unregisterBroker: unregisterBrokerRecord,
  topic: topicRecord,
  partition: partitionRecord,
  config: configRecord,
  partitionChange: partitionChangeRecord,
  fenceBroker: fenceBrokerRecord,
  unfenceBroker: unfenceBrokerRecord,
  removeTopic: removeTopicRecord,
  delegationToken: delegationTokenRecord,
  userScramCredential: userScramCredentialRecord,
  featureLevel: featureLevelRecord,
  clientQuota: clientQuotaRecord,
  producerIds: producerIdsRecord,
  brokerRegistrationChange: brokerRegistrationChangeRecord,
  accessControlEntry: accessControlEntryRecord,
  removeAccessControlEntry: removeAccessControlEntryRecord,
  noOp: noOpRecord,
  zkMigrationState: zkMigrationStateRecord,
  removeUserScramCredential: removeUserScramCredentialRecord,
  beginTransaction: beginTransactionRecord,
  endTransaction: endTransactionRecord,
  abortTransaction: abortTransactionRecord,
  removeDelegationToken: removeDelegationTokenRecord,
  registerController: registerControllerRecord,
  clearElr: clearElrRecord,
} as const

type Messages = typeof messages
export type RecordKind = keyof Messages
export type ValueOfKind<K extends RecordKind> = MessageOf<Messages[K]>

/** One record with the version in which it is, or will be, written. */
export type MetadataRecord = {
  [K in RecordKind]: { readonly kind: K; readonly version: number; readonly value: ValueOfKind<K> }
}[RecordKind]

const kindByName = new Map<string, RecordKind>(
  Object.entries(messages).map(([kind, message]) => [message.name, kind as RecordKind]),
)

/** The value of a metadata record as it stands in the log. */
export function encodeRecord(record: MetadataRecord): Buffer {
  return encodeMetadataRecord(messages[record.kind], record.version, record.value)
}

/** Throws ParseError for bytes that are no metadata record known here. */
export function decodeRecord(bytes: Buffer): MetadataRecord {
  const { name, version, value } = decodeMetadataRecord(bytes)
  const kind = kindByName.get(name)
  assert(kind, `metadata record ${name} has no kind`)
  return { kind, version, value } as MetadataRecord
}

export const metadataCodec: RecordCodec<MetadataRecord> = {
  encode: record => ({ key: null, value: encodeRecord(record) }),
  decode: (_key, value): MetadataRecord | null => (value ? decodeRecord(value) : null),
}
