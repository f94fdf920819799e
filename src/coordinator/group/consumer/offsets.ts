/** Who may commit and fetch offsets of a group of the consumer protocol. */
import { type ErrorCode, Errors } from '../../../../protocol/errors.ts'
import type { OffsetCommitEvent, OffsetFetchEvent, TxnOffsetCommitEvent } from '../events.ts'
import type { ConsumerGroup } from './group.ts'
import type { ConsumerMember } from './member.ts'

export function checkConsumerCommit(group: ConsumerGroup, event: OffsetCommitEvent): ErrorCode {
  const { generationId, memberId } = event
  // Tools: fine as long as no member could be disturbed.
  if (generationId < 0 && group.members.size === 0) return Errors.NONE
  const member = group.members.get(memberId)
  if (!member) return Errors.UNKNOWN_MEMBER_ID
  // Older versions have no room for the errors that tell of epochs.
  if (!event.knowsMemberEpochs && !member.classic) return Errors.UNSUPPORTED_VERSION
  const isRight = hasRightEpoch(member, event)
  return isRight ? Errors.NONE : member.classic ? Errors.ILLEGAL_GENERATION : Errors.STALE_MEMBER_EPOCH
}

export function checkConsumerTransactional(group: ConsumerGroup, event: TxnOffsetCommitEvent): ErrorCode {
  const { generationId, memberId, groupInstanceId } = event
  const isAnonymous = memberId === '' && groupInstanceId === null
  if (generationId < 0 && (group.members.size === 0 || isAnonymous)) return Errors.NONE
  const member = group.members.get(memberId)
  if (!member) return Errors.UNKNOWN_MEMBER_ID
  // This API does not know STALE_MEMBER_EPOCH.
  return hasRightEpoch(member, event) ? Errors.NONE : Errors.ILLEGAL_GENERATION
}

/**
 * The member's own epoch is right, and so is an older one when the member has had all of the partitions since: then the commit
 * is only late (KIP-1251).
 */
function hasRightEpoch(
  member: ConsumerMember,
  { generationId: epoch, topics }: OffsetCommitEvent | TxnOffsetCommitEvent,
): boolean {
  if (epoch === member.memberEpoch) return true
  if (epoch > member.memberEpoch || epoch < 0) return false
  return topics.every(({ topicId, partitions }) =>
    partitions.every(({ partitionIndex }) => {
      const since = assignedSince(member, topicId, partitionIndex)
      return since !== null && since <= epoch
    }),
  )
}

function assignedSince({ assigned, revoking }: ConsumerMember, topicId: string, partition: number): number | null {
  return assigned.get(topicId)?.get(partition) ?? revoking.get(topicId)?.get(partition) ?? null
}

/** Whoever names no member may read; a member must be the one that it says. */
export function checkConsumerFetch(group: ConsumerGroup, { memberId, memberEpoch }: OffsetFetchEvent): ErrorCode {
  if (memberId === null && memberEpoch < 0) return Errors.NONE
  const member = group.members.get(memberId ?? '')
  if (!member) return Errors.UNKNOWN_MEMBER_ID
  return memberEpoch === member.memberEpoch ? Errors.NONE : Errors.STALE_MEMBER_EPOCH
}
