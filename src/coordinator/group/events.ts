/**
 * What happens to groups, and what they answer. Strings and buffers in here outlive the request: buffers are copies.
 * Field names are those of the protocol's messages, so handlers pass answers on as they are.
 */
import type { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerTransaction } from '../../machine/machine.ts'
import type {
  ConsumerDescribeEvent,
  ConsumerDescribeReply,
  ConsumerHeartbeatEvent,
  ConsumerHeartbeatReply,
  ConsumerTimerEvent,
} from './consumer/events.ts'

export type * from './consumer/events.ts'

export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinEvent {
  readonly kind: 'join'
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  /** A new dynamic member is first told its id and joins again with it (KIP-394, version 4). */
  readonly memberIdRequired: boolean
  /** A replaced static leader may be told to skip the assignment (KIP-814, version 9). */
  readonly canSkipAssignment: boolean
}

export interface JoinReply {
  readonly kind: 'join'
  readonly errorCode: ErrorCode
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  readonly members: readonly { memberId: string; groupInstanceId: string | null; metadata: Buffer }[]
}

export interface SyncEvent {
  readonly kind: 'sync'
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Null where the version has none: not checked. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncReply {
  readonly kind: 'sync'
  readonly errorCode: ErrorCode
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export interface HeartbeatEvent {
  readonly kind: 'heartbeat'
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface HeartbeatReply {
  readonly kind: 'heartbeat'
  readonly errorCode: ErrorCode
}

export interface LeaveEvent {
  readonly kind: 'leave'
  readonly groupId: string
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[]
}

export interface LeaveReply {
  readonly kind: 'leave'
  readonly errorCode: ErrorCode
  readonly members: readonly { memberId: string; groupInstanceId: string | null; errorCode: ErrorCode }[]
}

export interface DescribeEvent {
  readonly kind: 'describe'
  readonly groupIds: readonly string[]
}

export interface DescribedGroup {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly protocolType: string
  readonly protocolData: string
  readonly members: readonly {
    memberId: string
    groupInstanceId: string | null
    clientId: string
    clientHost: string
    memberMetadata: Buffer
    memberAssignment: Buffer
  }[]
}

export interface DescribeReply {
  readonly kind: 'describe'
  readonly groups: readonly DescribedGroup[]
}

export interface ListEvent {
  readonly kind: 'list'
  /** Lower case; empty for all. */
  readonly states: ReadonlySet<string>
  /** Lower case; empty for all. */
  readonly types: ReadonlySet<string>
}

export interface ListReply {
  readonly kind: 'list'
  readonly errorCode: ErrorCode
  readonly groups: readonly { groupId: string; protocolType: string; groupState: string; groupType: string }[]
}

export interface DeleteGroupsEvent {
  readonly kind: 'deleteGroups'
  readonly groupIds: readonly string[]
}

export interface DeleteGroupsReply {
  readonly kind: 'deleteGroups'
  readonly results: readonly { groupId: string; errorCode: ErrorCode }[]
}

export interface OffsetCommitEvent {
  readonly kind: 'offsetCommit'
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Milliseconds that this commit is to be kept, -1 for the broker's setting (versions 2 to 4). */
  readonly retentionTimeMs: number
  /**
   * Version 9: an unknown group is GROUP_ID_NOT_FOUND instead of ILLEGAL_GENERATION, and members of the consumer protocol may
   * commit.
   */
  readonly knowsMemberEpochs: boolean
  readonly topics: readonly OffsetCommitTopic[]
}

export interface OffsetCommitTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: number
    readonly committedLeaderEpoch: number
    readonly committedMetadata: string | null
    /** Milliseconds; now unless given (or -1). */
    readonly commitTimestamp?: number
  }[]
}

export interface OffsetCommitReply {
  readonly kind: 'offsetCommit'
  readonly topics: readonly {
    name: string
    topicId: string
    partitions: readonly { partitionIndex: number; errorCode: ErrorCode }[]
  }[]
}

/** As OffsetCommitEvent, for a transaction: the offsets count when it is committed. */
export interface TxnOffsetCommitEvent {
  readonly kind: 'txnOffsetCommit'
  readonly groupId: string
  /** -1 where the version, or the consumer, has none: not checked. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly transaction: ProducerTransaction
  readonly topics: readonly OffsetCommitTopic[]
}

export interface TxnOffsetCommitReply {
  readonly kind: 'txnOffsetCommit'
  readonly topics: OffsetCommitReply['topics']
}

export interface OffsetFetchEvent {
  readonly kind: 'offsetFetch'
  readonly groupId: string
  /** Null for all. */
  readonly topics:
    | readonly { readonly name: string; readonly topicId: string; readonly partitionIndexes: readonly number[] }[]
    | null
  /** Null and -1 where the version, or the asker, has none: not checked. Only groups of the consumer protocol look at it. */
  readonly memberId: string | null
  readonly memberEpoch: number
  /** A partition with a pending transactional commit is UNSTABLE_OFFSET_COMMIT (KIP-447). */
  readonly requireStable: boolean
}

export interface OffsetFetchReply {
  readonly kind: 'offsetFetch'
  readonly errorCode: ErrorCode
  readonly groupId: string
  readonly topics: readonly {
    name: string
    topicId: string
    partitions: readonly {
      partitionIndex: number
      committedOffset: number
      committedLeaderEpoch: number
      metadata: string
      errorCode: ErrorCode
    }[]
  }[]
}

export interface OffsetDeleteEvent {
  readonly kind: 'offsetDelete'
  readonly groupId: string
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[]
}

export interface OffsetDeleteReply {
  readonly kind: 'offsetDelete'
  readonly errorCode: ErrorCode
  readonly topics: readonly {
    name: string
    partitions: readonly { partitionIndex: number; errorCode: ErrorCode }[]
  }[]
}

export interface TopicsDeletedEvent {
  readonly kind: 'topicsDeleted'
  readonly topics: readonly { readonly name: string; readonly topicId: string }[]
}

export interface TopicsDeletedReply {
  readonly kind: 'topicsDeleted'
  readonly errorCode: ErrorCode
}

/** Events that only a timer sends. */
export type TimerEvent =
  | ConsumerTimerEvent
  | { readonly kind: 'sessionExpired'; readonly groupId: string; readonly memberId: string }
  | { readonly kind: 'joinExpired'; readonly groupId: string }
  | {
      readonly kind: 'initialDelayPassed'
      readonly groupId: string
      readonly delayMs: number
      readonly remainingMs: number
    }
  | { readonly kind: 'syncExpired'; readonly groupId: string; readonly generationId: number }
  | { readonly kind: 'expireOffsets' }

/** Requests of members of the classic protocol. */
export type MemberEvent = JoinEvent | SyncEvent | HeartbeatEvent | LeaveEvent

export type RequestEvent =
  | JoinEvent
  | SyncEvent
  | HeartbeatEvent
  | LeaveEvent
  | DescribeEvent
  | ListEvent
  | DeleteGroupsEvent
  | OffsetCommitEvent
  | TxnOffsetCommitEvent
  | OffsetFetchEvent
  | OffsetDeleteEvent
  | TopicsDeletedEvent
  | ConsumerHeartbeatEvent
  | ConsumerDescribeEvent

export type GroupEvent = RequestEvent | TimerEvent

export type GroupReply =
  | JoinReply
  | SyncReply
  | HeartbeatReply
  | LeaveReply
  | DescribeReply
  | ListReply
  | DeleteGroupsReply
  | OffsetCommitReply
  | TxnOffsetCommitReply
  | OffsetFetchReply
  | OffsetDeleteReply
  | TopicsDeletedReply
  | ConsumerHeartbeatReply
  | ConsumerDescribeReply

/** The reply that belongs to an event. */
export type ReplyTo<E extends RequestEvent> = Extract<GroupReply, { kind: E['kind'] }>
