/** Groups of every kind as administrators see them. */
import { Errors } from '../../../protocol/errors.ts'
import { ClassicGroup, consumerProtocolType, type Member } from './classic-group.ts'
import type { ConsumerGroup } from './consumer/group.ts'
import type { DescribedGroup, ListEvent, ListReply } from './events.ts'

/** DescribeGroups knows classic groups only: any other is as if it did not exist. */
export function describeGroup(groupId: string, group: ClassicGroup | ConsumerGroup | null): DescribedGroup {
  if (!(group instanceof ClassicGroup)) {
    return {
      errorCode: Errors.GROUP_ID_NOT_FOUND,
      errorMessage: group ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.`,
      groupId,
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    }
  }
  const stable = group.state === 'Stable'
  const describeMember = (member: Member) => ({
    memberId: member.id,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    // Until the group is stable they belong to different generations.
    memberMetadata: stable ? group.metadataOf(member) : Buffer.alloc(0),
    memberAssignment: stable ? member.assignment : Buffer.alloc(0),
  })
  return {
    errorCode: Errors.NONE,
    errorMessage: null,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map(describeMember),
  }
}

export function listGroups(
  all: Iterable<ClassicGroup | ConsumerGroup>,
  { states, types }: ListEvent,
): ListReply['groups'] {
  const groups: ListReply['groups'][number][] = []
  for (const group of all) {
    const groupType = group instanceof ClassicGroup ? 'classic' : 'consumer'
    if (types.size > 0 && !types.has(groupType)) continue
    const { id: groupId, state: groupState } = group
    if (states.size > 0 && !states.has(groupState.toLowerCase())) continue
    const protocolType = group instanceof ClassicGroup ? (group.protocolType ?? '') : consumerProtocolType
    groups.push({ groupId, protocolType, groupState, groupType })
  }
  return groups
}
