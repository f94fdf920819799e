/** How members go: by themselves, or because they were not heard of. */
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { Ticket } from '../../../machine/machine.ts'
import { joinTimer, revocationTimer, sessionTimer, syncTimer } from '../draft.ts'
import type { ConsumerHeartbeatEvent, TimerEvent } from '../events.ts'
import { canDowngrade, downgrade } from './downgrade.ts'
import type { ConsumerDraft } from './draft.ts'
import { type ConsumerMember, leaveStaticEpoch, memberStates } from './member.ts'
import { forgetRegex } from './regex.ts'
import { bumpEpoch } from './target.ts'

/** A heartbeat that says goodbye. */
export function leave(draft: ConsumerDraft, event: ConsumerHeartbeatEvent, ticket: Ticket): void {
  const { memberId, instanceId, memberEpoch } = event
  const member = leavingMember(draft, memberId, instanceId)
  if (memberEpoch === leaveStaticEpoch) goAway(draft, member)
  else removeMembers(draft, [member.id])
  draft.reply(ticket, {
    kind: 'consumerHeartbeat',
    errorCode: Errors.NONE,
    errorMessage: null,
    memberId,
    memberEpoch,
    heartbeatIntervalMs: 0,
    assignment: null,
  })
}

function leavingMember({ group }: ConsumerDraft, memberId: string, instanceId: string | null): ConsumerMember {
  if (instanceId === null) return knownMember(group.members.get(memberId), group.id, memberId)
  const member = group.staticMember(instanceId)
  if (!member) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  checkInstance(member, memberId, instanceId)
  return member
}

export function knownMember(
  member: ConsumerMember | null | undefined,
  groupId: string,
  memberId: string,
): ConsumerMember {
  if (member) return member
  throw new KafkaError(Errors.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`)
}

export function checkInstance(member: ConsumerMember, memberId: string, instanceId: string): void {
  if (member.id === memberId) return
  throw new KafkaError(
    Errors.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.id}.`,
  )
}

/** A static member keeps its place and its partitions until it is back, or its session ends. */
function goAway(draft: ConsumerDraft, { id: memberId, previousEpoch, state, assigned }: ConsumerMember): void {
  const value = { memberEpoch: leaveStaticEpoch, previousEpoch, state, assigned, revoking: new Map() }
  draft.write({ kind: 'consumerCurrent', groupId: draft.groupId, memberId, value })
  draft.cancel(revocationTimer(draft.groupId, memberId))
}

/** Takes members out. With none left that speak the consumer protocol the group may become a classic one again. */
export function removeMembers(draft: ConsumerDraft, memberIds: readonly string[]): void {
  for (const memberId of memberIds) eraseMember(draft, memberId)
  if (canDowngrade(draft)) downgrade(draft)
  else bumpEpoch(draft)
}

/** Every trace of a member. What the group does then is up to the caller. */
export function eraseMember(draft: ConsumerDraft, memberId: string): void {
  const { groupId } = draft
  forgetRegex(draft, draft.group.members.get(memberId)?.subscribedTopicRegex ?? null, memberId)
  draft.write({ kind: 'consumerCurrent', groupId, memberId, value: null })
  draft.write({ kind: 'consumerTargetMember', groupId, memberId, value: null })
  draft.write({ kind: 'consumerMember', groupId, memberId, value: null })
  for (const timer of [sessionTimer, revocationTimer, joinTimer, syncTimer]) draft.cancel(timer(groupId, memberId))
}

/** A member was not heard of, or has not done its part, for as long as it may take. */
export function memberExpired(draft: ConsumerDraft, event: TimerEvent): void {
  switch (event.kind) {
    case 'sessionExpired':
    case 'rejoinExpired':
    case 'resyncExpired':
      if (draft.group.members.has(event.memberId)) removeMembers(draft, [event.memberId])
      return
    case 'revocationExpired': {
      const member = draft.group.members.get(event.memberId)
      const isStill = member?.state === memberStates.unrevoked && member.memberEpoch === event.memberEpoch
      if (isStill) removeMembers(draft, [event.memberId])
      return
    }
    default:
      // Of the classic group that it was.
      return
  }
}
