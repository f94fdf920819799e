/** `ottla group describe` */
import { Errors } from '../../../protocol/errors.ts'
import { committedOffsets } from '../../client/group-offsets.ts'
import type { DescribedGroup, GroupMember } from '../../client/groups.ts'
import { findOffsets, latest } from '../../client/offsets.ts'
import { byTopic, byTopicAndPartition, partitionName, type TopicPartition } from '../../client/topic-partition.ts'
import type { Session } from '../shell/session.ts'
import { namedGroup } from './named-groups.ts'

export interface DescribeGroupsOptions {
  readonly members?: boolean
}

interface Standing extends TopicPartition {
  /** Null: nothing was committed. */
  readonly committed: number | null
  /** Null: the partition is gone. */
  readonly end: number | null
  readonly lag: number | null
  readonly member: GroupMember | null
}

export async function describeGroups(session: Session, options: DescribeGroupsOptions, names: string[]): Promise<void> {
  const described: { group: DescribedGroup; standings: Standing[] }[] = []
  for (const name of new Set(names)) {
    const group = await namedGroup(session, name)
    described.push({ group, standings: await standingsOf(session, group) })
  }
  if (session.json)
    return session.printJson({ groups: described.map(({ group, standings }) => json(group, standings)) })
  for (const [i, { group, standings }] of described.entries()) {
    if (i > 0) await session.print('\n')
    await showHead(session, group, standings)
    await (options.members ? showMembers(session, group.members) : showOffsets(session, standings))
  }
}

/** Every partition with an offset of the group, or with a member that it is assigned to. */
async function standingsOf({ client }: Session, { group, members }: DescribedGroup): Promise<Standing[]> {
  const offsets = await committedOffsets(client, group)
  const committed = new Map(offsets.map(each => [partitionName(each), each.offset]))
  const owners = new Map(members.flatMap(member => member.assigned.map(each => [partitionName(each), member] as const)))
  const partitions = new Map<string, TopicPartition>()
  for (const each of [...offsets, ...members.flatMap(({ assigned }) => assigned)])
    partitions.set(partitionName(each), each)
  const sorted = [...partitions.values()].sort(byTopicAndPartition)
  const ends = await findOffsets(
    client,
    sorted.map(({ topic, partition }) => ({ topic, partition, timestamp: latest })),
  )
  return ends.map((end, i) => {
    const name = partitionName(sorted[i])
    const at = committed.get(name) ?? null
    const endOffset = end.errorCode === Errors.NONE && end.value ? end.value.offset : null
    return {
      topic: end.topic,
      partition: end.partition,
      committed: at,
      end: endOffset,
      lag: at === null || endOffset === null ? null : Math.max(0, endOffset - at),
      member: owners.get(name) ?? null,
    }
  })
}

function totalLag(standings: readonly Standing[]): number {
  return standings.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
}

async function showHead(session: Session, group: DescribedGroup, standings: readonly Standing[]): Promise<void> {
  await session.facts([
    ['Group', group.group],
    ['Type', group.type === 'classic' ? `classic (${group.protocolType || 'no members yet'})` : 'consumer'],
    ['State', group.state],
    ['Assignor', group.assignor || '-'],
    ...(group.epoch === null ? [] : [['Epoch', String(group.epoch)] as const]),
    ['Members', String(group.members.length)],
    ['Lag', String(totalLag(standings))],
  ])
}

async function showOffsets(session: Session, standings: readonly Standing[]): Promise<void> {
  if (standings.length === 0) return
  await session.print('\n')
  const right = (title: string) => ({ title, align: 'right' }) as const
  const shown = (n: number | null) => (n === null ? '-' : String(n))
  await session.table(
    [
      { title: 'TOPIC' },
      ...['PARTITION', 'COMMITTED', 'END', 'LAG'].map(right),
      { title: 'CLIENT' },
      { title: 'HOST' },
    ],
    standings.map(({ topic, partition, committed, end, lag, member }) => [
      topic,
      String(partition),
      shown(committed),
      shown(end),
      shown(lag),
      member?.clientId ?? '-',
      member?.host ?? '-',
    ]),
  )
}

async function showMembers(session: Session, members: readonly GroupMember[]): Promise<void> {
  if (members.length === 0) return
  await session.print('\n')
  await session.table(
    [{ title: 'MEMBER' }, { title: 'INSTANCE' }, { title: 'CLIENT' }, { title: 'HOST' }, { title: 'ASSIGNED' }],
    members.map(({ memberId, instanceId, clientId, host, assigned }) => [
      memberId,
      instanceId ?? '-',
      clientId,
      host,
      shownPartitions(assigned) || '-',
    ]),
  )
}

/** `orders:0,1 payments:3`. */
export function shownPartitions(partitions: readonly TopicPartition[]): string {
  return byTopic(partitions)
    .map(({ topic, items }) => `${topic}:${items.map(({ partition }) => partition).join(',')}`)
    .join(' ')
}

function json(group: DescribedGroup, standings: readonly Standing[]): object {
  return {
    ...group,
    lag: totalLag(standings),
    offsets: standings.map(({ member, ...rest }) => ({ ...rest, memberId: member?.memberId ?? null })),
  }
}
