/**
 * OffsetCommit, versions 0-10.
 *
 * - v0, which once meant ZooKeeper, stores the offsets with the group; any broker may be asked. v1 the time of
 *   the commit.
 * - v2-4 keep the offsets for the time that the request says; from v5 on the broker's setting alone decides.
 * - v6 the leader epoch is stored; v7 static members are fenced (KIP-345).
 * - v9 an unknown group is GROUP_ID_NOT_FOUND instead of ILLEGAL_GENERATION. Members of the consumer protocol commit with
 *   their epoch: STALE_MEMBER_EPOCH unless they had the partition since (KIP-1251); UNSUPPORTED_VERSION before.
 * - v10 topics by id: UNKNOWN_TOPIC_ID. Before: a topic or partition that does not exist is UNKNOWN_TOPIC_OR_PARTITION.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { offsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Topic } from '../metadata/entities.ts'
import { defineHandler } from './define.ts'
import { askOther, otherCoordinator } from './old-offsets.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof offsetCommit>
type RequestTopic = Request['topics'][number]

/** The first version that names topics by id. */
export const topicIdsFrom = 10

export const handler = defineHandler(
  offsetCommit,
  '0-10',
  async (request, context) => {
    if (context.version === 0) {
      const other = await otherCoordinator(request.groupId, context)
      if (other !== null) return askOther(other, offsetCommit, 2, request, context)
    }
    const found = request.topics.map(topic => findTopic(topic, context))
    const counts = found.map(topic => topic?.partitions.length ?? 0)
    const known = (t: number, index: number) => index >= 0 && index < counts[t]
    const reply = await context.broker.coordinators.ask({
      kind: 'offsetCommit',
      groupId: request.groupId,
      generationId: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      retentionTimeMs: request.retentionTimeMs,
      knowsMemberEpochs: context.version >= 9,
      topics: request.topics.flatMap(({ partitions }, t) => {
        const topic = found[t]
        const valid = partitions.filter(({ partitionIndex }) => known(t, partitionIndex))
        return topic ? [{ name: topic.name, topicId: topic.id, partitions: valid }] : []
      }),
    })
    const byId = context.version >= topicIdsFrom
    const committed = reply.topics[Symbol.iterator]()
    return answer(request, (t, indexes) => {
      const topic = found[t]
      if (!topic) return indexes.map(() => (byId ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION))
      const results = committed.next().value?.partitions[Symbol.iterator]()
      return indexes.map(index =>
        known(t, index)
          ? (results?.next().value?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR)
          : Errors.UNKNOWN_TOPIC_OR_PARTITION,
      )
    })
  },
  { failed: (request, error) => answer(request, (_t, indexes) => indexes.map(() => error.code)) },
)

function findTopic({ name, topicId }: RequestTopic, context: RequestContext): Topic | undefined {
  const { metadata } = context.broker
  return context.version >= topicIdsFrom ? metadata.topicsById.get(topicId) : metadata.topics.get(name)
}

/** The request's topics and partitions in their order, with the errors of each topic. */
function answer(request: Request, errorsOf: (t: number, indexes: readonly number[]) => ErrorCode[]) {
  return {
    topics: request.topics.map(({ name, topicId, partitions }, t) => {
      const indexes = partitions.map(({ partitionIndex }) => partitionIndex)
      const errors = errorsOf(t, indexes)
      return {
        name,
        topicId,
        partitions: indexes.map((partitionIndex, p) => ({ partitionIndex, errorCode: errors[p] })),
      }
    }),
  }
}
