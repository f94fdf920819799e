/**
 * A classic group of consumers becomes a group of the consumer protocol: its members stay in it as they are, and change over
 * one by one.
 */
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { ClassicGroup, Member } from '../classic-group.ts'
import { failParked } from '../classic-rebalance.ts'
import type { GroupCluster } from '../cluster.ts'
import { Draft, type GroupOutcome, joinTimer, syncTimer } from '../draft.ts'
import type { GroupSettings } from '../settings.ts'
import { assignedTopics, type Subscription, subscriptionOf } from '../subscription.ts'
import type { ConsumerDraft } from './draft.ts'
import { initialTerms, memberStates, type OwnedPartitions } from './member.ts'
import { assignmentOf } from './reconcile.ts'
import { metadataHash } from './target.ts'

function refuse(groupId: string, why: string): KafkaError {
  return new KafkaError(
    Errors.GROUP_ID_NOT_FOUND,
    `Cannot upgrade classic group ${groupId} to consumer group because ${why}`,
  )
}

/** Throws KafkaError when the group must stay as it is. */
export function checkUpgrade(group: ClassicGroup, settings: GroupSettings): void {
  const { migrationPolicy, membersMax } = settings.consumer
  if (migrationPolicy !== 'upgrade' && migrationPolicy !== 'bidirectional') {
    throw refuse(group.id, 'the online upgrade is disabled.')
  }
  if (!group.isConsumer) throw refuse(group.id, 'the group does not use the consumer embedded protocol.')
  if (group.members.size > membersMax) throw refuse(group.id, 'the group size exceeds the consumer group maximum size.')
  for (const member of group.members.values()) {
    if (!subscriptionOfMember(group, member)) throw refuse(group.id, 'the embedded consumer protocol is malformed.')
    const assigned = assignedTopics(member.assignment)
    if (!assigned) throw refuse(group.id, 'the embedded consumer protocol is malformed.')
    if (assigned.hasUserData) throw refuse(group.id, 'an unsupported custom assignor is in use.')
  }
}

/** For the group's protocol; before one is elected, for the one that the member likes best. */
function subscriptionOfMember(group: ClassicGroup, member: Member): Subscription | null {
  const preferred = member.protocols[0]?.metadata
  return subscriptionOf(group.metadataOf(member)) ?? (preferred ? subscriptionOf(preferred) : null)
}

/** What the end of the classic group takes: its record goes, and whoever waits is told to join again. */
export function endClassicGroup(group: ClassicGroup, draft: ConsumerDraft): GroupOutcome {
  const classic = new Draft(group, draft.context, draft.settings)
  failParked(classic)
  const { replies, timers } = classic.outcome()
  return {
    records: [{ kind: 'group', groupId: group.id, value: null }],
    replies,
    timers: { ...timers, [joinTimer(group.id)]: null, [syncTimer(group.id)]: null },
  }
}

/** Writes the members of a classic group, with what they own, into a new group of the consumer protocol. */
export function upgrade(group: ClassicGroup, draft: ConsumerDraft): void {
  const { cluster, groupId } = draft
  const epoch = group.generation
  for (const member of group.members.values()) {
    const memberId = member.id
    const subscription = subscriptionOfMember(group, member)
    draft.write({
      kind: 'consumerMember',
      groupId,
      memberId,
      value: {
        ...initialTerms,
        instanceId: member.groupInstanceId,
        rackId: subscription?.rackId ?? null,
        clientId: member.clientId,
        clientHost: member.clientHost,
        subscribedTopicNames: [...new Set(subscription?.topics)].sort(),
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
      },
    })
  }
  const value = { epoch, metadataHash: metadataHash(draft.group, cluster) }
  draft.write({ kind: 'consumerGroup', groupId, value })
  for (const member of group.members.values()) {
    const assigned = ownedBy(member, epoch, cluster)
    draft.write({ kind: 'consumerTargetMember', groupId, memberId: member.id, value: assignmentOf(assigned) })
  }
  draft.write({ kind: 'consumerTarget', groupId, value: { epoch, timestampMs: 0 } })
  for (const member of group.members.values()) {
    const assigned = ownedBy(member, epoch, cluster)
    const progress = {
      memberEpoch: epoch,
      previousEpoch: epoch,
      state: memberStates.stable,
      assigned,
      revoking: new Map(),
    }
    draft.write({ kind: 'consumerCurrent', groupId, memberId: member.id, value: progress })
    draft.keepAlive(member.id, member.sessionTimeoutMs)
  }
}

/** Of topics that still exist. */
function ownedBy(member: Member, epoch: number, cluster: GroupCluster): OwnedPartitions {
  const owned = new Map<string, Map<number, number>>()
  for (const { topic, partitions } of assignedTopics(member.assignment)?.topics ?? []) {
    const id = cluster.topic(topic)?.id
    if (id === undefined) continue
    const known = owned.get(id) ?? new Map<number, number>()
    for (const partition of partitions) known.set(partition, epoch)
    if (known.size > 0) owned.set(id, known)
  }
  return owned
}
