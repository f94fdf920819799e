/** One member's way towards its target assignment, put on record, with the timers that watch it. */
import type { GroupCluster } from '../cluster.ts'
import { revocationTimer } from '../draft.ts'
import type { TopicPartitions } from '../events.ts'
import type { ConsumerDraft } from './draft.ts'
import type { ConsumerGroup } from './group.ts'
import { type Assignment, type ConsumerMember, memberStates, sameProgress } from './member.ts'
import { reconcile } from './reconcile.ts'

export function ownedOf(topicPartitions: readonly TopicPartitions[] | null): Assignment | null {
  if (!topicPartitions) return null
  const owned = new Map<string, readonly number[]>()
  for (const { topicId, partitions } of topicPartitions) {
    if (partitions.length > 0) owned.set(topicId, [...(owned.get(topicId) ?? []), ...partitions])
  }
  return owned
}

/** Takes the member a step further; tells the member as it then is. */
export function reconcileMember(
  draft: ConsumerDraft,
  member: ConsumerMember,
  owned: Assignment | null,
): ConsumerMember {
  const { group, groupId } = draft
  const subscribed = subscriptionOf(group, member, draft.cluster)
  const next = reconcile(member, {
    targetEpoch: group.assignmentEpoch,
    target: group.targetOf(member.id),
    owned,
    isSubscribed: topicId => subscribed(topicId),
    isTaken: (topicId, partition) => {
      const owner = group.ownerOf(topicId, partition)
      return owner !== null && owner !== member.id
    },
  })
  if (sameProgress(next, member)) return member
  const { memberEpoch, previousEpoch, state, assigned, revoking } = next
  const value = { memberEpoch, previousEpoch, state, assigned, revoking }
  draft.write({ kind: 'consumerCurrent', groupId, memberId: member.id, value })
  watchRevocation(draft, member.id)
  return draft.group.members.get(member.id) ?? member
}

/** A member must give up its partitions within its rebalance timeout. */
function watchRevocation(draft: ConsumerDraft, memberId: string): void {
  const { groupId } = draft
  const member = draft.group.members.get(memberId)
  const name = revocationTimer(groupId, memberId)
  if (member?.state !== memberStates.unrevoked) return draft.cancel(name)
  const { memberEpoch, rebalanceTimeoutMs } = member
  draft.set(name, Math.max(rebalanceTimeoutMs, 0), { kind: 'revocationExpired', groupId, memberId, memberEpoch })
}

/** A new coordinator gives everyone a whole session, and a whole rebalance timeout. */
export function watchMembers(draft: ConsumerDraft): void {
  const { sessionTimeoutMs } = draft.cluster.consumerTimes(draft.groupId)
  for (const { id, classic } of draft.group.members.values()) {
    draft.keepAlive(id, classic?.sessionTimeoutMs ?? sessionTimeoutMs)
    watchRevocation(draft, id)
  }
}

function subscriptionOf(group: ConsumerGroup, member: ConsumerMember, cluster: GroupCluster) {
  const names = setOf(member.subscribedTopicNames)
  const resolved = member.subscribedTopicRegex ? group.regexes.get(member.subscribedTopicRegex) : undefined
  const matches = setOf(resolved?.topics ?? nothing)
  return (topicId: string): boolean => {
    const name = cluster.topicName(topicId)
    return name !== null && (names.has(name) || matches.has(name))
  }
}

const nothing: readonly string[] = []

/** Lists of topics are values that live long, and are looked at with every heartbeat. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>()

function setOf(names: readonly string[]): ReadonlySet<string> {
  const known = sets.get(names)
  if (known) return known
  const made = new Set(names)
  sets.set(names, made)
  return made
}
