/**
 * OffsetDelete, version 0.
 *
 * - Deletes committed offsets. Of a consumer group only those of topics that no member subscribes to
 *   (GROUP_SUBSCRIBED_TO_TOPIC); of any other group with members none (NON_EMPTY_GROUP).
 * - A topic that does not exist is UNKNOWN_TOPIC_OR_PARTITION; an offset that was never committed is no error.
 */
import { Errors } from '../../protocol/errors.ts'
import { offsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  offsetDelete,
  '0',
  async (request, { broker: { coordinators, metadata } }) => {
    const { groupId } = request
    const exists = request.topics.map(({ name }) => metadata.topics.has(name))
    const known = request.topics.filter((_topic, t) => exists[t])
    const reply = await coordinators.ask({ kind: 'offsetDelete', groupId, topics: known })
    if (reply.errorCode !== Errors.NONE) return { errorCode: reply.errorCode, topics: [] }
    const deleted = reply.topics[Symbol.iterator]()
    const topics = request.topics.map(({ name, partitions }, t) => {
      if (exists[t]) return deleted.next().value ?? { name, partitions: [] }
      const errorCode = Errors.UNKNOWN_TOPIC_OR_PARTITION
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
    })
    return { errorCode: Errors.NONE, topics }
  },
  { failed: (_request, { code: errorCode }) => ({ errorCode, topics: [] }) },
)
