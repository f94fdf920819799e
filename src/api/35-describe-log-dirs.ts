/**
 * DescribeLogDirs, versions 0-5.
 *
 * - Every log directory with its partitions' sizes; null topics means all. v4 total and usable bytes; v5 cordoned (never).
 * - An offline directory answers KAFKA_STORAGE_ERROR and no partitions.
 * - A copy that a move makes is a future replica; its lag is what it lacks. That of a current one is how far it ends before what
 *   is known to be committed, which is nothing unless it was cut.
 */
import { Errors } from '../../protocol/errors.ts'
import { describeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { DiskError } from '../host/host.ts'
import type { Log } from '../log/log.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof describeLogDirs>
type Result = ResponseOf<typeof describeLogDirs>['results'][number]

export const handler = defineHandler(describeLogDirs, '0-5', async (request, context) => {
  const directories = context.broker.logs.directories
  return {
    errorCode: Errors.NONE,
    results: await Promise.all(
      directories.map(directory => describe(directory.path, directory.isOffline, request, context)),
    ),
  }
})

async function describe(logDir: string, offline: boolean, request: Request, context: RequestContext): Promise<Result> {
  if (offline) return { errorCode: Errors.KAFKA_STORAGE_ERROR, logDir, topics: [] }
  const wanted = request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  const { logs, partitions, host } = context.broker
  const byTopic = new Map<string, Log[]>()
  for (const log of [...logs.all(), ...logs.futures.all()]) {
    if (log.logDirectory !== logDir || (wanted && !wanted.get(log.topic)?.has(log.partition))) continue
    const ofTopic = byTopic.get(log.topic)
    if (ofTopic) ofTopic.push(log)
    else byTopic.set(log.topic, [log])
  }
  const topics = [...byTopic].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(log => {
      const isFutureKey = logs.futures.get(name, log.partition) === log
      const current = logs.get(name, log.partition)
      const wanted = isFutureKey
        ? (current?.logEndOffset ?? 0)
        : (partitions.get(name, log.partition)?.highWatermark.value ?? 0)
      return {
        partitionIndex: log.partition,
        partitionSize: log.sizeBytes,
        offsetLag: Math.max(wanted - log.logEndOffset, 0),
        isFutureKey,
      }
    }),
  }))
  try {
    const { totalBytes, freeBytes } = await host.disk.space(logDir)
    return { errorCode: Errors.NONE, logDir, topics, totalBytes, usableBytes: freeBytes }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return { errorCode: Errors.NONE, logDir, topics }
  }
}
