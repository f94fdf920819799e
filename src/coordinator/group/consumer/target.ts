/** When a group's epoch goes up, and how its target assignment follows. */
import { hash64 } from '../../../lib/hash64.ts'
import type { GroupCluster } from '../cluster.ts'
import type { AssignorMember } from './assignor.ts'
import { assignors } from './assignors.ts'
import type { ConsumerDraft } from './draft.ts'
import type { ConsumerGroup } from './group.ts'
import { type Assignment, sameAssignment } from './member.ts'

/** Of the topics that the group subscribes to and that exist: what an assignment depends on. */
export function metadataHash(group: ConsumerGroup, cluster: GroupCluster): bigint {
  const parts: string[] = []
  for (const name of [...group.subscribedTopics].sort()) {
    const hash = cluster.topicHash(name)
    if (hash !== 0n) parts.push(`${name}:${hash.toString(36)}`)
  }
  return parts.length === 0 ? 0n : hash64(parts.join(','))
}

/** Raises the group's epoch when its members changed, or the topics that they subscribe to. */
export function updateEpoch(draft: ConsumerDraft, membersChanged: boolean): void {
  const { cluster, groupId } = draft
  const topicsVersion = cluster.topicsVersion()
  const isStale = draft.group.checkedVersion !== topicsVersion
  if (!membersChanged && !isStale) return
  if (isStale) draft.write({ kind: 'consumerMemory', groupId, checkedVersion: topicsVersion })
  const hash = metadataHash(draft.group, cluster)
  const isNew = draft.group.epoch === 0
  if (!membersChanged && !isNew && hash === draft.group.metadataHash) return
  bumpEpoch(draft, hash, membersChanged)
}

/** A group begins with epoch 1, in which its first member subscribes to nothing yet. */
export function bumpEpoch(
  draft: ConsumerDraft,
  hash = metadataHash(draft.group, draft.cluster),
  membersChanged = true,
): void {
  const { epoch } = draft.group
  const next = epoch === 0 && membersChanged ? 2 : epoch + 1
  const value = { epoch: next, metadataHash: hash }
  draft.write({ kind: 'consumerGroup', groupId: draft.groupId, value })
}

/** Assigns anew when the group has a newer epoch than its assignment, though not more often than the group allows. */
export function updateTarget(draft: ConsumerDraft): void {
  const { group, cluster, context, groupId } = draft
  if (group.epoch <= group.assignmentEpoch) return
  const { assignmentIntervalMs } = cluster.consumerTimes(groupId)
  if (Math.abs(context.nowMs - group.assignmentTimestampMs) < assignmentIntervalMs) return
  for (const [memberId, target] of computeTarget(draft)) {
    if (sameAssignment(target, group.targetOf(memberId))) continue
    draft.write({ kind: 'consumerTargetMember', groupId, memberId, value: target })
  }
  const value = { epoch: group.epoch, timestampMs: context.nowMs }
  draft.write({ kind: 'consumerTarget', groupId, value })
}

function computeTarget({ group, cluster, settings }: ConsumerDraft): ReadonlyMap<string, Assignment> {
  const partitionsCounts = new Map<string, number>()
  const idsByName = new Map<string, string | null>()
  const idOf = (name: string): string | null => {
    const known = idsByName.get(name)
    if (known !== undefined) return known
    const topic = cluster.topic(name)
    if (topic) partitionsCounts.set(topic.id, topic.partitionsCount)
    idsByName.set(name, topic?.id ?? null)
    return topic?.id ?? null
  }
  const members: AssignorMember[] = []
  for (const member of group.members.values()) {
    const topicIds = new Set<string>()
    for (const name of [...group.topicsOf(member)].sort()) {
      const id = idOf(name)
      if (id !== null) topicIds.add(id)
    }
    members.push({ id: member.id, instanceId: member.instanceId, topicIds, target: group.targetOf(member.id) })
  }
  return assignors[assignorOf(group, settings.consumer.assignors)]({ members, partitionsCounts })
}

export function assignorOf(group: ConsumerGroup, offered: readonly string[]): string {
  const preferred = group.preferredAssignor
  return preferred !== null && offered.includes(preferred) ? preferred : offered[0]
}
