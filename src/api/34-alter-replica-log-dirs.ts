/**
 * AlterReplicaLogDirs, versions 0-2.
 *
 * - Replicas of this broker are moved to another of its log directories: answered when the move begins. DescribeLogDirs shows
 *   the copy as a future replica until it takes the place of the other. Asked for the directory where a replica is, a move
 *   that is under way ends.
 * - LOG_DIR_NOT_FOUND for a path that is no log directory of this broker, KAFKA_STORAGE_ERROR for one that is offline.
 * - REPLICA_NOT_AVAILABLE where this broker holds no replica: if one is made later it lies there. UNKNOWN_TOPIC_OR_PARTITION.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { alterReplicaLogDirs } from '../../protocol/messages/34-alter-replica-log-dirs.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

export const handler = defineHandler(
  alterReplicaLogDirs,
  '0-2',
  ({ dirs }, context) => {
    const results = new Map<string, { partitionIndex: number; errorCode: ErrorCode }[]>()
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const answers = partitions.map(partitionIndex => ({
          partitionIndex,
          errorCode: move(path, name, partitionIndex, context),
        }))
        results.set(name, [...(results.get(name) ?? []), ...answers])
      }
    }
    return { results: [...results].map(([topicName, partitions]) => ({ topicName, partitions })) }
  },
  {
    failed: ({ dirs }, { code: errorCode }) => ({
      results: dirs.flatMap(({ topics }) =>
        topics.map(({ name: topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(partitionIndex => ({ partitionIndex, errorCode })),
        })),
      ),
    }),
  },
)

function move(path: string, topic: string, index: number, { broker }: RequestContext): ErrorCode {
  const { logs, partitions, metadata } = broker
  const to = logs.directories.find(directory => directory.path === path)
  if (!to) return Errors.LOG_DIR_NOT_FOUND
  if (to.isOffline) return Errors.KAFKA_STORAGE_ERROR
  const info = metadata.partition(topic, index)
  const partition = partitions.get(topic, index)
  if (partition?.log.failure) return Errors.KAFKA_STORAGE_ERROR
  if (partition || info) partitions.moves.move(topic, index, to)
  if (partition) return Errors.NONE
  return info ? Errors.REPLICA_NOT_AVAILABLE : Errors.UNKNOWN_TOPIC_OR_PARTITION
}
