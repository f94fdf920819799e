/** Answers of the classic protocol, and the answer to a request that failed as a whole. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import { type ClassicGroup, noAssignment } from './classic-group.ts'
import type {
  ConsumerHeartbeatReply,
  DescribedConsumerGroup,
  GroupEvent,
  GroupReply,
  JoinReply,
  LeaveEvent,
  LeaveReply,
  MemberEvent,
  OffsetCommitEvent,
  OffsetCommitReply,
  TxnOffsetCommitEvent,
  TxnOffsetCommitReply,
} from './events.ts'

export function joinError(memberId: string, errorCode: ErrorCode): JoinReply {
  return {
    kind: 'join',
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

/** The present generation, for one member; the leader is told everyone's metadata. */
export function joinAnswer(group: ClassicGroup, memberId: string, withMembers: boolean): JoinReply {
  const members = withMembers
    ? [...group.members.values()].map(member => ({
        memberId: member.id,
        groupInstanceId: member.groupInstanceId,
        metadata: group.metadataOf(member),
      }))
    : []
  return {
    kind: 'join',
    errorCode: Errors.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members,
  }
}

export function syncError(errorCode: ErrorCode): GroupReply {
  return { kind: 'sync', errorCode, protocolType: null, protocolName: null, assignment: noAssignment }
}

export function syncAnswer(group: ClassicGroup, assignment: Buffer): GroupReply {
  const { protocolType, protocolName } = group
  return { kind: 'sync', errorCode: Errors.NONE, protocolType, protocolName, assignment }
}

/** What a member of the classic protocol is answered that may not do what it asks for. */
export function refusedMember(event: MemberEvent, errorCode: ErrorCode): GroupReply {
  switch (event.kind) {
    case 'join':
      return joinError(event.memberId, errorCode)
    case 'sync':
      return syncError(errorCode)
    case 'heartbeat':
      return { kind: 'heartbeat', errorCode }
    case 'leave':
      return leaveError(event, Errors.NONE, errorCode)
  }
}

export function leaveError(event: LeaveEvent, errorCode: ErrorCode, memberError: ErrorCode): LeaveReply {
  const members = event.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: memberError,
  }))
  return { kind: 'leave', errorCode, members }
}

/** Every partition of a commit with its own error. */
export function commitAnswer<E extends OffsetCommitEvent | TxnOffsetCommitEvent>(
  event: E,
  errorOf: (partition: OffsetCommitEvent['topics'][number]['partitions'][number]) => ErrorCode,
): OffsetCommitReply | TxnOffsetCommitReply {
  return {
    kind: event.kind,
    topics: event.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(partition => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorOf(partition),
      })),
    })),
  }
}

export function consumerHeartbeatError(errorCode: ErrorCode, errorMessage: string | null): ConsumerHeartbeatReply {
  return {
    kind: 'consumerHeartbeat',
    errorCode,
    errorMessage,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}

export function consumerDescribeError(
  groupId: string,
  errorCode: ErrorCode,
  errorMessage: string | null,
): DescribedConsumerGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

/** What an event is answered when the coordinator as a whole cannot serve it. */
export function failedReply(errorCode: ErrorCode, event: GroupEvent): GroupReply {
  switch (event.kind) {
    case 'join':
      return joinError(event.memberId, errorCode)
    case 'sync':
      return syncError(errorCode)
    case 'leave':
      return { kind: 'leave', errorCode, members: [] }
    case 'describe':
      return {
        kind: 'describe',
        groups: event.groupIds.map(groupId => ({
          errorCode,
          errorMessage: null,
          groupId,
          groupState: '',
          protocolType: '',
          protocolData: '',
          members: [],
        })),
      }
    case 'consumerHeartbeat':
      return consumerHeartbeatError(errorCode, null)
    case 'consumerDescribe':
      return {
        kind: 'consumerDescribe',
        groups: event.groupIds.map(groupId => consumerDescribeError(groupId, errorCode, null)),
      }
    case 'list':
      return { kind: 'list', errorCode, groups: [] }
    case 'deleteGroups':
      return { kind: 'deleteGroups', results: event.groupIds.map(groupId => ({ groupId, errorCode })) }
    case 'offsetCommit':
    case 'txnOffsetCommit':
      return commitAnswer(event, () => errorCode)
    case 'offsetFetch':
      return { kind: 'offsetFetch', errorCode, groupId: event.groupId, topics: [] }
    case 'offsetDelete':
      return { kind: 'offsetDelete', errorCode, topics: [] }
    case 'topicsDeleted':
      return { kind: 'topicsDeleted', errorCode }
    default:
      // Heartbeats; and timers, which nobody reads the answer of.
      return { kind: 'heartbeat', errorCode }
  }
}
