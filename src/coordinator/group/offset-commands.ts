/** OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import { zeroUuid } from '../../../protocol/uuid.ts'
import { getOrCreate } from '../../lib/get-or-create.ts'
import type { Ticket } from '../../machine/machine.ts'
import { ClassicGroup } from './classic-group.ts'
import { checkMember } from './classic-join.ts'
import type { ConsumerDraft } from './consumer/draft.ts'
import { ConsumerGroup } from './consumer/group.ts'
import { checkConsumerCommit, checkConsumerTransactional } from './consumer/offsets.ts'
import type { BaseDraft, Draft } from './draft.ts'
import type {
  GroupReply,
  OffsetCommitEvent,
  OffsetDeleteEvent,
  OffsetFetchEvent,
  OffsetFetchReply,
  TxnOffsetCommitEvent,
} from './events.ts'
import type { CommittedOffset, Offsets } from './offsets.ts'
import type { GroupRecord } from './records.ts'
import { commitAnswer } from './replies.ts'
import type { GroupUsage } from './usage.ts'

/** `group` is null for a group id that nobody has used yet: it comes into being with its first commit. */
export function commitOffsets(
  draft: Draft | ConsumerDraft,
  group: ClassicGroup | ConsumerGroup | null,
  event: OffsetCommitEvent | TxnOffsetCommitEvent,
  ticket: Ticket,
): void {
  const error = checkOf(group, event)
  if (error !== Errors.NONE) {
    return draft.reply(
      ticket,
      commitAnswer(event, () => error),
    )
  }
  if (event.kind === 'txnOffsetCommit') {
    // The member's session is not touched: this is its producer's doing.
    draft.transaction = event.transaction
    return record(draft, event, -1, ticket)
  }
  // Committing shows that the member lives, as a heartbeat does.
  const member = group instanceof ClassicGroup ? group.members.get(event.memberId) : undefined
  if (member) draft.keepAlive(member.id, member.sessionTimeoutMs)
  const { retentionTimeMs } = event
  const expireTimestampMs = retentionTimeMs === -1 ? -1 : clampTimestamp(draft.context.nowMs + retentionTimeMs)
  record(draft, event, expireTimestampMs, ticket)
}

function checkOf(
  group: ClassicGroup | ConsumerGroup | null,
  event: OffsetCommitEvent | TxnOffsetCommitEvent,
): ErrorCode {
  if (group instanceof ConsumerGroup) {
    return event.kind === 'offsetCommit' ? checkConsumerCommit(group, event) : checkConsumerTransactional(group, event)
  }
  if (event.kind === 'offsetCommit') return group ? checkCommit(group, event) : checkFirstCommit(event)
  return group ? checkTransactional(group, event) : checkFirstTransactional(event)
}

/** Writes every offset that may be committed, and answers for each. */
function record(
  draft: BaseDraft,
  event: OffsetCommitEvent | TxnOffsetCommitEvent,
  expireTimestampMs: number,
  ticket: Ticket,
): void {
  const { nowMs } = draft.context
  const reply = commitAnswer(event, ({ committedMetadata }) => {
    const tooLarge = committedMetadata !== null && committedMetadata.length > draft.settings.offsetMetadataBytesMax
    return tooLarge ? Errors.OFFSET_METADATA_TOO_LARGE : Errors.NONE
  })
  event.topics.forEach(({ name: topic, topicId, partitions }, t) => {
    partitions.forEach((partition, p) => {
      if (reply.topics[t].partitions[p].errorCode !== Errors.NONE) return
      const value: CommittedOffset = {
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        commitTimestampMs: committedAt(partition, nowMs),
        expireTimestampMs,
        topicId,
      }
      draft.record({ kind: 'offset', groupId: event.groupId, topic, partition: partition.partitionIndex, value })
    })
  })
  draft.reply(ticket, reply)
}

/** Only OffsetCommit 1 says when. */
function committedAt({ commitTimestamp = -1 }: { readonly commitTimestamp?: number }, nowMs: number): number {
  return commitTimestamp === -1 ? nowMs : clampTimestamp(commitTimestamp)
}

/** A retention time may be as large as an int64. */
function clampTimestamp(timestampMs: number): number {
  return Math.min(Math.max(timestampMs, 0), Number.MAX_SAFE_INTEGER)
}

/** A group that is only a name for offsets comes into being with its first commit. */
function checkFirstCommit(event: OffsetCommitEvent): ErrorCode {
  if (event.generationId < 0) return Errors.NONE
  return event.knowsMemberEpochs ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION
}

function checkCommit(group: ClassicGroup, event: OffsetCommitEvent): ErrorCode {
  // Tools and consumers that assign partitions themselves: fine as long as no members could be disturbed.
  if (event.generationId < 0 && group.state === 'Empty') return Errors.NONE
  if (event.generationId < 0 && event.memberId === '' && event.groupInstanceId === null) return Errors.UNKNOWN_MEMBER_ID
  const error = checkMember(group, event.memberId, event.groupInstanceId)
  if (error !== Errors.NONE) return error
  if (event.generationId !== group.generation) return Errors.ILLEGAL_GENERATION
  // It knows the new generation already, but its partitions may be somebody else's in a moment.
  return group.state === 'CompletingRebalance' ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE
}

function checkFirstTransactional({ generationId }: TxnOffsetCommitEvent): ErrorCode {
  return generationId < 0 ? Errors.NONE : Errors.ILLEGAL_GENERATION
}

/** Old producers do not say which member they commit for; the others are fenced as consumers are (KIP-447). */
function checkTransactional(group: ClassicGroup, event: TxnOffsetCommitEvent): ErrorCode {
  const { generationId, memberId, groupInstanceId } = event
  const isAnonymous = memberId === '' && groupInstanceId === null
  if (generationId < 0 && (group.state === 'Empty' || isAnonymous)) return Errors.NONE
  const error = checkMember(group, memberId, groupInstanceId)
  if (error !== Errors.NONE) return error
  return generationId === group.generation ? Errors.NONE : Errors.ILLEGAL_GENERATION
}

type FetchedPartition = OffsetFetchReply['topics'][number]['partitions'][number]

/** A group that does not exist has no offsets: -1 for every partition, and no error. */
export function fetchOffsets(offsets: Offsets, event: OffsetFetchEvent): OffsetFetchReply {
  const { groupId } = event
  const topics =
    event.topics?.map(({ name, topicId, partitionIndexes }) => ({
      name,
      topicId,
      partitions: partitionIndexes.map(partition => fetchOne(offsets, event, name, topicId, partition)),
    })) ?? fetchAll(offsets, event)
  return { kind: 'offsetFetch', errorCode: Errors.NONE, groupId, topics }
}

function fetchAll(offsets: Offsets, event: OffsetFetchEvent): OffsetFetchReply['topics'] {
  const topics = new Map<string, { name: string; topicId: string; partitions: FetchedPartition[] }>()
  for (const { topic, partition, value } of offsets.entries(event.groupId)) {
    const fetched = getOrCreate(topics, topic, () => ({ name: topic, topicId: value.topicId, partitions: [] }))
    fetched.partitions.push(fetchOne(offsets, event, topic, zeroUuid, partition))
  }
  return [...topics.values()]
}

function fetchOne(
  offsets: Offsets,
  event: OffsetFetchEvent,
  topic: string,
  topicId: string,
  partitionIndex: number,
): FetchedPartition {
  const nothing = { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '' }
  if (event.requireStable && offsets.isPending(event.groupId, topic, partitionIndex)) {
    return { ...nothing, errorCode: Errors.UNSTABLE_OFFSET_COMMIT }
  }
  const committed = offsets.get(event.groupId, topic, partitionIndex)
  if (!committed || isOfAnotherTopic(committed, topicId)) return { ...nothing, errorCode: Errors.NONE }
  return {
    partitionIndex,
    committedOffset: committed.offset,
    committedLeaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    errorCode: Errors.NONE,
  }
}

/** A topic of the same name that was deleted since. */
export function isOfAnotherTopic(committed: CommittedOffset, topicId: string): boolean {
  return committed.topicId !== zeroUuid && topicId !== zeroUuid && committed.topicId !== topicId
}

export interface DeletedOffsets {
  readonly records: readonly GroupRecord[]
  readonly reply: GroupReply
}

/** `group` is null when there is no such group. */
export function deleteOffsets(group: GroupUsage | null, offsets: Offsets, event: OffsetDeleteEvent): DeletedOffsets {
  const refuse = (errorCode: ErrorCode): DeletedOffsets => {
    return { records: [], reply: { kind: 'offsetDelete', errorCode, topics: [] } }
  }
  if (!group) return refuse(Errors.GROUP_ID_NOT_FOUND)
  // Only of consumers it is known which topics they use.
  if (!group.isEmpty && !group.isConsumer) return refuse(Errors.NON_EMPTY_GROUP)
  const groupId = group.id
  const records: GroupRecord[] = []
  const topics = event.topics.map(({ name, partitions }) => {
    const inUse = !group.isEmpty && group.isSubscribedTo(name)
    const errorCode = inUse ? Errors.GROUP_SUBSCRIBED_TO_TOPIC : Errors.NONE
    for (const { partitionIndex } of inUse ? [] : partitions) {
      const known =
        offsets.get(groupId, name, partitionIndex) !== null || offsets.isPending(groupId, name, partitionIndex)
      if (known) records.push({ kind: 'offset', groupId, topic: name, partition: partitionIndex, value: null })
    }
    return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
  })
  return { records, reply: { kind: 'offsetDelete', errorCode: Errors.NONE, topics } }
}
