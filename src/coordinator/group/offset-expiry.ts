/** Which committed offsets have outlived their use. */
import type { ClassicGroup } from './classic-group.ts'
import type { CommittedOffset, Offsets } from './offsets.ts'
import type { GroupRecord } from './records.ts'
import type { GroupSettings } from './settings.ts'

/** Tombstones for what has expired in one group, and for the group itself when nothing is left of it. */
export function expireGroup(
  group: ClassicGroup,
  offsets: Offsets,
  settings: GroupSettings,
  nowMs: number,
): GroupRecord[] {
  const groupId = group.id
  const records: GroupRecord[] = []
  let kept = 0
  for (const { topic, partition, value } of offsets.entries(groupId)) {
    const expired = isExpired(group, topic, value, settings, nowMs) && !offsets.isPending(groupId, topic, partition)
    if (expired) records.push({ kind: 'offset', groupId, topic, partition, value: null })
    else kept++
  }
  const idle = group.state === 'Empty' && group.pendingMembers.size === 0
  if (idle && kept === 0 && !offsets.hasPending(groupId)) records.push({ kind: 'group', groupId, value: null })
  return records
}

function isExpired(
  group: ClassicGroup,
  topic: string,
  value: CommittedOffset,
  settings: GroupSettings,
  nowMs: number,
): boolean {
  const since = idleSinceMs(group, topic, value)
  if (since === null) return false
  if (value.expireTimestampMs !== -1) return nowMs >= value.expireTimestampMs
  return nowMs - since >= settings.offsetsRetentionMs
}

/** Wall clock since when nobody uses the offset; null while somebody may. */
function idleSinceMs(group: ClassicGroup, topic: string, value: CommittedOffset): number | null {
  // Consumers without a group: every commit is a sign of life.
  if (group.protocolType === null) return value.commitTimestampMs
  if (group.state === 'Empty') return group.stateTimestampMs ?? value.commitTimestampMs
  const unsubscribed = group.state === 'Stable' && group.subscribedTopics !== null && !group.isSubscribedTo(topic)
  return unsubscribed ? value.commitTimestampMs : null
}
