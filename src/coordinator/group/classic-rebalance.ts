/**
 * How a classic group gets from one generation to the next.
 *
 * A rebalance gathers JoinGroup requests until every member has joined again or the rebalance timeout has passed, then
 * answers all of them with a new generation, and waits for the leader's SyncGroup with everyone's assignment.
 */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import { type ClassicGroup, noAssignment } from './classic-group.ts'
import { type Draft, joinTimer, sessionTimer, syncTimer } from './draft.ts'
import { joinAnswer, joinError, syncAnswer, syncError } from './replies.ts'

/** A member came, went or changed: begins a rebalance, or ends the present one when that was all it waited for. */
export function rebalanceOrComplete(draft: Draft): void {
  if (draft.group.state === 'PreparingRebalance') completeIfAllJoined(draft)
  else prepareRebalance(draft)
}

export function prepareRebalance(draft: Draft): void {
  const group = draft.edit()
  const initial = group.state === 'Empty'
  if (group.state === 'CompletingRebalance') failSyncs(draft, Errors.REBALANCE_IN_PROGRESS)
  draft.cancel(syncTimer(group.id))
  group.newMemberAdded = false
  group.transition('PreparingRebalance', draft.context.nowMs)
  if (!initial) return completeOrWait(draft)
  const delayMs = draft.settings.initialRebalanceDelayMs
  waitInitially(draft, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
}

/** The first rebalance of an empty group waits a little, so that members that start together join one generation. */
function waitInitially(draft: Draft, delayMs: number, remainingMs: number): void {
  const groupId = draft.group.id
  draft.set(joinTimer(groupId), delayMs, { kind: 'initialDelayPassed', groupId, delayMs, remainingMs })
}

/** Someone joined meanwhile: wait again, at most until the rebalance timeout. */
export function initialDelayPassed(draft: Draft, delayMs: number, remainingMs: number): void {
  if (draft.group.state !== 'PreparingRebalance') return
  if (!draft.group.newMemberAdded || remainingMs === 0) return completeJoin(draft)
  draft.edit().newMemberAdded = false
  const nextDelayMs = Math.min(draft.settings.initialRebalanceDelayMs, remainingMs)
  waitInitially(draft, nextDelayMs, Math.max(remainingMs - delayMs, 0))
}

function completeOrWait(draft: Draft): void {
  const { group } = draft
  if (group.allJoined) return completeJoin(draft)
  draft.set(joinTimer(group.id), group.rebalanceTimeoutMs, { kind: 'joinExpired', groupId: group.id })
}

/** The initial rebalance is ended by its timer alone. */
export function completeIfAllJoined(draft: Draft): void {
  const { group } = draft
  if (group.state === 'PreparingRebalance' && group.previousState !== 'Empty' && group.allJoined) completeJoin(draft)
}

/** Ends the gathering with whoever has joined. */
export function completeJoin(draft: Draft): void {
  if (draft.group.state !== 'PreparingRebalance') return
  const group = draft.edit()
  draft.cancel(joinTimer(group.id))
  for (const member of [...group.members.values()]) {
    // Static members may be away for as long as their session lasts (KIP-345).
    if (member.joinTicket !== null || member.groupInstanceId !== null) continue
    group.remove(member.id)
    draft.cancel(sessionTimer(group.id, member.id))
  }
  if (group.members.size > 0 && !electJoinedLeader(group)) {
    // Only static members, and none has come back yet: their sessions will end this.
    draft.set(joinTimer(group.id), group.rebalanceTimeoutMs, { kind: 'joinExpired', groupId: group.id })
    return
  }
  beginGeneration(draft, group)
}

/** The leader must be there to assign. */
function electJoinedLeader(group: ClassicGroup): boolean {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId)
  if (leader?.joinTicket != null) return true
  for (const member of group.members.values()) {
    if (member.joinTicket === null) continue
    group.leaderId = member.id
    return true
  }
  return false
}

function beginGeneration(draft: Draft, group: ClassicGroup): void {
  const { nowMs } = draft.context
  group.generation++
  if (group.members.size === 0) {
    group.protocolName = null
    group.leaderId = null
    group.transition('Empty', nowMs)
    group.updateSubscribedTopics()
    draft.persist()
    return
  }
  group.protocolName = group.electProtocol()
  group.transition('CompletingRebalance', nowMs)
  group.updateSubscribedTopics()
  for (const member of [...group.members.values()]) {
    if (member.joinTicket !== null) {
      draft.reply(member.joinTicket, joinAnswer(group, member.id, member.id === group.leaderId))
    }
    group.update(member.id, { joinTicket: null, isNew: false, synced: false })
    draft.keepAlive(member.id, member.sessionTimeoutMs)
  }
  const event = { kind: 'syncExpired', groupId: group.id, generationId: group.generation } as const
  draft.set(syncTimer(group.id), group.rebalanceTimeoutMs, event)
}

/** The leader has spoken: everyone who waits gets its assignment, and the group is stable. */
export function assign(draft: Draft, assignments: ReadonlyMap<string, Buffer>): void {
  const group = draft.edit()
  for (const { id } of [...group.members.values()]) {
    group.update(id, { assignment: assignments.get(id) ?? noAssignment })
  }
  group.transition('Stable', draft.context.nowMs)
  draft.persist()
  for (const member of [...group.members.values()]) {
    if (member.syncTicket === null) continue
    draft.reply(member.syncTicket, syncAnswer(group, member.assignment))
    group.update(member.id, { syncTicket: null })
    // Its session may have run out unnoticed while its request was parked.
    draft.keepAlive(member.id, member.sessionTimeoutMs)
  }
}

/** The generation is over before it was assigned. */
function failSyncs(draft: Draft, errorCode: ErrorCode): void {
  const group = draft.edit()
  for (const member of [...group.members.values()]) {
    if (member.syncTicket !== null) {
      draft.reply(member.syncTicket, syncError(errorCode))
      draft.keepAlive(member.id, member.sessionTimeoutMs)
    }
    group.update(member.id, { syncTicket: null, assignment: noAssignment })
  }
}

/** The group goes on under the other protocol: whoever waits is to join again. */
export function failParked(draft: Draft): void {
  for (const { id, joinTicket, syncTicket } of draft.group.members.values()) {
    if (joinTicket !== null) draft.reply(joinTicket, joinError(id, Errors.REBALANCE_IN_PROGRESS))
    if (syncTicket !== null) draft.reply(syncTicket, syncError(Errors.REBALANCE_IN_PROGRESS))
  }
}

/** Members that have not fetched their assignment within the rebalance timeout are gone. */
export function syncExpired(draft: Draft, generationId: number): void {
  const { group } = draft
  if (group.generation !== generationId || group.unsyncedCount === 0) return
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  for (const { id, synced } of [...group.members.values()]) if (!synced) dropMember(draft, id)
  prepareRebalance(draft)
}

/** The session of a member, or of an id that was handed out and never used, has run out. */
export function sessionExpired(draft: Draft, memberId: string): void {
  const { group } = draft
  if (group.pendingMembers.has(memberId)) {
    draft.edit().pendingMembers.delete(memberId)
    return completeIfAllJoined(draft)
  }
  const member = group.members.get(memberId)
  if (!member) return
  // While its request is parked a member cannot send heartbeats. A new one is kept for the join timeout only: its
  // client may be long gone and come back under another id.
  if (!member.isNew && (member.joinTicket !== null || member.syncTicket !== null)) return
  dropMember(draft, memberId)
  rebalanceOrComplete(draft)
}

/** Takes a member out, with an answer for whatever it has parked. What the group does then is up to the caller. */
export function dropMember(draft: Draft, memberId: string): void {
  const group = draft.edit()
  const member = group.members.get(memberId)
  if (!member) return
  if (member.joinTicket !== null) draft.reply(member.joinTicket, joinError('', Errors.UNKNOWN_MEMBER_ID))
  if (member.syncTicket !== null) draft.reply(member.syncTicket, syncError(Errors.UNKNOWN_MEMBER_ID))
  group.remove(memberId)
  draft.cancel(sessionTimer(group.id, memberId))
}
