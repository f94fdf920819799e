/** `ottla cluster log-dirs` */
import { clusterOf, type LogDirectory, logDirectoriesOf } from '../../client/cluster.ts'
import { byTopicAndPartition } from '../../client/topic-partition.ts'
import { parseNumber } from '../shell/arguments.ts'
import { shownBytes } from '../shell/duration.ts'
import { ExitCode } from '../shell/exit-codes.ts'
import type { Session } from '../shell/session.ts'
import { namedTopics } from '../topic/named-topics.ts'

export interface LogDirsOptions {
  readonly topic?: readonly string[]
  readonly replicas?: boolean
}

/** Exits with CHECK_FAILED when a directory is offline. */
export async function listLogDirectories(session: Session, options: LogDirsOptions, ids: string[]): Promise<number> {
  const { topic: topics, replicas } = options
  if (topics) await namedTopics(session, topics)
  const brokers = ids.map(id => parseNumber(id, 'broker', 2 ** 31 - 1))
  const up = async () => (await clusterOf(session.client)).brokers.filter(({ fenced }) => !fenced).map(({ id }) => id)
  const all = await logDirectoriesOf(session.client, brokers.length > 0 ? brokers : await up())
  const directories = all.map(each => ({
    ...each,
    replicas: each.replicas.filter(({ topic }) => !topics || topics.includes(topic)).sort(byTopicAndPartition),
  }))
  const exitCode = directories.some(({ error }) => error) ? ExitCode.CHECK_FAILED : ExitCode.OK
  if (session.json) {
    const shown = directories.map(({ error, ...rest }) => ({ ...rest, error: error?.message ?? null }))
    await session.printJson({ directories: shown })
  } else if (topics || replicas) await showReplicas(session, directories)
  else await showDirectories(session, directories)
  return exitCode
}

async function showDirectories(session: Session, directories: readonly LogDirectory[]): Promise<void> {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const bytes = (n: number) => (n < 0 ? '-' : shownBytes(n))
  await session.table(
    [right('BROKER'), { title: 'DIRECTORY' }, { title: 'STATE' }, ...['REPLICAS', 'SIZE', 'DISK', 'FREE'].map(right)],
    directories.map(({ broker, path, error, replicas, totalBytes, usableBytes }) => [
      String(broker),
      path,
      error ? 'offline' : 'ok',
      String(replicas.length),
      bytes(replicas.reduce((sum, each) => sum + each.bytes, 0)),
      bytes(totalBytes),
      bytes(usableBytes),
    ]),
  )
}

async function showReplicas(session: Session, directories: readonly LogDirectory[]): Promise<void> {
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [
      { title: 'TOPIC' },
      right('PARTITION'),
      right('BROKER'),
      { title: 'DIRECTORY' },
      right('SIZE'),
      right('LAG'),
      { title: 'MOVING' },
    ],
    directories
      .flatMap(({ broker, path, replicas }) => replicas.map(each => ({ ...each, broker, path })))
      .sort((a, b) => byTopicAndPartition(a, b) || a.broker - b.broker)
      .map(({ topic, partition, broker, path, bytes, lag, future }) => [
        topic,
        String(partition),
        String(broker),
        path,
        shownBytes(bytes),
        String(lag),
        future ? 'here' : '-',
      ]),
  )
}
