/** Who may commit and fetch offsets of a group of the consumer protocol. */
import { type ErrorCode, Errors } from '../../../../protocol/errors.ts'
import type { OffsetCommitEvent, OffsetFetchEvent, TxnOffsetCommitEvent } from '../events.ts'
import type { ConsumerGroup } from './group.ts'
import type { ConsumerMember } from './member.ts'

/** By topic id and partition. */
export type PartitionCheck = (topicId: string, partition: number) => ErrorCode

const always =
  (errorCode: ErrorCode): PartitionCheck =>
  () =>
    errorCode

export function checkConsumerCommit(group: ConsumerGroup, event: OffsetCommitEvent): PartitionCheck {
  const { generationId, memberId } = event
  // Tools: fine as long as no member could be disturbed.
  if (generationId < 0 && group.members.size === 0) return always(Errors.NONE)
  const member = group.members.get(memberId)
  if (!member) return always(Errors.UNKNOWN_MEMBER_ID)
  // Older versions have no room for the errors that tell of epochs.
  if (!event.knowsMemberEpochs && !member.classic) return always(Errors.UNSUPPORTED_VERSION)
  const stale = member.classic ? Errors.ILLEGAL_GENERATION : Errors.STALE_MEMBER_EPOCH
  return checkEpoch(member, generationId, stale)
}

export function checkConsumerTransactional(group: ConsumerGroup, event: TxnOffsetCommitEvent): PartitionCheck {
  const { generationId, memberId, groupInstanceId } = event
  const isAnonymous = memberId === '' && groupInstanceId === null
  if (generationId < 0 && (group.members.size === 0 || isAnonymous)) return always(Errors.NONE)
  const member = group.members.get(memberId)
  if (!member) return always(Errors.UNKNOWN_MEMBER_ID)
  // This API does not know STALE_MEMBER_EPOCH.
  return checkEpoch(member, generationId, Errors.ILLEGAL_GENERATION)
}

/**
 * The member's own epoch is right, and so is an older one for partitions that it has had since: then the commit is only late
 * (KIP-1251).
 */
function checkEpoch(member: ConsumerMember, epoch: number, stale: ErrorCode): PartitionCheck {
  if (epoch === member.memberEpoch) return always(Errors.NONE)
  if (epoch > member.memberEpoch || epoch < 0) return always(stale)
  return (topicId, partition) => {
    const since = assignedSince(member, topicId, partition)
    return since !== null && since <= epoch ? Errors.NONE : stale
  }
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
