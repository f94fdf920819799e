/** What committed offsets need to know of their group: who uses them, and since when nobody does. */
import { ClassicGroup } from './classic-group.ts'
import type { ConsumerGroup } from './consumer/group.ts'
import type { CommittedOffset } from './offsets.ts'

export interface GroupUsage {
  readonly id: string
  readonly isEmpty: boolean
  /** Nobody is in it, and nobody is about to come. */
  readonly isIdle: boolean
  /** Its topics are known. */
  readonly isConsumer: boolean
  isSubscribedTo(topic: string): boolean
  /** Wall clock since when nobody uses an offset; null while somebody may. */
  idleSinceMs(topic: string, value: CommittedOffset): number | null
}

export function usageOf(group: ClassicGroup | ConsumerGroup): GroupUsage {
  return group instanceof ClassicGroup ? classicUsage(group) : consumerUsage(group)
}

function classicUsage(group: ClassicGroup): GroupUsage {
  const isEmpty = group.state === 'Empty'
  return {
    id: group.id,
    isEmpty,
    isIdle: isEmpty && group.pendingMembers.size === 0,
    isConsumer: group.isConsumer,
    isSubscribedTo: topic => group.isSubscribedTo(topic),
    idleSinceMs: (topic, value) => {
      // Consumers without a group: every commit is a sign of life.
      if (group.protocolType === null) return value.commitTimestampMs
      if (isEmpty) return group.stateTimestampMs ?? value.commitTimestampMs
      const unsubscribed = group.state === 'Stable' && group.subscribedTopics !== null && !group.isSubscribedTo(topic)
      return unsubscribed ? value.commitTimestampMs : null
    },
  }
}

function consumerUsage(group: ConsumerGroup): GroupUsage {
  const isEmpty = group.members.size === 0
  const topics = group.subscribedTopics
  return {
    id: group.id,
    isEmpty,
    isIdle: isEmpty,
    isConsumer: true,
    isSubscribedTo: topic => topics.has(topic),
    idleSinceMs: (topic, value) => (topics.has(topic) ? null : value.commitTimestampMs),
  }
}
