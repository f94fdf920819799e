/**
 * Members of the classic protocol inside a group of the consumer protocol. Their generation is their member epoch; nobody of
 * them leads, the coordinator assigns. They are moved by the same rules as the others: told to join again when there is
 * something to do, they say in their join what they still own.
 */
import { type ErrorCode, Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { Ticket } from '../../../machine/machine.ts'
import { consumerProtocolType } from '../classic-group.ts'
import { join, newMemberId } from '../classic-join.ts'
import { type GroupOutcome, joinTimer, syncTimer } from '../draft.ts'
import type { HeartbeatEvent, JoinEvent, LeaveEvent, LeaveReply, MemberEvent, Protocol, SyncEvent } from '../events.ts'
import { joinError, refusedMember, syncError } from '../replies.ts'
import { type Subscription, subscriptionOf } from '../subscription.ts'
import { canDowngrade, classicAssignment, downgrade } from './downgrade.ts'
import type { ConsumerDraft } from './draft.ts'
import { checkRoom, newMember, replaceStaticMember, updateTerms } from './heartbeat.ts'
import { removeMembers } from './leave.ts'
import { type Assignment, type ClassicTerms, type ConsumerMember, memberStates } from './member.ts'
import { reconcileMember } from './progress.ts'
import { refreshRegexes } from './regex.ts'
import { updateEpoch, updateTarget } from './target.ts'

type ClassicMember = ConsumerMember & { readonly classic: ClassicTerms }

/** A request of the classic protocol to a group of the consumer protocol that has members. */
export function classicRequest(draft: ConsumerDraft, event: MemberEvent, ticket: Ticket): GroupOutcome {
  try {
    if (event.kind === 'join') joinAsClassic(draft, event, ticket)
    else if (event.kind === 'sync') syncAsClassic(draft, event, ticket)
    else if (event.kind === 'heartbeat') heartbeatAsClassic(draft, event, ticket)
    else leaveAsClassic(draft, event, ticket)
    return draft.outcome()
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { records: [], replies: [[ticket, refusedMember(event, error.code)]], timers: {} }
  }
}

/** Throws KafkaError. When it takes the place of the last member of the consumer protocol, it joins the classic group of the rest. */
function joinAsClassic(draft: ConsumerDraft, event: JoinEvent, ticket: Ticket): void {
  const { group } = draft
  if (event.memberId !== '') checkRoom(draft, event.memberId)
  else checkRoom(draft, event.groupInstanceId === null ? '' : (group.staticMembers.get(event.groupInstanceId) ?? ''))
  const subscription = supportedSubscription(draft, event)
  const memberId = event.memberId === '' ? newMemberId(draft, event) : event.memberId
  if (event.memberId === '' && event.groupInstanceId === null && event.memberIdRequired) {
    return draft.reply(ticket, joinError(memberId, Errors.MEMBER_ID_REQUIRED))
  }
  const before = comeIn(draft, event, memberId)
  const changed = updateTerms(draft, before, {
    instanceId: event.groupInstanceId,
    rackId: subscription.rackId ?? before.rackId,
    clientId: event.clientId,
    clientHost: event.clientHost,
    subscribedTopicNames: [...new Set(subscription.topics)].sort(),
    subscribedTopicRegex: null,
    rebalanceTimeoutMs: event.rebalanceTimeoutMs,
    serverAssignor: before.serverAssignor,
    classic: { sessionTimeoutMs: event.sessionTimeoutMs, protocols: event.protocols },
  })
  if (canDowngrade(draft)) return join(downgrade(draft), { ...event, memberId }, ticket)
  updateEpoch(draft, refreshRegexes(draft) || changed)
  updateTarget(draft)
  const present = draft.group.members.get(memberId) ?? before
  const after = reconcileMember(draft, present, ownedOf(draft, subscription))
  const { groupId } = draft
  draft.cancel(joinTimer(groupId, memberId))
  draft.keepAlive(memberId, event.sessionTimeoutMs)
  draft.set(syncTimer(groupId, memberId), event.rebalanceTimeoutMs, { kind: 'resyncExpired', groupId, memberId })
  draft.reply(ticket, {
    ...joinError(memberId, Errors.NONE),
    generationId: after.memberEpoch,
    protocolType: consumerProtocolType,
    protocolName: event.protocols[0].name,
  })
}

function supportedSubscription({ group, settings }: ConsumerDraft, event: JoinEvent): Subscription {
  const { migrationPolicy } = settings.consumer
  const inconsistent = () => new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL)
  if (migrationPolicy === 'disabled') throw inconsistent()
  if (event.protocolType !== consumerProtocolType || event.protocols.length === 0) throw inconsistent()
  // Should they be left alone in the group one day, they need an assignor that all of them know.
  for (const { name } of commonProtocols([...group.classicMembers()], event)) {
    const metadata = event.protocols.find(protocol => protocol.name === name)?.metadata
    const subscription = metadata && subscriptionOf(metadata)
    if (subscription) return subscription
  }
  throw inconsistent()
}

function commonProtocols(members: readonly ConsumerMember[], { memberId, protocols }: JoinEvent): readonly Protocol[] {
  return protocols.filter(({ name }) =>
    members.every(({ id, classic }) => id === memberId || classic?.protocols.some(each => each.name === name)),
  )
}

/** The member as it is before this join changes it; a new one is not in the group yet. */
function comeIn(
  draft: ConsumerDraft,
  { groupInstanceId, memberId: given }: JoinEvent,
  memberId: string,
): ConsumerMember {
  const { group } = draft
  if (groupInstanceId === null) return group.members.get(memberId) ?? newMember(memberId)
  const holder = group.staticMember(groupInstanceId)
  if (given !== '') {
    if (!holder) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID)
    if (holder.id !== given) throw new KafkaError(Errors.FENCED_INSTANCE_ID)
    return holder
  }
  return holder ? replaceStaticMember(draft, holder, memberId, 0) : newMember(memberId)
}

/** Eager consumers own nothing when they join. */
function ownedOf({ cluster }: ConsumerDraft, { ownedPartitions }: Subscription): Assignment {
  const owned = new Map<string, readonly number[]>()
  for (const { topic, partitions } of ownedPartitions) {
    const id = cluster.topic(topic)?.id
    if (id !== undefined && partitions.length > 0) owned.set(id, [...(owned.get(id) ?? []), ...partitions])
  }
  return owned
}

/** Throws KafkaError when the request is not that of a member that speaks the classic protocol. */
function classicMember(draft: ConsumerDraft, memberId: string, instanceId: string | null): ClassicMember {
  const member = knownMember(draft, memberId, instanceId)
  if (!isClassic(member)) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID)
  return member
}

/** Throws KafkaError. */
function knownMember(draft: ConsumerDraft, memberId: string, instanceId: string | null): ConsumerMember {
  const { group } = draft
  if (instanceId !== null) {
    const holder = group.staticMember(instanceId)
    if (!holder) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID)
    if (holder.id !== memberId) throw new KafkaError(Errors.FENCED_INSTANCE_ID)
  }
  const member = group.members.get(memberId)
  if (!member) throw new KafkaError(Errors.UNKNOWN_MEMBER_ID)
  return member
}

function isClassic(member: ConsumerMember): member is ClassicMember {
  return member.classic !== null
}

/** Throws KafkaError. */
function syncAsClassic(draft: ConsumerDraft, event: SyncEvent, ticket: Ticket): void {
  const { group, groupId, cluster } = draft
  const member = classicMember(draft, event.memberId, event.groupInstanceId)
  if (event.generationId !== member.memberEpoch) throw new KafkaError(Errors.ILLEGAL_GENERATION)
  const protocolName = member.classic.protocols[0].name
  const isOther = (given: string | null, own: string) => given !== null && given !== own
  if (isOther(event.protocolType, consumerProtocolType) || isOther(event.protocolName, protocolName)) {
    throw new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL)
  }
  // One that still has to give up partitions has joined already: its next join comes when it has given them up.
  if (group.assignmentEpoch > member.memberEpoch && member.state !== memberStates.unrevoked) {
    draft.keepAlive(member.id, member.classic.sessionTimeoutMs)
    awaitRejoin(draft, member)
    return draft.reply(ticket, syncError(Errors.REBALANCE_IN_PROGRESS))
  }
  draft.cancel(syncTimer(groupId, member.id))
  draft.keepAlive(member.id, member.classic.sessionTimeoutMs)
  draft.reply(ticket, {
    kind: 'sync',
    errorCode: Errors.NONE,
    protocolType: consumerProtocolType,
    protocolName,
    assignment: classicAssignment(member, cluster),
  })
}

/** Throws KafkaError. */
function heartbeatAsClassic(draft: ConsumerDraft, event: HeartbeatEvent, ticket: Ticket): void {
  const member = classicMember(draft, event.memberId, event.groupInstanceId)
  if (event.generationId !== member.memberEpoch) throw new KafkaError(Errors.ILLEGAL_GENERATION)
  let errorCode: ErrorCode = Errors.NONE
  updateEpoch(draft, refreshRegexes(draft))
  updateTarget(draft)
  if (mustRejoin(draft, member)) {
    errorCode = Errors.REBALANCE_IN_PROGRESS
    awaitRejoin(draft, member)
  }
  draft.keepAlive(member.id, member.classic.sessionTimeoutMs)
  draft.reply(ticket, { kind: 'heartbeat', errorCode })
}

/** Whether the member would get, or would have to give up, anything by joining again. */
function mustRejoin({ group }: ConsumerDraft, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.assignmentEpoch) return true
  if (member.state === memberStates.unrevoked) return true
  if (member.state !== memberStates.unreleased) return false
  return [...group.targetOf(member.id)].every(([topicId, partitions]) =>
    partitions.every(partition => {
      const owner = group.ownerOf(topicId, partition)
      return owner === null || owner === member.id
    }),
  )
}

function awaitRejoin(draft: ConsumerDraft, { id: memberId, rebalanceTimeoutMs }: ConsumerMember): void {
  const { groupId } = draft
  draft.setOnce(joinTimer(groupId, memberId), rebalanceTimeoutMs, { kind: 'rejoinExpired', groupId, memberId })
}

function leaveAsClassic(draft: ConsumerDraft, event: LeaveEvent, ticket: Ticket): void {
  const leaving = new Set<string>()
  const members: LeaveReply['members'] = event.members.map(({ memberId, groupInstanceId }) => {
    const result = leavingMember(draft, memberId, groupInstanceId)
    if (typeof result === 'number') return { memberId, groupInstanceId, errorCode: result }
    leaving.add(result.id)
    return { memberId, groupInstanceId, errorCode: Errors.NONE }
  })
  if (leaving.size > 0) removeMembers(draft, [...leaving])
  draft.reply(ticket, { kind: 'leave', errorCode: Errors.NONE, members })
}

function leavingMember(draft: ConsumerDraft, memberId: string, instanceId: string | null): ConsumerMember | ErrorCode {
  try {
    // An administrator removes a static member by its instance id alone.
    const holder = memberId === '' && instanceId !== null ? draft.group.staticMembers.get(instanceId) : undefined
    return knownMember(draft, holder ?? memberId, instanceId)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return error.code
  }
}
