/** `ottla topic describe` */
import { Errors } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import type { PartitionView, TopicView } from '../../client/cluster-view.ts'
import { type ConfigValue, configsOf } from '../../client/configs.ts'
import { earliest, findOffsets, latest } from '../../client/offsets.ts'
import { partitionName } from '../../client/topic-partition.ts'
import { counted } from '../shell/arguments.ts'
import type { Session } from '../shell/session.ts'
import { replicationFactorOf } from './list.ts'
import { namedTopics } from './named-topics.ts'

export interface DescribeTopicsOptions {
  readonly underReplicated?: boolean
  readonly unavailable?: boolean
  readonly offsets: boolean
}

interface Extent {
  readonly begin: number | null
  readonly end: number | null
}

interface Described {
  readonly topic: TopicView
  readonly partitions: readonly PartitionView[]
  readonly configs: readonly ConfigValue[]
}

export async function describeTopics(session: Session, options: DescribeTopicsOptions, names: string[]): Promise<void> {
  const topics = await namedTopics(session, names)
  const described: Described[] = []
  for (const topic of topics) {
    const partitions = topic.partitions.filter(each => isWanted(each, options))
    described.push({ topic, partitions, configs: await ownConfigs(session, topic.name) })
  }
  const extents = options.offsets ? await extentsOf(session, described) : new Map<string, Extent>()
  if (session.json) return session.printJson({ topics: described.map(each => json(each, extents)) })
  for (const [i, each] of described.entries()) {
    if (i > 0) await session.print('\n')
    await show(session, each, extents, options)
  }
}

function isWanted({ isr, replicas, leader }: PartitionView, options: DescribeTopicsOptions): boolean {
  if (options.underReplicated && isr.length >= replicas.length) return false
  return !options.unavailable || leader < 0
}

/** What is set for this topic alone. A cluster that does not tell its settings still tells the rest. */
async function ownConfigs({ client }: Session, name: string): Promise<ConfigValue[]> {
  try {
    const configs = await configsOf(client, { kind: 'topic', name })
    return configs.filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG')
  } catch (error) {
    if (error instanceof ClientError && ['unsupported', 'refused'].includes(error.failure)) return []
    throw error
  }
}

async function extentsOf({ client }: Session, described: readonly Described[]): Promise<Map<string, Extent>> {
  const asked = described.flatMap(({ topic, partitions }) =>
    partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: topic.name, partition })),
  )
  const [begins, ends] = await Promise.all(
    [earliest, latest].map(timestamp =>
      findOffsets(
        client,
        asked.map(each => ({ ...each, timestamp })),
      ),
    ),
  )
  return new Map(
    begins.map((begin, i) => {
      const offset = ({ errorCode, value }: typeof begin) =>
        errorCode === Errors.NONE ? (value?.offset ?? null) : null
      return [partitionName(begin), { begin: offset(begin), end: offset(ends[i]) }]
    }),
  )
}

async function show(
  session: Session,
  { topic, partitions, configs }: Described,
  extents: ReadonlyMap<string, Extent>,
  { offsets }: DescribeTopicsOptions,
): Promise<void> {
  await session.facts([
    ['Topic', topic.name],
    ...(topic.id.startsWith('AAAAAAAAAAA') ? [] : [['Id', topic.id] as const]),
    ['Partitions', `${topic.partitions.length}, ${counted(replicationFactorOf(topic.partitions), 'replica')} each`],
    ['Settings', configs.map(({ name, value }) => `${name}=${value}`).join(' ') || 'all as in the cluster'],
  ])
  if (partitions.length === 0) return
  await session.print('\n')
  const right = (title: string) => ({ title, align: 'right' }) as const
  const offsetColumns = offsets ? [right('BEGIN'), right('END'), right('RECORDS')] : []
  await session.table(
    [
      right('PARTITION'),
      right('LEADER'),
      right('EPOCH'),
      { title: 'REPLICAS' },
      { title: 'IN SYNC' },
      ...offsetColumns,
    ],
    partitions.map(({ partition, leader, leaderEpoch, replicas, isr, offline }) => {
      const { begin = null, end = null } = extents.get(partitionName({ topic: topic.name, partition })) ?? {}
      const shown = (offset: number | null) => (offset === null ? '-' : String(offset))
      const records = begin === null || end === null ? null : end - begin
      return [
        String(partition),
        leader < 0 ? 'none' : String(leader),
        leaderEpoch < 0 ? '-' : String(leaderEpoch),
        replicas.map(id => (offline.includes(id) ? `${id}(offline)` : String(id))).join(','),
        isr.join(',') || 'none',
        ...(offsets ? [shown(begin), shown(end), shown(records)] : []),
      ]
    }),
  )
}

function json({ topic, partitions, configs }: Described, extents: ReadonlyMap<string, Extent>): object {
  return {
    name: topic.name,
    id: topic.id,
    internal: topic.internal,
    replicationFactor: replicationFactorOf(topic.partitions),
    configs: Object.fromEntries(configs.map(({ name, value }) => [name, value])),
    partitions: partitions.map(({ partition, leader, leaderEpoch, replicas, isr, offline }) => {
      const { begin = null, end = null } = extents.get(partitionName({ topic: topic.name, partition })) ?? {}
      return { partition, leader, leaderEpoch, replicas, isr, offline, begin, end }
    }),
  }
}
