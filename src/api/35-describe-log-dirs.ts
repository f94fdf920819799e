/**
 * DescribeLogDirs, versions 0-5.
 *
 * - Every log directory with its partitions' sizes; null topics means all. v4 total and usable bytes; v5 cordoned (never).
 * - An offline directory answers KAFKA_STORAGE_ERROR and no partitions. The offset lag of a current replica is 0.
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
  const byTopic = new Map<string, Log[]>()
  for (const log of context.broker.logs.all()) {
    if (context.broker.logs.directoryOf(log).path !== logDir || (wanted && !wanted.get(log.topic)?.has(log.partition)))
      continue
    const logs = byTopic.get(log.topic)
    if (logs) logs.push(log)
    else byTopic.set(log.topic, [log])
  }
  const topics = [...byTopic].map(([name, logs]) => ({
    name,
    partitions: logs.map(log => ({
      partitionIndex: log.partition,
      partitionSize: log.sizeBytes,
      offsetLag: 0,
      isFutureKey: false,
    })),
  }))
  try {
    const { totalBytes, freeBytes } = await context.broker.host.disk.space(logDir)
    return { errorCode: Errors.NONE, logDir, topics, totalBytes, usableBytes: freeBytes }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return { errorCode: Errors.NONE, logDir, topics }
  }
}
