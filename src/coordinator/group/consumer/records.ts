/** What groups of the consumer protocol write into `__consumer_offsets`, in Kafka's bytes. */
import {
  decodeCoordinatorKey,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeVersioned,
} from '../../../../protocol/stored/framing.ts'
import * as stored from '../../../../protocol/stored/group-consumer.ts'
import { copyOf } from '../../../lib/copy.ts'
import type { LogEntry } from '../../../machine/machine.ts'
import {
  type Assignment,
  type MemberProgress,
  type MemberState,
  type MemberTerms,
  memberStates,
  type OwnedPartitions,
} from './member.ts'

export interface ResolvedRegex {
  /** Sorted. */
  readonly topics: readonly string[]
  /** Offset of the metadata log whose topics were looked at. */
  readonly version: number
  readonly timestampMs: number
}

/** `value` null takes away what was there. */
export type ConsumerRecord =
  | {
      readonly kind: 'consumerGroup'
      readonly groupId: string
      readonly value: { readonly epoch: number; readonly metadataHash: bigint } | null
    }
  | {
      readonly kind: 'consumerPartitionMetadata'
      readonly groupId: string
      /** What it says is not used any more. */
      readonly value: Record<string, never> | null
    }
  | {
      readonly kind: 'consumerMember'
      readonly groupId: string
      readonly memberId: string
      readonly value: MemberTerms | null
    }
  | {
      readonly kind: 'consumerTarget'
      readonly groupId: string
      readonly value: { readonly epoch: number; readonly timestampMs: number } | null
    }
  | {
      readonly kind: 'consumerTargetMember'
      readonly groupId: string
      readonly memberId: string
      readonly value: Assignment | null
    }
  | {
      readonly kind: 'consumerCurrent'
      readonly groupId: string
      readonly memberId: string
      readonly value: MemberProgress | null
    }
  | {
      readonly kind: 'consumerRegex'
      readonly groupId: string
      readonly regex: string
      readonly value: ResolvedRegex | null
    }
  /** The group has looked at the topics of the cluster as they were at this version. Not written. */
  | { readonly kind: 'consumerMemory'; readonly groupId: string; readonly checkedVersion: number }

const {
  consumerGroupMetadataKey: groupKey,
  consumerGroupMetadataValue: groupValue,
  consumerGroupPartitionMetadataKey: partitionMetadataKey,
  consumerGroupMemberMetadataKey: memberKey,
  consumerGroupMemberMetadataValue: memberValue,
  consumerGroupTargetAssignmentMetadataKey: targetKey,
  consumerGroupTargetAssignmentMetadataValue: targetValue,
  consumerGroupTargetAssignmentMemberKey: targetMemberKey,
  consumerGroupTargetAssignmentMemberValue: targetMemberValue,
  consumerGroupCurrentMemberAssignmentKey: currentKey,
  consumerGroupCurrentMemberAssignmentValue: currentValue,
  consumerGroupRegularExpressionKey: regexKey,
  consumerGroupRegularExpressionValue: regexValue,
} = stored

/** Null for what only lives in memory. */
export function encodeConsumerRecord(record: ConsumerRecord): LogEntry | null {
  const { groupId } = record
  switch (record.kind) {
    case 'consumerMemory':
      return null
    case 'consumerGroup': {
      const { value } = record
      return { key: encodeCoordinatorKey(groupKey, { groupId }), value: value && encodeVersioned(groupValue, 0, value) }
    }
    case 'consumerPartitionMetadata':
      // Only ever taken away.
      return { key: encodeCoordinatorKey(partitionMetadataKey, { groupId }), value: null }
    case 'consumerMember': {
      const { memberId, value } = record
      return { key: encodeCoordinatorKey(memberKey, { groupId, memberId }), value: value && encodeTerms(value) }
    }
    case 'consumerTarget': {
      const { value } = record
      const body = value && { assignmentEpoch: value.epoch, assignmentTimestamp: value.timestampMs }
      return { key: encodeCoordinatorKey(targetKey, { groupId }), value: body && encodeVersioned(targetValue, 0, body) }
    }
    case 'consumerTargetMember': {
      const { memberId, value } = record
      const topicPartitions =
        value && [...value].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
      return {
        key: encodeCoordinatorKey(targetMemberKey, { groupId, memberId }),
        value: topicPartitions && encodeVersioned(targetMemberValue, 0, { topicPartitions }),
      }
    }
    case 'consumerCurrent': {
      const { memberId, value } = record
      return { key: encodeCoordinatorKey(currentKey, { groupId, memberId }), value: value && encodeProgress(value) }
    }
    case 'consumerRegex': {
      const { regex: regularExpression, value } = record
      const body = value && { topics: [...value.topics], version: value.version, timestamp: value.timestampMs }
      return {
        key: encodeCoordinatorKey(regexKey, { groupId, regularExpression }),
        value: body && encodeVersioned(regexValue, 0, body),
      }
    }
  }
}

/** Null for keys of other types. Throws ParseError. */
export function decodeConsumerRecord(type: number, key: Buffer, value: Buffer | null): ConsumerRecord | null {
  switch (type) {
    case groupKey.type: {
      const { groupId } = decodeCoordinatorKey(groupKey, key)
      return { kind: 'consumerGroup', groupId, value: value && decodeVersioned(groupValue, value) }
    }
    case partitionMetadataKey.type: {
      const { groupId } = decodeCoordinatorKey(partitionMetadataKey, key)
      return { kind: 'consumerPartitionMetadata', groupId, value: value && {} }
    }
    case memberKey.type: {
      const { groupId, memberId } = decodeCoordinatorKey(memberKey, key)
      return { kind: 'consumerMember', groupId, memberId, value: value && decodeTerms(value) }
    }
    case targetKey.type: {
      const { groupId } = decodeCoordinatorKey(targetKey, key)
      const body = value && decodeVersioned(targetValue, value)
      const target = body && { epoch: body.assignmentEpoch, timestampMs: body.assignmentTimestamp }
      return { kind: 'consumerTarget', groupId, value: target }
    }
    case targetMemberKey.type: {
      const { groupId, memberId } = decodeCoordinatorKey(targetMemberKey, key)
      const body = value && decodeVersioned(targetMemberValue, value)
      const target = body && new Map(body.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]))
      return { kind: 'consumerTargetMember', groupId, memberId, value: target }
    }
    case currentKey.type: {
      const { groupId, memberId } = decodeCoordinatorKey(currentKey, key)
      return { kind: 'consumerCurrent', groupId, memberId, value: value && decodeProgress(value) }
    }
    case regexKey.type: {
      const { groupId, regularExpression: regex } = decodeCoordinatorKey(regexKey, key)
      const body = value && decodeVersioned(regexValue, value)
      const resolved = body && { topics: body.topics, version: body.version, timestampMs: body.timestamp }
      return { kind: 'consumerRegex', groupId, regex, value: resolved }
    }
    default:
      return null
  }
}

function encodeTerms({ classic, ...terms }: MemberTerms): Buffer {
  return encodeVersioned(memberValue, 0, {
    ...terms,
    subscribedTopicNames: [...terms.subscribedTopicNames],
    classicMemberMetadata: classic && {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      supportedProtocols: [...classic.protocols],
    },
  })
}

function decodeTerms(value: Buffer): MemberTerms {
  const { classicMemberMetadata, ...terms } = decodeVersioned(memberValue, value)
  return {
    ...terms,
    classic: classicMemberMetadata && {
      sessionTimeoutMs: classicMemberMetadata.sessionTimeoutMs,
      // Views of the chunk that is replayed: the group outlives it.
      protocols: classicMemberMetadata.supportedProtocols.map(({ name, metadata }) => ({
        name,
        metadata: copyOf(metadata),
      })),
    },
  }
}

function encodeProgress({ memberEpoch, previousEpoch, state, assigned, revoking }: MemberProgress): Buffer {
  return encodeVersioned(currentValue, 0, {
    memberEpoch,
    previousMemberEpoch: previousEpoch,
    state,
    assignedPartitions: encodeOwned(assigned),
    partitionsPendingRevocation: encodeOwned(revoking),
  })
}

function encodeOwned(owned: OwnedPartitions) {
  return [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
    assignmentEpochs: [...partitions.values()],
  }))
}

function decodeProgress(value: Buffer): MemberProgress {
  const body = decodeVersioned(currentValue, value)
  const { memberEpoch } = body
  return {
    memberEpoch,
    previousEpoch: body.previousMemberEpoch,
    state: stateOf(body.state),
    assigned: decodeOwned(body.assignedPartitions, memberEpoch),
    revoking: decodeOwned(body.partitionsPendingRevocation, memberEpoch),
  }
}

function stateOf(code: number): MemberState {
  return Object.values(memberStates).find(state => state === code) ?? memberStates.unknown
}

interface StoredPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
  readonly assignmentEpochs: readonly number[] | null
}

/** Older records do not tell since when a partition is assigned. */
function decodeOwned(owned: readonly StoredPartitions[], memberEpoch: number): OwnedPartitions {
  return new Map(
    owned.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, i) => [partition, assignmentEpochs?.[i] ?? memberEpoch])),
    ]),
  )
}
