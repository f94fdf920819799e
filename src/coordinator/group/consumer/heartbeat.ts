/** ConsumerGroupHeartbeat: who may come in and stay, what that changes for the group, and what the member is told. */
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { Ticket } from '../../../machine/machine.ts'
import type { ConsumerHeartbeatEvent, ConsumerHeartbeatReply } from '../events.ts'
import type { ConsumerDraft } from './draft.ts'
import { checkInstance, eraseMember, knownMember } from './leave.ts'
import {
  type Assignment,
  type ConsumerMember,
  initialProgress,
  initialTerms,
  isPartOf,
  joinEpoch,
  leaveStaticEpoch,
  type MemberTerms,
  sameNames,
  samePartitions,
  sameTerms,
} from './member.ts'
import { ownedOf, reconcileMember } from './progress.ts'
import { assignmentOf } from './reconcile.ts'
import { forgetRegex, refreshRegexes, resolveRegex } from './regex.ts'
import { updateEpoch, updateTarget } from './target.ts'

/** `memberId` is the event's, or one made up for a member that has none yet. */
export function heartbeat(draft: ConsumerDraft, event: ConsumerHeartbeatEvent, memberId: string, ticket: Ticket): void {
  checkRoom(draft, memberId)
  const owned = ownedOf(event.topicPartitions)
  const before = comeIn(draft, event, memberId, owned)
  const changed = updateTerms(draft, before, termsOf(event, before))
  const refreshed = refreshRegexes(draft)
  updateEpoch(draft, changed || refreshed)
  updateTarget(draft)
  const present = draft.group.members.get(memberId) ?? before
  const after = reconcileMember(draft, present, owned)
  const { sessionTimeoutMs, heartbeatIntervalMs } = draft.cluster.consumerTimes(draft.groupId)
  draft.keepAlive(memberId, sessionTimeoutMs)
  const tells = event.memberEpoch === joinEpoch || isFull(event) || !samePartitions(present.assigned, after.assigned)
  draft.reply(ticket, {
    kind: 'consumerHeartbeat',
    errorCode: Errors.NONE,
    errorMessage: null,
    memberId,
    memberEpoch: after.memberEpoch,
    heartbeatIntervalMs,
    assignment: tells ? answeredAssignment(after) : null,
  })
}

/** A member that says everything does not know what the coordinator knows. */
function isFull(event: ConsumerHeartbeatEvent): boolean {
  const subscribes = event.subscribedTopicNames !== null || event.subscribedTopicRegex !== null
  return event.rebalanceTimeoutMs !== -1 && subscribes && event.topicPartitions !== null
}

function answeredAssignment({ assigned }: ConsumerMember): ConsumerHeartbeatReply['assignment'] {
  const topicPartitions = [...assignmentOf(assigned)].map(([topicId, partitions]) => ({ topicId, partitions }))
  return { topicPartitions }
}

export function checkRoom({ group, settings }: ConsumerDraft, memberId: string): void {
  const { membersMax } = settings.consumer
  if (group.members.size < membersMax || group.members.has(memberId)) return
  throw new KafkaError(
    Errors.GROUP_MAX_SIZE_REACHED,
    `The consumer group has reached its maximum capacity of ${membersMax} members.`,
  )
}

/** The member as it is before this request changes it; a new one is not in the group yet. */
function comeIn(
  draft: ConsumerDraft,
  event: ConsumerHeartbeatEvent,
  memberId: string,
  owned: Assignment | null,
): ConsumerMember {
  const { group } = draft
  const { instanceId, memberEpoch } = event
  const joins = memberEpoch === joinEpoch
  if (instanceId === null) {
    const member = group.members.get(memberId)
    if (joins) return member ?? newMember(memberId)
    const known = knownMember(member, group.id, memberId)
    checkEpoch(known, memberEpoch, owned)
    return known
  }
  const holder = group.staticMember(instanceId)
  if (joins) return holder ? comeBack(draft, holder, memberId, instanceId) : newMember(memberId)
  if (!holder) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  checkInstance(holder, memberId, instanceId)
  checkEpoch(holder, memberEpoch, owned)
  return holder
}

export function newMember(id: string): ConsumerMember {
  return { ...initialTerms, ...initialProgress, id }
}

/** A member one step behind may have lost the answer; anyone else's epoch must be the one that is known. */
function checkEpoch(member: ConsumerMember, memberEpoch: number, owned: Assignment | null): void {
  if (memberEpoch > member.memberEpoch) {
    throw new KafkaError(
      Errors.FENCED_MEMBER_EPOCH,
      `The consumer group member has a greater member epoch (${memberEpoch}) than the one known by the group coordinator ` +
        `(${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
    )
  }
  if (memberEpoch === member.memberEpoch) return
  if (memberEpoch === member.previousEpoch && owned && isPartOf(owned, member.assigned)) return
  throw new KafkaError(
    Errors.FENCED_MEMBER_EPOCH,
    `The consumer group member has a smaller member epoch (${memberEpoch}) than the one known by the group coordinator ` +
      `(${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

/** The instance is there already: only when that one has said that it goes away, its place can be taken. */
function comeBack(draft: ConsumerDraft, holder: ConsumerMember, memberId: string, instanceId: string): ConsumerMember {
  if (holder.memberEpoch !== leaveStaticEpoch && !holder.classic) {
    throw new KafkaError(
      Errors.UNRELEASED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned ` +
        `by ${holder.id} member.`,
    )
  }
  return replaceStaticMember(draft, holder, memberId, joinEpoch)
}

/** The instance goes on under another member id, with its partitions. */
export function replaceStaticMember(
  draft: ConsumerDraft,
  holder: ConsumerMember,
  memberId: string,
  memberEpoch: number,
): ConsumerMember {
  const { groupId } = draft
  const target = draft.group.targetOf(holder.id)
  if (holder.id !== memberId) eraseMember(draft, holder.id)
  const { id: _, memberEpoch: __, previousEpoch: ___, state, assigned, revoking, ...terms } = holder
  draft.write({ kind: 'consumerMember', groupId, memberId, value: terms })
  draft.write({ kind: 'consumerTargetMember', groupId, memberId, value: target })
  const value = { memberEpoch, previousEpoch: joinEpoch, state, assigned, revoking }
  draft.write({ kind: 'consumerCurrent', groupId, memberId, value })
  return { ...holder, ...value, id: memberId }
}

/** What the member says of itself now; what it leaves out stays. */
function termsOf(event: ConsumerHeartbeatEvent, before: ConsumerMember): MemberTerms {
  const { rebalanceTimeoutMs, subscribedTopicNames } = event
  return {
    instanceId: event.instanceId ?? before.instanceId,
    rackId: event.rackId ?? before.rackId,
    clientId: event.clientId,
    clientHost: event.clientHost,
    subscribedTopicNames: subscribedTopicNames
      ? [...new Set(subscribedTopicNames)].sort()
      : before.subscribedTopicNames,
    subscribedTopicRegex: event.subscribedTopicRegex ?? before.subscribedTopicRegex,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: event.serverAssignor ?? before.serverAssignor,
    classic: null,
  }
}

/** Puts on record what the member says of itself. Whether that asks for another assignment. */
export function updateTerms(draft: ConsumerDraft, before: ConsumerMember, terms: MemberTerms): boolean {
  const { group, groupId } = draft
  const memberId = before.id
  const isNew = !group.members.has(memberId)
  if (!isNew && sameTerms(before, terms)) return false
  draft.write({ kind: 'consumerMember', groupId, memberId, value: terms })
  const regex = terms.subscribedTopicRegex ?? ''
  const regexChanged = regex !== (before.subscribedTopicRegex ?? '')
  if (regexChanged) {
    forgetRegex(draft, before.subscribedTopicRegex, memberId)
    if (regex !== '') resolveRegex(draft, regex)
  }
  return regexChanged || !sameNames(before.subscribedTopicNames, terms.subscribedTopicNames)
}
