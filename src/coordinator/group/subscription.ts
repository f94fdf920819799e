/** What consumers of the classic protocol tell their assignor about themselves, and what it hands out. */
import { ParseError } from '../../../protocol/reader.ts'
import type { AnyMessage, MessageOf } from '../../../protocol/schema.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned } from '../../../protocol/stored/framing.ts'

export interface NamedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface Subscription {
  readonly topics: readonly string[]
  /** What the consumer has not given up; nothing in the version that does not tell. */
  readonly ownedPartitions: readonly NamedPartitions[]
  readonly rackId: string | null
}

/** Null when the bytes are not a subscription. */
export function subscriptionOf(metadata: Buffer): Subscription | null {
  return parsed(consumerProtocolSubscription, metadata)
}

/** The subscribed topics, or null when the bytes are not a subscription. */
export function topicsOfSubscription(metadata: Buffer): readonly string[] | null {
  return subscriptionOf(metadata)?.topics ?? null
}

export interface Assigned {
  readonly topics: readonly NamedPartitions[]
  /** The assignor has added something of its own, that nobody else can understand. */
  readonly hasUserData: boolean
}

/** Null when the bytes are not an assignment; no bytes are an assignment of nothing. */
export function assignedTopics(assignment: Buffer): Assigned | null {
  if (assignment.length === 0) return { topics: [], hasUserData: false }
  const found = parsed(consumerProtocolAssignment, assignment)
  return found && { topics: found.assignedPartitions, hasUserData: (found.userData?.length ?? 0) > 0 }
}

function parsed<M extends AnyMessage>(message: M, bytes: Buffer): MessageOf<M> | null {
  try {
    return decodeVersioned(message, bytes, true)
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
}
