/**
 * DeleteRecords, versions 0-2.
 *
 * - Moves the log start offset of a partition; -1 means the high watermark. Answered when the new start is durable, and no
 *   live replica has records before it (the low watermark); REQUEST_TIMED_OUT when that takes longer than asked.
 * - Beyond the high watermark: OFFSET_OUT_OF_RANGE. A compact-only topic: POLICY_VIOLATION.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { deleteRecords } from '../../protocol/messages/21-delete-records.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Answer = ResponseOf<typeof deleteRecords>['topics'][number]['partitions'][number]

const highWatermark = -1

export const handler = defineHandler(
  deleteRecords,
  '0-2',
  async (request, context) => {
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(({ partitionIndex, offset }) =>
          deletePartition(name, partitionIndex, offset, request.timeoutMs, context),
        ),
      ),
    }))
    return { topics: await Promise.all(topics) }
  },
  {
    failed: ({ topics }, { code }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode: code })),
      })),
    }),
  },
)

async function deletePartition(
  topic: string,
  partitionIndex: number,
  offset: number,
  timeoutMs: number,
  context: RequestContext,
): Promise<Answer> {
  try {
    if (context.broker.metadata.isInternal(topic)) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION)
    const partition = context.broker.partitions.lead(topic, partitionIndex)
    const lowWatermark = await partition.deleteRecordsBefore(offset === highWatermark ? null : offset, timeoutMs)
    return { partitionIndex, lowWatermark, errorCode: Errors.NONE }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, lowWatermark: -1, errorCode: error.code }
  }
}
