/** All groups of one partition of `__consumer_offsets`, as a machine: events in, records, replies and timers out. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { DecideContext, Machine, Position, Ticket } from '../../machine/machine.ts'
import { describeGroup, listGroups } from './admin.ts'
import { ClassicGroup } from './classic-group.ts'
import { join } from './classic-join.ts'
import { heartbeat, leave, sync } from './classic-members.ts'
import { completeJoin, initialDelayPassed, prepareRebalance, sessionExpired, syncExpired } from './classic-rebalance.ts'
import { restoreGroup } from './classic-restore.ts'
import type { GroupCluster } from './cluster.ts'
import { isConsumerProtocolServed } from './consumer/checks.ts'
import { classicRequest } from './consumer/classic-member.ts'
import { describeConsumerGroup } from './consumer/describe.ts'
import { eraseGroup } from './consumer/downgrade.ts'
import { ConsumerDraft } from './consumer/draft.ts'
import { ConsumerGroup } from './consumer/group.ts'
import { memberExpired } from './consumer/leave.ts'
import { checkConsumerFetch } from './consumer/offsets.ts'
import { watchMembers } from './consumer/progress.ts'
import type { ConsumerRecord } from './consumer/records.ts'
import { decideHeartbeat } from './consumer/requests.ts'
import { Draft, expiryTimer, type GroupOutcome, joined } from './draft.ts'
import type {
  DeleteGroupsEvent,
  DescribedConsumerGroup,
  GroupEvent,
  GroupReply,
  JoinEvent,
  MemberEvent,
  OffsetDeleteEvent,
  TimerEvent,
  TopicsDeletedEvent,
} from './events.ts'
import { commitOffsets, deleteOffsets, fetchOffsets, isOfAnotherTopic } from './offset-commands.ts'
import { expireOffsets } from './offset-expiry.ts'
import { type OffsetEntry, Offsets } from './offsets.ts'
import type { GroupRecord } from './records.ts'
import { consumerDescribeError, failedReply, joinError, refusedMember } from './replies.ts'
import type { GroupSettings } from './settings.ts'
import { usageOf } from './usage.ts'

type Group = ClassicGroup | ConsumerGroup

export class GroupMachine implements Machine<GroupEvent, GroupRecord, GroupReply> {
  readonly settings: GroupSettings
  readonly offsets = new Offsets()
  readonly #cluster: GroupCluster
  readonly #groups = new Map<string, Group>()

  constructor(settings: GroupSettings, cluster: GroupCluster) {
    this.settings = settings
    this.#cluster = cluster
  }

  /** The classic group as it is; null for one that does not exist. One that only ever had offsets is empty. */
  group(groupId: string): ClassicGroup | null {
    const group = this.#groups.get(groupId)
    return group instanceof ClassicGroup ? group : null
  }

  /** The group of the consumer protocol as it is; null for one that does not exist. */
  consumerGroup(groupId: string): ConsumerGroup | null {
    const group = this.#groups.get(groupId)
    return group instanceof ConsumerGroup ? group : null
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  decide(event: GroupEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    switch (event.kind) {
      case 'consumerHeartbeat': {
        const deciding = { context, settings: this.settings, cluster: this.#cluster }
        return decideHeartbeat(this.#groups.get(event.groupId) ?? null, event, ticket, deciding)
      }
      case 'consumerDescribe':
        return answer(ticket, {
          kind: 'consumerDescribe',
          groups: event.groupIds.map(id => this.#describeConsumer(id)),
        })
      case 'join':
      case 'sync':
      case 'heartbeat':
      case 'leave':
        return this.#ofMember(event, ticket, context)
      case 'describe': {
        const groups = event.groupIds.map(id => describeGroup(id, this.#groups.get(id) ?? null))
        return answer(ticket, { kind: 'describe', groups })
      }
      case 'list': {
        const groups = listGroups(this.#groups.values(), event)
        return answer(ticket, { kind: 'list', errorCode: Errors.NONE, groups })
      }
      case 'deleteGroups':
        return this.#deleteGroups(event, ticket, context)
      case 'offsetCommit':
      case 'txnOffsetCommit': {
        const group = this.#groups.get(event.groupId) ?? null
        const draft = this.#draft(group ?? new ClassicGroup(event.groupId), context)
        commitOffsets(draft, group, event, ticket)
        return draft.outcome()
      }
      case 'offsetFetch': {
        const group = this.#groups.get(event.groupId)
        const errorCode = group instanceof ConsumerGroup ? checkConsumerFetch(group, event) : Errors.NONE
        return answer(
          ticket,
          errorCode === Errors.NONE ? fetchOffsets(this.offsets, event) : failedReply(errorCode, event),
        )
      }
      case 'offsetDelete':
        return this.#deleteOffsets(event, ticket)
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
        if (record.value) this.#groups.set(record.groupId, restoreGroup(record.groupId, record.value))
        else if (this.group(record.groupId)) this.#forget(record.groupId)
        return
      case 'offset': {
        const { groupId, topic, partition, value } = record
        if (!value) return this.offsets.delete(groupId, topic, partition)
        // A group may be no more than a name for offsets.
        if (!this.#groups.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId))
        this.offsets.put(groupId, topic, partition, value, at.offset, at.producerId)
        return
      }
      default:
        return this.#applyConsumer(record)
    }
  }

  #applyConsumer(record: ConsumerRecord): void {
    const { groupId } = record
    const isGone = record.kind !== 'consumerMemory' && record.value === null
    let group = this.consumerGroup(groupId)
    if (isGone && record.kind === 'consumerGroup') {
      if (group) this.#forget(groupId)
      return
    }
    if (!group) {
      if (isGone) return
      group = new ConsumerGroup(groupId)
      this.#groups.set(groupId, group)
    }
    group.apply(record)
  }

  /** Its offsets, if it still has any, are those of a group without members. */
  #forget(groupId: string): void {
    if (this.offsets.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId))
    else this.#groups.delete(groupId)
  }

  endTransaction(commit: boolean, at: Position): void {
    this.offsets.endTransaction(at.producerId, commit)
  }

  /** Every stored member gets a whole session to show that it is still there. */
  loaded(context: DecideContext): GroupOutcome {
    const outcomes: GroupOutcome[] = []
    for (const group of this.#groups.values()) {
      const draft = this.#draft(group, context)
      if (draft instanceof ConsumerDraft) watchMembers(draft)
      else this.#resume(draft)
      outcomes.push(draft.outcome())
    }
    return {
      records: outcomes.flatMap(({ records }) => records),
      replies: [],
      timers: Object.assign({ [expiryTimer]: this.#expiry() }, ...outcomes.map(({ timers }) => timers)),
    }
  }

  #resume(draft: Draft): void {
    for (const member of draft.group.members.values()) draft.keepAlive(member.id, member.sessionTimeoutMs)
    // The limit may have been lowered since.
    if (draft.group.members.size > this.settings.membersMax) prepareRebalance(draft)
  }

  failed(error: ErrorCode, event: GroupEvent): GroupReply {
    return failedReply(error, event)
  }

  #draft(group: ClassicGroup, context: DecideContext): Draft
  #draft(group: Group, context: DecideContext): Draft | ConsumerDraft
  #draft(group: Group, context: DecideContext): Draft | ConsumerDraft {
    if (group instanceof ClassicGroup) return new Draft(group, context, this.settings)
    return new ConsumerDraft(group, context, this.settings, this.#cluster)
  }

  /** A request of the classic protocol, to whichever kind of group. */
  #ofMember(event: MemberEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    const group = this.#groups.get(event.groupId)
    if (group instanceof ConsumerGroup && !(event.kind === 'join' && group.members.size === 0)) {
      return classicRequest(new ConsumerDraft(group, context, this.settings, this.#cluster), event, ticket)
    }
    if (event.kind === 'join') return this.#join(event, ticket, context)
    if (!(group instanceof ClassicGroup)) return answer(ticket, refusedMember(event, Errors.UNKNOWN_MEMBER_ID))
    const draft = this.#draft(group, context)
    if (event.kind === 'sync') sync(draft, event, ticket)
    else if (event.kind === 'heartbeat') heartbeat(draft, event, ticket)
    else leave(draft, event, ticket)
    return draft.outcome()
  }

  #join(event: JoinEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    const group = this.#groups.get(event.groupId)
    // Nobody is left in the group of the other protocol: it begins anew as a classic one.
    const old = group instanceof ConsumerGroup ? this.#draft(group, context) : null
    if (!(group instanceof ClassicGroup) && event.memberId !== '') {
      return answer(ticket, joinError(event.memberId, Errors.UNKNOWN_MEMBER_ID))
    }
    const draft = this.#draft(group instanceof ClassicGroup ? group : new ClassicGroup(event.groupId), context)
    join(draft, event, ticket)
    if (!(old instanceof ConsumerDraft)) return draft.outcome()
    eraseGroup(old)
    return joined(old.outcome(), draft.outcome())
  }

  #describeConsumer(groupId: string): DescribedConsumerGroup {
    if (!isConsumerProtocolServed(this.settings, this.#cluster)) {
      return consumerDescribeError(groupId, Errors.UNSUPPORTED_VERSION, null)
    }
    const group = this.#groups.get(groupId)
    if (group instanceof ConsumerGroup)
      return describeConsumerGroup(group, this.settings.consumer.assignors, this.#cluster)
    const why = group ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`
    return consumerDescribeError(groupId, Errors.GROUP_ID_NOT_FOUND, why)
  }

  #deleteGroups(event: DeleteGroupsEvent, ticket: Ticket, context: DecideContext): GroupOutcome {
    const records: GroupRecord[] = []
    const results = event.groupIds.map(groupId => {
      const group = this.#groups.get(groupId)
      if (!group) return { groupId, errorCode: Errors.GROUP_ID_NOT_FOUND }
      if (group.state !== 'Empty') return { groupId, errorCode: Errors.NON_EMPTY_GROUP }
      for (const { topic, partition } of this.#allOffsets(groupId)) {
        records.push({ kind: 'offset', groupId, topic, partition, value: null })
      }
      records.push(...this.#tombstones(group, context))
      return { groupId, errorCode: Errors.NONE }
    })
    return { records, replies: [[ticket, { kind: 'deleteGroups', results }]], timers: {}, divisible: true }
  }

  #tombstones(group: Group, context: DecideContext): readonly GroupRecord[] {
    const draft = this.#draft(group, context)
    if (!(draft instanceof ConsumerDraft)) return [{ kind: 'group', groupId: group.id, value: null }]
    eraseGroup(draft)
    return draft.outcome().records
  }

  *#allOffsets(groupId: string): Generator<OffsetEntry, void, void> {
    yield* this.offsets.entries(groupId)
    yield* this.offsets.pendingEntries(groupId)
  }

  #deleteOffsets(event: OffsetDeleteEvent, ticket: Ticket): GroupOutcome {
    const group = this.#groups.get(event.groupId)
    const { records, reply } = deleteOffsets(group ? usageOf(group) : null, this.offsets, event)
    return { records, replies: [[ticket, reply]], timers: {}, divisible: true }
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
    if (event.kind === 'expireOffsets') return this.#expireOffsets(context)
    const group = this.#groups.get(event.groupId)
    if (!group) return { records: [], replies: [], timers: {} }
    const draft = this.#draft(group, context)
    if (draft instanceof ConsumerDraft) memberExpired(draft, event)
    else classicTimer(draft, event)
    return draft.outcome()
  }

  #expireOffsets(context: DecideContext): GroupOutcome {
    const records: GroupRecord[] = []
    for (const group of this.#groups.values()) {
      const { tombstones, isUnused } = expireOffsets(usageOf(group), this.offsets, this.settings, context.nowMs)
      records.push(...tombstones)
      if (isUnused) records.push(...this.#tombstones(group, context))
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

function classicTimer(draft: Draft, event: TimerEvent): void {
  switch (event.kind) {
    case 'sessionExpired':
      return sessionExpired(draft, event.memberId)
    case 'joinExpired':
      return completeJoin(draft)
    case 'initialDelayPassed':
      return initialDelayPassed(draft, event.delayMs, event.remainingMs)
    case 'syncExpired':
      return syncExpired(draft, event.generationId)
    default:
      // Of members of the group when it was one of the consumer protocol.
      return
  }
}
