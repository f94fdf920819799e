/** Which committed offsets have outlived their use. */
import type { CommittedOffset, Offsets } from './offsets.ts'
import type { GroupRecord } from './records.ts'
import type { GroupSettings } from './settings.ts'
import type { GroupUsage } from './usage.ts'

export interface Expired {
  /** For what has expired in the group. */
  readonly tombstones: readonly GroupRecord[]
  /** Nothing is left of the group itself. */
  readonly isUnused: boolean
}

export function expireOffsets(group: GroupUsage, offsets: Offsets, settings: GroupSettings, nowMs: number): Expired {
  const groupId = group.id
  const tombstones: GroupRecord[] = []
  let kept = 0
  for (const { topic, partition, value } of offsets.entries(groupId)) {
    const expired = isExpired(group, topic, value, settings, nowMs) && !offsets.isPending(groupId, topic, partition)
    if (expired) tombstones.push({ kind: 'offset', groupId, topic, partition, value: null })
    else kept++
  }
  return { tombstones, isUnused: group.isIdle && kept === 0 && !offsets.hasPending(groupId) }
}

function isExpired(
  group: GroupUsage,
  topic: string,
  value: CommittedOffset,
  settings: GroupSettings,
  nowMs: number,
): boolean {
  const since = group.idleSinceMs(topic, value)
  if (since === null) return false
  if (value.expireTimestampMs !== -1) return nowMs >= value.expireTimestampMs
  return nowMs - since >= settings.offsetsRetentionMs
}
