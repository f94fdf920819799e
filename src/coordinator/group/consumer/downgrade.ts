/** A group whose last member of the consumer protocol went becomes a classic group of those that are left. */
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from '../../../../protocol/stored/consumer-protocol.ts'
import { encodeVersioned, versionOf } from '../../../../protocol/stored/framing.ts'
import { ClassicGroup, consumerProtocolType } from '../classic-group.ts'
import { prepareRebalance } from '../classic-rebalance.ts'
import type { GroupCluster } from '../cluster.ts'
import { Draft, joinTimer, revocationTimer, syncTimer } from '../draft.ts'
import type { ConsumerDraft } from './draft.ts'
import type { ConsumerMember, OwnedPartitions } from './member.ts'
import { assignmentOf } from './reconcile.ts'

export function canDowngrade({ group, settings }: ConsumerDraft): boolean {
  const { migrationPolicy } = settings.consumer
  if (migrationPolicy !== 'downgrade' && migrationPolicy !== 'bidirectional') return false
  if (group.members.size === 0 || group.members.size > settings.membersMax) return false
  for (const member of group.members.values()) if (!member.classic) return false
  return true
}

/** The members keep what they own, and are asked to join again. */
export function downgrade(draft: ConsumerDraft): Draft {
  const classic = asClassicGroup(draft)
  eraseGroup(draft)
  const successor = new Draft(classic, draft.context, draft.settings)
  successor.persist()
  for (const { id, sessionTimeoutMs } of classic.members.values()) {
    for (const timer of [revocationTimer, joinTimer, syncTimer]) draft.cancel(timer(classic.id, id))
    successor.keepAlive(id, sessionTimeoutMs)
  }
  prepareRebalance(successor)
  draft.become(successor)
  return successor
}

/** Takes everything that is on record of the group, but for its offsets. */
export function eraseGroup(draft: ConsumerDraft): void {
  const { group, groupId } = draft
  const memberIds = new Set([...group.members.keys(), ...group.targets.keys()])
  const regexes = [...group.regexes.keys()]
  for (const memberId of memberIds) draft.write({ kind: 'consumerCurrent', groupId, memberId, value: null })
  for (const memberId of memberIds) draft.write({ kind: 'consumerTargetMember', groupId, memberId, value: null })
  draft.write({ kind: 'consumerTarget', groupId, value: null })
  for (const memberId of memberIds) draft.write({ kind: 'consumerMember', groupId, memberId, value: null })
  if (group.hasPartitionMetadata) draft.write({ kind: 'consumerPartitionMetadata', groupId, value: null })
  for (const regex of regexes) draft.write({ kind: 'consumerRegex', groupId, regex, value: null })
  draft.write({ kind: 'consumerGroup', groupId, value: null })
}

function asClassicGroup({ group, cluster, context }: ConsumerDraft): ClassicGroup {
  const classic = new ClassicGroup(group.id)
  classic.state = 'Stable'
  classic.previousState = 'Stable'
  classic.stateTimestampMs = context.nowMs
  classic.generation = group.epoch
  classic.protocolType = consumerProtocolType
  for (const member of group.classicMembers()) {
    classic.add({
      id: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.classic?.sessionTimeoutMs ?? 0,
      protocols: member.classic?.protocols ?? [],
      assignment: classicAssignment(member, cluster),
      joinTicket: null,
      syncTicket: null,
      isNew: false,
      synced: true,
    })
  }
  classic.protocolName = classic.electProtocol()
  classic.updateSubscribedTopics()
  return classic
}

/** What a classic member is told that it owns, in the version in which it subscribes. */
export function classicAssignment(member: ConsumerMember, cluster: GroupCluster): Buffer {
  const metadata = member.classic?.protocols[0]?.metadata
  const { high } = consumerProtocolSubscription.versions
  const version = metadata && metadata.length >= 2 ? Math.min(Math.max(versionOf(metadata), 0), high) : 0
  return encodeVersioned(consumerProtocolAssignment, version, { assignedPartitions: named(member.assigned, cluster) })
}

function named(owned: OwnedPartitions, cluster: GroupCluster) {
  return [...assignmentOf(owned)].flatMap(([topicId, partitions]) => {
    const topic = cluster.topicName(topicId)
    return topic === null ? [] : [{ topic, partitions: [...partitions] }]
  })
}
