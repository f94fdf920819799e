/** A classic group as its record tells it. */
import { ClassicGroup } from './classic-group.ts'
import type { StoredGroup } from './records.ts'

/** What is on record is either empty or stable. */
export function restoreGroup(groupId: string, stored: StoredGroup): ClassicGroup {
  const group = new ClassicGroup(groupId)
  group.state = stored.members.length > 0 ? 'Stable' : 'Empty'
  group.previousState = group.state
  group.stateTimestampMs = stored.stateTimestampMs === -1 ? null : stored.stateTimestampMs
  group.generation = stored.generation
  group.protocolType = stored.protocolType === '' ? null : stored.protocolType
  group.protocolName = stored.protocolName
  for (const { subscription, ...member } of stored.members) {
    if (group.members.has(member.id)) continue
    group.add({
      ...member,
      // Members must always have a protocol in common.
      protocols: [{ name: stored.protocolName ?? '', metadata: subscription }],
      joinTicket: null,
      syncTicket: null,
      isNew: false,
      synced: true,
    })
  }
  if (stored.leaderId !== null && group.members.has(stored.leaderId)) group.leaderId = stored.leaderId
  group.updateSubscribedTopics()
  return group
}
