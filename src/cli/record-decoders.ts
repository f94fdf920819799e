/** What records of internal topics say, as the text that stands for their key and payload in a dump. */
import { ParseError } from '../../protocol/reader.ts'
import type { RecordData } from '../../protocol/records/record.ts'
import type { AnyMessage } from '../../protocol/schema.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/stored/consumer-protocol.ts'
import {
  coordinatorKeyType,
  decodeCoordinatorKey,
  decodeMetadataRecord,
  decodeVersioned,
  versionOf,
} from '../../protocol/stored/framing.ts'
import * as classic from '../../protocol/stored/group-classic.ts'
import * as consumer from '../../protocol/stored/group-consumer.ts'
import * as shareGroup from '../../protocol/stored/group-share.ts'
import * as streams from '../../protocol/stored/group-streams.ts'
import * as metadata from '../../protocol/stored/metadata.ts'
import * as share from '../../protocol/stored/share.ts'
import * as transaction from '../../protocol/stored/transaction.ts'
import { messageJson } from './message-json.ts'

/** Null: nothing is printed for it. */
export interface Decoded {
  readonly key: string | null
  readonly payload: string | null
}

export type RecordDecoder = (record: RecordData) => Decoded

/** Key and value as UTF-8. */
export const decodeText: RecordDecoder = ({ key, value }) => ({
  key: key?.toString('utf8') ?? null,
  payload: value?.toString('utf8') ?? null,
})

/** Records of `__cluster_metadata`. */
export const decodeMetadata: RecordDecoder = ({ offset, value }) => {
  try {
    if (value === null) throw new ParseError('record without value', 0)
    const { name, version, value: data } = decodeMetadataRecord(value)
    const message = metadataMessages.get(name)
    if (!message) throw new ParseError(`unknown record ${name}`, 0)
    const type = name.replace(/[a-z](?=[A-Z])/g, '$&_').toUpperCase()
    return {
      key: null,
      payload: `{"type":"${type}","version":${version},"data":${messageJson(message, version, data)}}`,
    }
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return { key: null, payload: `Error at ${offset}, skipping. ${error.message}` }
  }
}

const metadataMessages: ReadonlyMap<string, AnyMessage> = new Map(
  Object.values(metadata).map(each => [each.name, each]),
)

interface Pair {
  readonly key: AnyMessage
  readonly value: AnyMessage
}

/** Tables of keys and values that share a record type. */
function pairs(...groups: readonly Readonly<Record<string, AnyMessage>>[]): ReadonlyMap<number, Pair> {
  const all = groups.flatMap(group => Object.values(group))
  const found = new Map<number, Pair>()
  for (const key of all.filter(({ name }) => name.endsWith('Key'))) {
    const value = all.find(({ name, type }) => type === key.type && name.endsWith('Value'))
    if (value) found.set(key.type, { key, value })
  }
  return found
}

const offsetsPairs = new Map(pairs(classic, consumer, shareGroup, streams))
// Offsets of the oldest kind of key have the values of the others.
offsetsPairs.set(classic.legacyOffsetCommitKey.type, {
  key: classic.legacyOffsetCommitKey,
  value: classic.offsetCommitValue,
})

/** Records of `__consumer_offsets`. */
export const decodeOffsets = coordinatorDecoder(offsetsPairs)
/** Records of `__transaction_state`. */
export const decodeTransactions = coordinatorDecoder(pairs(transaction))
/** Records of `__share_group_state`. */
export const decodeShareState = coordinatorDecoder(pairs(share))

function coordinatorDecoder(known: ReadonlyMap<number, Pair>): RecordDecoder {
  return ({ offset, key, value }) => {
    try {
      if (key === null) throw new ParseError('record without key', 0)
      const type = coordinatorKeyType(key)
      const pair = known.get(type)
      if (!pair) return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, payload: null }
      const data = messageJson(pair.key, 0, decodeCoordinatorKey(pair.key, key))
      return { key: `{"type":"${type}","data":${data}}`, payload: value === null ? '<DELETE>' : valueJson(pair, value) }
    } catch (error) {
      if (!(error instanceof ParseError)) throw error
      return { key: `Error at offset ${offset}, skipping. ${error.message}`, payload: null }
    }
  }
}

function valueJson({ value: message }: Pair, bytes: Buffer): string {
  const version = versionOf(bytes)
  const value = decodeVersioned(message, bytes)
  const members = 'protocolType' in value && value.protocolType === 'consumer' ? memberJson : undefined
  return `{"version":"${version}","data":${messageJson(message, version, value, members)}}`
}

/** Members of consumer groups keep messages of the clients' own protocol in bytes. */
function memberJson(name: string, value: unknown): string | null {
  if (!Buffer.isBuffer(value) || value.length === 0) return null
  const message =
    name === 'subscription' ? consumerProtocolSubscription : name === 'assignment' ? consumerProtocolAssignment : null
  if (!message) return null
  try {
    const version = Math.min(versionOf(value), message.versions.high)
    return messageJson(message, version, decodeVersioned<AnyMessage>(message, value, true))
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
}
