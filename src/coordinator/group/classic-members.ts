/** SyncGroup, Heartbeat and LeaveGroup of the classic protocol. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { Ticket } from '../../machine/machine.ts'
import type { ClassicGroup } from './classic-group.ts'
import { checkMember } from './classic-join.ts'
import { assign, completeIfAllJoined, dropMember, rebalanceOrComplete } from './classic-rebalance.ts'
import { type Draft, sessionTimer, syncTimer } from './draft.ts'
import type { HeartbeatEvent, LeaveEvent, LeaveReply, SyncEvent } from './events.ts'
import { syncAnswer, syncError } from './replies.ts'

export function sync(draft: Draft, event: SyncEvent, ticket: Ticket): void {
  const error = checkSync(draft.group, event)
  if (error !== Errors.NONE) return draft.reply(ticket, syncError(error))
  markSynced(draft, event.memberId)
  const member = draft.group.members.get(event.memberId)!
  draft.keepAlive(member.id, member.sessionTimeoutMs)
  if (draft.group.state === 'Stable') return draft.reply(ticket, syncAnswer(draft.group, member.assignment))
  if (member.syncTicket !== null) draft.reply(member.syncTicket, syncError(Errors.REBALANCE_IN_PROGRESS))
  draft.edit().update(member.id, { syncTicket: ticket })
  if (draft.group.leaderId !== member.id) return
  assign(draft, new Map(event.assignments.map(({ memberId, assignment }) => [memberId, assignment])))
}

function checkSync(group: ClassicGroup, event: SyncEvent): ErrorCode {
  const error = checkGeneration(group, event)
  if (error !== Errors.NONE) return error
  if (event.protocolType !== null && event.protocolType !== group.protocolType)
    return Errors.INCONSISTENT_GROUP_PROTOCOL
  if (event.protocolName !== null && event.protocolName !== group.protocolName)
    return Errors.INCONSISTENT_GROUP_PROTOCOL
  if (group.state === 'Empty') return Errors.UNKNOWN_MEMBER_ID
  return group.state === 'PreparingRebalance' ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE
}

function checkGeneration(group: ClassicGroup, event: SyncEvent | HeartbeatEvent): ErrorCode {
  const error = checkMember(group, event.memberId, event.groupInstanceId)
  if (error !== Errors.NONE) return error
  return event.generationId === group.generation ? Errors.NONE : Errors.ILLEGAL_GENERATION
}

function markSynced(draft: Draft, memberId: string): void {
  if (draft.group.members.get(memberId)?.synced) return
  const group = draft.edit()
  group.update(memberId, { synced: true })
  if (group.unsyncedCount === 0) draft.cancel(syncTimer(group.id))
}

export function heartbeat(draft: Draft, event: HeartbeatEvent, ticket: Ticket): void {
  const { group } = draft
  let errorCode = checkGeneration(group, event)
  if (errorCode === Errors.NONE) {
    draft.keepAlive(event.memberId, group.members.get(event.memberId)!.sessionTimeoutMs)
    if (group.state === 'PreparingRebalance') errorCode = Errors.REBALANCE_IN_PROGRESS
  }
  draft.reply(ticket, { kind: 'heartbeat', errorCode })
}

type Leaving = LeaveEvent['members'][number]

export function leave(draft: Draft, event: LeaveEvent, ticket: Ticket): void {
  const membersBefore = draft.group.members.size
  const members: LeaveReply['members'] = event.members.map(leaving => ({
    memberId: leaving.memberId,
    groupInstanceId: leaving.groupInstanceId,
    errorCode: leaveOne(draft, leaving),
  }))
  draft.reply(ticket, { kind: 'leave', errorCode: Errors.NONE, members })
  if (draft.group.members.size < membersBefore) rebalanceOrComplete(draft)
  else completeIfAllJoined(draft)
}

function leaveOne(draft: Draft, { memberId, groupInstanceId }: Leaving): ErrorCode {
  const { group } = draft
  if (memberId === '') {
    // An administrator removes a static member by its instance id alone.
    const owner = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
    if (owner === undefined) return Errors.UNKNOWN_MEMBER_ID
    dropMember(draft, owner)
    return Errors.NONE
  }
  if (group.pendingMembers.has(memberId)) {
    draft.edit().pendingMembers.delete(memberId)
    draft.cancel(sessionTimer(group.id, memberId))
    return Errors.NONE
  }
  const error = checkMember(group, memberId, groupInstanceId)
  if (error === Errors.NONE) dropMember(draft, memberId)
  return error
}
