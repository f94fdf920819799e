/**
 * OffsetFetch, versions 0-10.
 *
 * - A group that does not exist, or has no offset for a partition, answers -1 and no error from v1 on. v0, which once meant
 *   ZooKeeper, reads the same offsets, of any broker, and answers UNKNOWN_TOPIC_OR_PARTITION for those that are not there.
 * - v2 null topics means all, and errors of the group are told once instead of per partition. v5 leader epochs.
 * - v7 RequireStable: UNSTABLE_OFFSET_COMMIT while a transaction that commits the partition is open (KIP-447).
 * - v8 many groups at once. v9 member id and epoch are checked in groups of the consumer protocol:
 *   UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH.
 * - v10 topics by id: UNKNOWN_TOPIC_ID.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { offsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { OffsetFetchReply } from '../coordinator/group/events.ts'
import { defineHandler } from './define.ts'
import { askOther, otherCoordinator } from './old-offsets.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof offsetFetch>
type GroupRequest = Request['groups'][number]
type GroupAnswer = ResponseOf<typeof offsetFetch>['groups'][number]
type TopicAnswer = GroupAnswer['topics'][number]

const manyGroupsFrom = 8
const topicIdsFrom = 10
/** Before this version an error of the group can only be told for each partition. */
const groupErrorFrom = 2

export const handler = defineHandler(
  offsetFetch,
  '0-10',
  async (request, context) => {
    if (context.version >= manyGroupsFrom) {
      return { topics: [], groups: await Promise.all(request.groups.map(group => fetchGroup(group, request, context))) }
    }
    if (context.version === 0) {
      const other = await otherCoordinator(request.groupId, context)
      if (other !== null) {
        const { topics } = await askOther(other, offsetFetch, 1, request, context)
        return { topics: asInZooKeeper(topics), groups: [] }
      }
    }
    return singleGroup(request, await fetchGroup(onlyGroup(request), request, context), context.version)
  },
  {
    failed: (request, { code: errorCode }, context) => {
      const failure = (group: GroupRequest): GroupAnswer => ({ groupId: group.groupId, topics: [], errorCode })
      if (context.version >= manyGroupsFrom) return { topics: [], groups: request.groups.map(failure) }
      return singleGroup(request, failure(onlyGroup(request)), context.version)
    },
  },
)

/** The one group of an old request, in the shape of the new ones. */
function onlyGroup({ groupId, topics }: Request): GroupRequest {
  const named = topics?.map(topic => ({ ...topic, topicId: zeroUuid })) ?? null
  return { groupId, memberId: null, memberEpoch: -1, topics: named }
}

function singleGroup(request: Request, group: GroupAnswer, version: number): ResponseOf<typeof offsetFetch> {
  if (version === 0 && group.errorCode === Errors.NONE) return { topics: asInZooKeeper(group.topics), groups: [] }
  const errorCode = group.errorCode ?? Errors.NONE
  if (version >= groupErrorFrom || errorCode === Errors.NONE) return { topics: group.topics, errorCode, groups: [] }
  const topics = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partitionIndex => nothing(partitionIndex, errorCode)),
  }))
  return { topics, groups: [] }
}

/** Offsets that are not there, as ZooKeeper told of them. */
function asInZooKeeper<P extends { readonly errorCode: number; readonly committedOffset: number }>(
  topics: readonly { readonly name?: string; readonly partitions: readonly P[] }[],
) {
  const errorOf = ({ errorCode, committedOffset }: P) =>
    errorCode === Errors.NONE && committedOffset < 0 ? Errors.UNKNOWN_TOPIC_OR_PARTITION : errorCode
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(partition => ({ ...partition, errorCode: errorOf(partition) })),
  }))
}

async function fetchGroup(group: GroupRequest, request: Request, context: RequestContext): Promise<GroupAnswer> {
  const { metadata, coordinators } = context.broker
  const byId = context.version >= topicIdsFrom
  const topics = group.topics?.map(({ name, topicId, partitionIndexes }) => {
    const topic = byId ? metadata.topicsById.get(topicId) : metadata.topics.get(name)
    return { name: topic?.name ?? name, topicId: topic?.id ?? topicId, partitionIndexes, unknown: byId && !topic }
  })
  const { groupId } = group
  const { requireStable } = request
  const reply = await coordinators.ask({
    kind: 'offsetFetch',
    groupId,
    memberId: group.memberId,
    memberEpoch: group.memberEpoch,
    topics: topics?.filter(({ unknown }) => !unknown) ?? null,
    requireStable,
  })
  if (reply.errorCode !== Errors.NONE) return { groupId, topics: [], errorCode: reply.errorCode }
  if (!topics) return { groupId, topics: byId ? withIds(reply, context) : [...reply.topics], errorCode: Errors.NONE }
  const fetched = reply.topics[Symbol.iterator]()
  const answers = topics.map(({ name, topicId, partitionIndexes, unknown }): TopicAnswer => {
    const partitions = unknown
      ? partitionIndexes.map(index => nothing(index, Errors.UNKNOWN_TOPIC_ID))
      : (fetched.next().value?.partitions ?? [])
    return { name, topicId, partitions }
  })
  return { groupId, topics: answers, errorCode: Errors.NONE }
}

/** All offsets of a group, of topics that still exist. */
function withIds({ topics }: OffsetFetchReply, { broker: { metadata } }: RequestContext): TopicAnswer[] {
  return topics.flatMap(({ name, topicId, partitions }) => {
    const id = metadata.topicId(name)
    return id !== null && (topicId === zeroUuid || topicId === id) ? [{ name, topicId: id, partitions }] : []
  })
}

function nothing(partitionIndex: number, errorCode: ErrorCode | number) {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
}
