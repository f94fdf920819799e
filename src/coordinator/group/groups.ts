/** All groups of one partition of `__consumer_offsets`, as a machine: events in, records, replies and timers out. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { DecideContext, Machine, Position, Ticket } from '../../machine/machine.ts'
import { ClassicGroup, type Member } from './classic-group.ts'
import { join } from './classic-join.ts'
import { heartbeat, leave, sync } from './classic-members.ts'
import { completeJoin, initialDelayPassed, prepareRebalance, sessionExpired, syncExpired } from './classic-rebalance.ts'
import { Draft, expiryTimer, type GroupOutcome } from './draft.ts'
import type {
  DeleteGroupsEvent,
  DescribedGroup,
  GroupEvent,
  GroupReply,
  JoinEvent,
  LeaveEvent,
  ListEvent,
  ListReply,
  OffsetDeleteEvent,
  TopicsDeletedEvent,
} from './events.ts'
import { commitInTransaction, commitOffsets, deleteOffsets, fetchOffsets, isOfAnotherTopic } from './offset-commands.ts'
import { expireGroup } from './offset-expiry.ts'
import { type OffsetEntry, Offsets } from './offsets.ts'
import type { GroupRecord, StoredGroup } from './records.ts'
import { failedReply, joinError, leaveError, syncError } from './replies.ts'
import type { GroupSettings } from './settings.ts'

export class GroupMachine implements Machine<GroupEvent, GroupRecord, GroupReply> {
  readonly settings: GroupSettings
  readonly offsets = new Offsets()
  readonly #groups = new Map<string, ClassicGroup>()

  constructor(settings: GroupSettings) {
    this.settings = settings
  }

  /** The group as it is; null for one that does not exist. One that only ever had offsets is empty. */
  group(groupId: string): ClassicGroup | null {
    return this.#groups.get(groupId) ?? null
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  decide(event: GroupEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    switch (event.kind) {
      case 'join':
        return this.#join(event, ticket, context)
      case 'sync':
        return this.#ofMember(event, ticket, context, syncError(Errors.UNKNOWN_MEMBER_ID), draft =>
          sync(draft, event, ticket),
        )
      case 'heartbeat': {
        const unknown: GroupReply = { kind: 'heartbeat', errorCode: Errors.UNKNOWN_MEMBER_ID }
        return this.#ofMember(event, ticket, context, unknown, draft => heartbeat(draft, event, ticket))
      }
      case 'leave':
        return this.#leave(event, ticket, context)
      case 'describe':
        return answer(ticket, { kind: 'describe', groups: event.groupIds.map(id => this.#describe(id)) })
      case 'list':
        return answer(ticket, this.#list(event))
      case 'deleteGroups':
        return this.#deleteGroups(event, ticket)
      case 'offsetCommit':
        return this.#commit(event, context, (draft, exists) => commitOffsets(draft, exists, event, ticket))
      case 'txnOffsetCommit':
        return this.#commit(event, context, (draft, exists) => commitInTransaction(draft, exists, event, ticket))
      case 'offsetFetch':
        return answer(ticket, fetchOffsets(this.offsets, event))
      case 'offsetDelete':
        return this.#deleteOffsets(event, ticket, context)
      case 'topicsDeleted':
        return this.#topicsDeleted(event, ticket)
      default:
        return this.#onTimer(event, context)
    }
  }

  apply(record: GroupRecord, at: Position): void {
    switch (record.kind) {
      case 'memory':
        // Ids were handed out and nobody came back with one: as if nobody had asked.
        if (isTraceless(record.group) && !this.offsets.has(record.groupId)) this.#groups.delete(record.groupId)
        else this.#groups.set(record.groupId, record.group)
        return
      case 'group':
        if (record.value) this.#groups.set(record.groupId, restore(record.groupId, record.value))
        else this.#groups.delete(record.groupId)
        return
      case 'offset': {
        const { groupId, topic, partition, value } = record
        if (!value) return this.offsets.delete(groupId, topic, partition)
        // A group may be no more than a name for offsets.
        if (!this.#groups.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId))
        this.offsets.put(groupId, topic, partition, value, at.offset, at.producerId)
      }
    }
  }

  endTransaction(commit: boolean, at: Position): void {
    this.offsets.endTransaction(at.producerId, commit)
  }

  /** Every stored member gets a whole session to show that it is still there. */
  loaded(context: DecideContext): GroupOutcome {
    const outcomes: GroupOutcome[] = []
    for (const group of this.#groups.values()) {
      const draft = new Draft(group, context, this.settings)
      for (const member of group.members.values()) draft.keepAlive(member.id, member.sessionTimeoutMs)
      // The limit may have been lowered since.
      if (group.members.size > this.settings.membersMax) prepareRebalance(draft)
      outcomes.push(draft.outcome())
    }
    return {
      records: outcomes.flatMap(({ records }) => records),
      replies: [],
      timers: Object.assign({ [expiryTimer]: this.#expiry() }, ...outcomes.map(({ timers }) => timers)),
    }
  }

  failed(error: ErrorCode, event: GroupEvent): GroupReply {
    return failedReply(error, event)
  }

  #draft(group: ClassicGroup, context: DecideContext): Draft {
    return new Draft(group, context, this.settings)
  }

  #join(event: JoinEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    const group = this.group(event.groupId)
    if (!group && event.memberId !== '') return answer(ticket, joinError(event.memberId, Errors.UNKNOWN_MEMBER_ID))
    const draft = this.#draft(group ?? new ClassicGroup(event.groupId), context)
    join(draft, event, ticket)
    return draft.outcome()
  }

  #ofMember(
    event: { readonly groupId: string },
    ticket: Ticket,
    context: DecideContext,
    unknown: GroupReply,
    act: (draft: Draft) => void,
  ): GroupOutcome {
    const group = this.group(event.groupId)
    if (!group) return answer(ticket, unknown)
    const draft = this.#draft(group, context)
    act(draft)
    return draft.outcome()
  }

  #leave(event: LeaveEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    const unknown = leaveError(event, Errors.NONE, Errors.UNKNOWN_MEMBER_ID)
    return this.#ofMember(event, ticket, context, unknown, draft => leave(draft, event, ticket))
  }

  #describe(groupId: string): DescribedGroup {
    const group = this.group(groupId)
    if (!group) {
      const errorCode = Errors.GROUP_ID_NOT_FOUND
      return { errorCode, groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
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
      groupId,
      groupState: group.state,
      protocolType: group.protocolType ?? '',
      protocolData: stable ? (group.protocolName ?? '') : '',
      members: [...group.members.values()].map(describeMember),
    }
  }

  #list({ states, types }: ListEvent): ListReply {
    const groups: ListReply['groups'][number][] = []
    if (types.size === 0 || types.has('classic')) {
      for (const { id: groupId, state: groupState, protocolType } of this.#groups.values()) {
        if (states.size > 0 && !states.has(groupState.toLowerCase())) continue
        groups.push({ groupId, protocolType: protocolType ?? '', groupState, groupType: 'classic' })
      }
    }
    return { kind: 'list', errorCode: Errors.NONE, groups }
  }

  #deleteGroups(event: DeleteGroupsEvent, ticket: Ticket): GroupOutcome {
    const records: GroupRecord[] = []
    const results = event.groupIds.map(groupId => {
      const group = this.group(groupId)
      if (!group) return { groupId, errorCode: Errors.GROUP_ID_NOT_FOUND }
      if (group.state !== 'Empty') return { groupId, errorCode: Errors.NON_EMPTY_GROUP }
      for (const { topic, partition } of this.#allOffsets(groupId)) {
        records.push({ kind: 'offset', groupId, topic, partition, value: null })
      }
      records.push({ kind: 'group', groupId, value: null })
      return { groupId, errorCode: Errors.NONE }
    })
    return { records, replies: [[ticket, { kind: 'deleteGroups', results }]], timers: {}, divisible: true }
  }

  *#allOffsets(groupId: string): Generator<OffsetEntry, void, void> {
    yield* this.offsets.entries(groupId)
    yield* this.offsets.pendingEntries(groupId)
  }

  #commit(
    { groupId }: { readonly groupId: string },
    context: DecideContext,
    act: (draft: Draft, exists: boolean) => void,
  ): GroupOutcome {
    const group = this.group(groupId)
    const draft = this.#draft(group ?? new ClassicGroup(groupId), context)
    act(draft, group !== null)
    return draft.outcome()
  }

  #deleteOffsets(event: OffsetDeleteEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    const group = this.group(event.groupId)
    const draft = group && this.#draft(group, context)
    const reply = deleteOffsets(draft, this.offsets, event)
    return draft ? { ...draft.outcome(), replies: [[ticket, reply]], divisible: true } : answer(ticket, reply)
  }

  #topicsDeleted(event: TopicsDeletedEvent, ticket: Ticket): GroupOutcome {
    const deleted = new Map(event.topics.map(({ name, topicId }) => [name, topicId]))
    const records: GroupRecord[] = []
    for (const groupId of this.offsets.groupIds()) {
      for (const { topic, partition, value } of this.#allOffsets(groupId)) {
        const topicId = deleted.get(topic)
        // A commit for a new topic of the same name stays.
        if (topicId === undefined || isOfAnotherTopic(value, topicId)) continue
        records.push({ kind: 'offset', groupId, topic, partition, value: null })
      }
    }
    const reply: GroupReply = { kind: 'topicsDeleted', errorCode: Errors.NONE }
    return { records, replies: [[ticket, reply]], timers: {}, divisible: true }
  }

  #onTimer(event: Exclude<GroupEvent, { kind: GroupReply['kind'] }>, context: DecideContext): GroupOutcome {
    if (event.kind === 'expireOffsets') return this.#expireOffsets(context.nowMs)
    const group = this.group(event.groupId)
    if (!group) return { records: [], replies: [], timers: {} }
    const draft = this.#draft(group, context)
    switch (event.kind) {
      case 'sessionExpired':
        sessionExpired(draft, event.memberId)
        break
      case 'joinExpired':
        completeJoin(draft)
        break
      case 'initialDelayPassed':
        initialDelayPassed(draft, event.delayMs, event.remainingMs)
        break
      case 'syncExpired':
        syncExpired(draft, event.generationId)
        break
    }
    return draft.outcome()
  }

  #expireOffsets(nowMs: number): GroupOutcome {
    const records: GroupRecord[] = []
    for (const group of this.#groups.values()) {
      records.push(...expireGroup(group, this.offsets, this.settings, nowMs))
    }
    return { records, replies: [], timers: { [expiryTimer]: this.#expiry() }, divisible: true }
  }

  #expiry(): { delayMs: number; event: GroupEvent } {
    return { delayMs: this.settings.offsetsRetentionCheckMs, event: { kind: 'expireOffsets' } }
  }
}

function answer(ticket: Ticket, reply: GroupReply): GroupOutcome {
  return { records: [], replies: [[ticket, reply]], timers: {} }
}

/** Never had a member that was answered, and has none now. */
function isTraceless(group: ClassicGroup): boolean {
  return group.state === 'Empty' && group.stateTimestampMs === null && group.pendingMembers.size === 0
}

/** What is on record is either empty or stable. */
function restore(groupId: string, stored: StoredGroup): ClassicGroup {
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
