/**
 * What a group coordinator writes into `__consumer_offsets`, in Kafka's bytes: a key that begins with its record type,
 * and a value that begins with its version. Those of groups of the consumer protocol are in `consumer/records.ts`; records of
 * other kinds of groups, and of later Kafkas, are passed over.
 */
import {
  coordinatorKeyType,
  decodeCoordinatorKey,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeVersioned,
} from '../../../protocol/stored/framing.ts'
import {
  groupMetadataKey,
  groupMetadataValue,
  legacyOffsetCommitKey,
  offsetCommitKey,
  offsetCommitValue,
} from '../../../protocol/stored/group-classic.ts'
import { copyOf } from '../../lib/copy.ts'
import type { LogEntry, RecordCodec } from '../../machine/machine.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ConsumerRecord, decodeConsumerRecord, encodeConsumerRecord } from './consumer/records.ts'
import type { CommittedOffset } from './offsets.ts'

export interface StoredMember {
  readonly id: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** For the group's protocol; empty without one. */
  readonly subscription: Buffer
  readonly assignment: Buffer
}

export interface StoredGroup {
  /** Empty for none. */
  readonly protocolType: string
  readonly protocolName: string | null
  readonly generation: number
  readonly leaderId: string | null
  /** Wall clock; -1 for none. */
  readonly stateTimestampMs: number
  readonly members: readonly StoredMember[]
}

export type GroupRecord =
  | ConsumerRecord
  | { readonly kind: 'group'; readonly groupId: string; readonly value: StoredGroup | null }
  | {
      readonly kind: 'offset'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly value: CommittedOffset | null
    }
  /** A rebalance in progress lives in memory only: clients begin it anew after a change of coordinator. */
  | { readonly kind: 'memory'; readonly groupId: string; readonly group: ClassicGroup }

export function groupRecord(group: ClassicGroup): GroupRecord {
  const value: StoredGroup = {
    protocolType: group.protocolType ?? '',
    protocolName: group.protocolName,
    generation: group.generation,
    leaderId: group.leaderId,
    stateTimestampMs: group.stateTimestampMs ?? -1,
    members: [...group.members.values()].map(member => ({
      id: member.id,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.sessionTimeoutMs,
      subscription: group.metadataOf(member),
      assignment: member.assignment,
    })),
  }
  return { kind: 'group', groupId: group.id, value }
}

/** The version of group metadata that Kafka writes: 4 would only add room for tagged fields that nobody defined yet. */
const groupValueVersion = 3

/** As Kafka 4.3 chooses: 4 knows the topic id, but only 1 ever had an expiry. */
function offsetValueVersion({ expireTimestampMs }: CommittedOffset): number {
  return expireTimestampMs === -1 ? 4 : 1
}

export const groupRecordCodec: RecordCodec<GroupRecord> = {
  encode(record): LogEntry | null {
    switch (record.kind) {
      case 'memory':
        return null
      case 'group': {
        const key = encodeCoordinatorKey(groupMetadataKey, { group: record.groupId })
        return { key, value: record.value && encodeGroup(record.value) }
      }
      case 'offset': {
        const { groupId: group, topic, partition } = record
        const key = encodeCoordinatorKey(offsetCommitKey, { group, topic, partition })
        return { key, value: record.value && encodeOffset(record.value) }
      }
      default:
        return encodeConsumerRecord(record)
    }
  },

  decode(key, value): GroupRecord | null {
    if (!key) return null
    const type = coordinatorKeyType(key)
    switch (type) {
      case legacyOffsetCommitKey.type: {
        const { group: groupId, topic, partition } = decodeCoordinatorKey(legacyOffsetCommitKey, key)
        return { kind: 'offset', groupId, topic, partition, value: value && decodeOffset(value) }
      }
      case offsetCommitKey.type: {
        const { group: groupId, topic, partition } = decodeCoordinatorKey(offsetCommitKey, key)
        return { kind: 'offset', groupId, topic, partition, value: value && decodeOffset(value) }
      }
      case groupMetadataKey.type: {
        const { group: groupId } = decodeCoordinatorKey(groupMetadataKey, key)
        return { kind: 'group', groupId, value: value && decodeGroup(value) }
      }
      default:
        return decodeConsumerRecord(type, key, value)
    }
  },
}

function encodeOffset(value: CommittedOffset): Buffer {
  return encodeVersioned(offsetCommitValue, offsetValueVersion(value), {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestamp: value.commitTimestampMs,
    expireTimestamp: value.expireTimestampMs,
    topicId: value.topicId,
  })
}

function decodeOffset(value: Buffer): CommittedOffset {
  const stored = decodeVersioned(offsetCommitValue, value)
  return {
    offset: stored.offset,
    leaderEpoch: stored.leaderEpoch,
    metadata: stored.metadata,
    commitTimestampMs: stored.commitTimestamp,
    expireTimestampMs: stored.expireTimestamp,
    topicId: stored.topicId,
  }
}

function encodeGroup(value: StoredGroup): Buffer {
  return encodeVersioned(groupMetadataValue, groupValueVersion, {
    protocolType: value.protocolType,
    generation: value.generation,
    protocol: value.protocolName,
    leader: value.leaderId,
    currentStateTimestamp: value.stateTimestampMs,
    members: value.members.map(member => ({
      memberId: member.id,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  })
}

function decodeGroup(value: Buffer): StoredGroup {
  const stored = decodeVersioned(groupMetadataValue, value)
  return {
    protocolType: stored.protocolType,
    protocolName: stored.protocol,
    generation: stored.generation,
    leaderId: stored.leader,
    stateTimestampMs: stored.currentStateTimestamp,
    members: stored.members.map(member => ({
      id: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 knew one timeout for both.
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      // Views of the chunk that is replayed: the group outlives it.
      subscription: copyOf(member.subscription),
      assignment: copyOf(member.assignment),
    })),
  }
}
