/** JoinGroup: who may come in, and what its coming starts. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { Ticket } from '../../machine/machine.ts'
import { type ClassicGroup, type Member, noAssignment, sameProtocols } from './classic-group.ts'
import { completeIfAllJoined, prepareRebalance, rebalanceOrComplete } from './classic-rebalance.ts'
import { type BaseDraft, type Draft, sessionTimer } from './draft.ts'
import type { JoinEvent } from './events.ts'
import { joinAnswer, joinError, syncError } from './replies.ts'

/** `draft` holds the group, a fresh one when a member without id asks for a group that does not exist. */
export function join(draft: Draft, event: JoinEvent, ticket: Ticket): void {
  const { group } = draft
  const refuse = (error: ErrorCode, memberId = event.memberId) => draft.reply(ticket, joinError(memberId, error))
  if (!hasRoom(draft, event.memberId)) {
    // A full group also lets go of the id it may have handed out.
    if (group.pendingMembers.has(event.memberId)) draft.edit().pendingMembers.delete(event.memberId)
    return refuse(Errors.GROUP_MAX_SIZE_REACHED, '')
  }
  if (!group.supports(event.protocolType, event.protocols)) return refuse(Errors.INCONSISTENT_GROUP_PROTOCOL)
  if (event.memberId === '') return joinUnknown(draft, event, ticket)
  const pending = event.groupInstanceId === null && group.pendingMembers.has(event.memberId)
  if (pending) return addMember(draft, event, event.memberId, ticket)
  const error = checkMember(group, event.memberId, event.groupInstanceId)
  if (error !== Errors.NONE) return refuse(error)
  joinKnown(draft, event, ticket)
}

/** The size limit counts those who wait while a rebalance gathers, and members otherwise. */
function hasRoom(draft: Draft, memberId: string): boolean {
  const { group, settings } = draft
  const member = group.members.get(memberId)
  switch (group.state) {
    case 'Empty':
      return true
    case 'PreparingRebalance':
      return member?.joinTicket != null || group.joiningCount < settings.membersMax
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < settings.membersMax
  }
}

/** Checks the member id, and that a static member is the one that now owns its instance id (KIP-345). */
export function checkMember(group: ClassicGroup, memberId: string, groupInstanceId: string | null): ErrorCode {
  if (groupInstanceId !== null) {
    const owner = group.staticMembers.get(groupInstanceId)
    if (owner === undefined) return Errors.UNKNOWN_MEMBER_ID
    if (owner !== memberId) return Errors.FENCED_INSTANCE_ID
  }
  return group.members.has(memberId) ? Errors.NONE : Errors.UNKNOWN_MEMBER_ID
}

function joinUnknown(draft: Draft, event: JoinEvent, ticket: Ticket): void {
  const memberId = newMemberId(draft, event)
  if (event.groupInstanceId !== null) {
    const owner = draft.group.staticMembers.get(event.groupInstanceId)
    if (owner === undefined) return addMember(draft, event, memberId, ticket)
    return replaceStaticMember(draft, event, owner, memberId, ticket)
  }
  if (!event.memberIdRequired) return addMember(draft, event, memberId, ticket)
  draft.edit().pendingMembers.set(memberId, true)
  draft.keepAlive(memberId, event.sessionTimeoutMs)
  draft.reply(ticket, joinError(memberId, Errors.MEMBER_ID_REQUIRED))
}

/** UTF-16 units of a member id before its UUID: together they must fit a protocol string of 32767 bytes. */
const memberIdPrefixMax = 8192

/** The client's id, or the instance's, and a UUID in its usual spelling. */
export function newMemberId(draft: BaseDraft, event: JoinEvent): string {
  const hex = Buffer.from(draft.context.random.uuid(), 'base64url').toString('hex')
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return `${(event.groupInstanceId ?? event.clientId).slice(0, memberIdPrefixMax)}-${uuid}`
}

function addMember(draft: Draft, event: JoinEvent, memberId: string, ticket: Ticket): void {
  const group = draft.edit()
  if (group.members.size === 0) group.protocolType = event.protocolType
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
  group.add({
    id: memberId,
    groupInstanceId: event.groupInstanceId,
    ...freshTerms(event),
    assignment: noAssignment,
    joinTicket: ticket,
    syncTicket: null,
    isNew: true,
    synced: true,
  })
  draft.keepAlive(memberId, draft.settings.newMemberJoinTimeoutMs)
  rebalanceOrComplete(draft)
}

/** What a member says of itself anew with every join. */
function freshTerms(
  event: JoinEvent,
): Pick<Member, 'clientId' | 'clientHost' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs' | 'protocols'> {
  const { clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = event
  return { clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols }
}

function joinKnown(draft: Draft, event: JoinEvent, ticket: Ticket): void {
  const { group } = draft
  const member = group.members.get(event.memberId)!
  const unchanged = sameProtocols(member.protocols, event.protocols)
  const leads = group.leaderId === member.id
  switch (group.state) {
    case 'Empty':
      return draft.reply(ticket, joinError(event.memberId, Errors.UNKNOWN_MEMBER_ID))
    case 'PreparingRebalance':
      return joinAgain(draft, event, ticket)
    case 'CompletingRebalance':
      // It probably lost the answer to its first join: the generation is still the right one.
      if (unchanged) return draft.reply(ticket, joinAnswer(group, member.id, leads))
      return joinAgain(draft, event, ticket)
    case 'Stable':
      // A leader that joins again asks for a new assignment, perhaps because of topics only it watches.
      if (unchanged && !leads) return draft.reply(ticket, joinAnswer(group, member.id, false))
      return joinAgain(draft, event, ticket)
  }
}

function joinAgain(draft: Draft, event: JoinEvent, ticket: Ticket): void {
  const group = draft.edit()
  supersede(draft, group.members.get(event.memberId)!)
  group.update(event.memberId, { ...freshTerms(event), joinTicket: ticket })
  rebalanceOrComplete(draft)
}

/** A second request of the same member takes the place of the parked one, whose connection is likely gone. */
function supersede(draft: Draft, { id, joinTicket }: Member): void {
  if (joinTicket !== null) draft.reply(joinTicket, joinError(id, Errors.REBALANCE_IN_PROGRESS))
}

/** A static member came back without its id: the new id takes over the old one's place, and the old one is fenced. */
function replaceStaticMember(draft: Draft, event: JoinEvent, oldId: string, newId: string, ticket: Ticket): void {
  const group = draft.edit()
  const old = group.members.get(oldId)!
  if (old.joinTicket !== null) draft.reply(old.joinTicket, joinError(oldId, Errors.FENCED_INSTANCE_ID))
  if (old.syncTicket !== null) draft.reply(old.syncTicket, syncError(Errors.FENCED_INSTANCE_ID))
  const oldLeaderId = group.leaderId
  group.rename(oldId, newId)
  draft.cancel(sessionTimer(group.id, oldId))
  draft.keepAlive(newId, event.sessionTimeoutMs)
  group.update(newId, { ...freshTerms(event), joinTicket: ticket })
  switch (group.state) {
    case 'PreparingRebalance':
      return completeIfAllJoined(draft)
    case 'Stable':
      if (group.electProtocol() === group.protocolName) return takeOver(draft, event, newId, oldLeaderId, ticket)
      return prepareRebalance(draft)
    default:
      // The leader may be about to assign to the old id.
      return prepareRebalance(draft)
  }
}

/** No rebalance: the assignment goes on with the new id, once that is on record. */
function takeOver(draft: Draft, event: JoinEvent, newId: string, oldLeaderId: string | null, ticket: Ticket): void {
  const group = draft.edit()
  group.update(newId, { joinTicket: null, isNew: false })
  group.updateSubscribedTopics()
  draft.persist()
  const leads = group.leaderId === newId
  if (event.canSkipAssignment) {
    draft.reply(ticket, { ...joinAnswer(group, newId, leads), skipAssignment: leads })
  } else {
    // Told that somebody else leads, it does not try to assign.
    draft.reply(ticket, { ...joinAnswer(group, newId, false), leader: oldLeaderId ?? '' })
  }
}
