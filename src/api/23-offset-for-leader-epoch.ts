/**
 * OffsetForLeaderEpoch, versions 0-4.
 *
 * - The end offset of a leader epoch: where the next higher epoch starts, the log end offset for the latest, and -1 for one
 *   that the log knows nothing of (KIP-101, KIP-279). v2 fences the current leader epoch (KIP-320).
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { offsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Wanted = RequestOf<typeof offsetForLeaderEpoch>['topics'][number]['partitions'][number]
type Answer = ResponseOf<typeof offsetForLeaderEpoch>['topics'][number]['partitions'][number]

export const handler = defineHandler(
  offsetForLeaderEpoch,
  '0-4',
  (request, context) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(wanted => answerPartition(topic, wanted, context)),
    })),
  }),
  {
    failed: ({ topics }, { code }) => ({
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode: code })),
      })),
    }),
  },
)

function answerPartition(topic: string, wanted: Wanted, context: RequestContext): Answer {
  const { partition: index, currentLeaderEpoch, leaderEpoch } = wanted
  try {
    const partition = context.broker.partitions.lead(topic, index)
    partition.fence(currentLeaderEpoch)
    const end = partition.log.endOffsetForEpoch(leaderEpoch)
    return { errorCode: Errors.NONE, partition: index, leaderEpoch: end?.epoch ?? -1, endOffset: end?.endOffset ?? -1 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, partition: index, leaderEpoch: -1, endOffset: -1 }
  }
}
