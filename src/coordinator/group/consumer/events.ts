/** Requests of the consumer protocol. Field names are those of the protocol's messages. */
import type { ErrorCode } from '../../../../protocol/errors.ts'

export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface ConsumerHeartbeatEvent {
  readonly kind: 'consumerHeartbeat'
  readonly groupId: string
  /** Empty: the coordinator shall choose one (version 0). */
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId: string | null
  /** Null, or -1 for the timeout: as before. */
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly topicPartitions: readonly TopicPartitions[] | null
  readonly clientId: string
  readonly clientHost: string
  /** The client must have chosen its member id (version 1). */
  readonly memberIdRequired: boolean
}

export interface ConsumerHeartbeatReply {
  readonly kind: 'consumerHeartbeat'
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly memberId: string | null
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null: as before. */
  readonly assignment: { readonly topicPartitions: readonly TopicPartitions[] } | null
}

export interface ConsumerDescribeEvent {
  readonly kind: 'consumerDescribe'
  readonly groupIds: readonly string[]
}

interface DescribedAssignment {
  topicPartitions: { topicId: string; topicName: string; partitions: number[] }[]
}

export interface DescribedConsumerGroup {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly assignorName: string
  readonly members: readonly {
    memberId: string
    instanceId: string | null
    rackId: string | null
    memberEpoch: number
    clientId: string
    clientHost: string
    subscribedTopicNames: string[]
    subscribedTopicRegex: string | null
    assignment: DescribedAssignment
    targetAssignment: DescribedAssignment
    memberType: number
  }[]
}

export interface ConsumerDescribeReply {
  readonly kind: 'consumerDescribe'
  readonly groups: readonly DescribedConsumerGroup[]
}

/** Events that only a timer sends. */
export type ConsumerTimerEvent =
  /** A member has not given up its partitions in time. */
  | {
      readonly kind: 'revocationExpired'
      readonly groupId: string
      readonly memberId: string
      readonly memberEpoch: number
    }
  /** A classic member was told to join again and did not. */
  | { readonly kind: 'rejoinExpired'; readonly groupId: string; readonly memberId: string }
  /** A classic member has joined and not fetched its assignment. */
  | { readonly kind: 'resyncExpired'; readonly groupId: string; readonly memberId: string }
