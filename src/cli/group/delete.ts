/** `ottla group delete` and `ottla group delete-offsets` */
import { committedOffsets, removeOffsets } from '../../client/group-offsets.ts'
import { removeGroups } from '../../client/groups.ts'
import type { TopicPartition } from '../../client/topic-partition.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { parsePartitions } from '../topic/named-topics.ts'
import { namedGroup, unknownGroup } from './named-groups.ts'

export interface DeleteGroupsOptions {
  readonly yes?: boolean
}

export async function deleteGroups(session: Session, { yes }: DeleteGroupsOptions, names: string[]): Promise<number> {
  const groups = [...new Set(names)]
  await session.confirm(`delete ${groups.join(', ')} with all offsets`, yes)
  const removed = await removeGroups(session.client, groups)
  const outcomes = await Promise.all(
    removed.map(async outcome => {
      const isAbsent = outcome.error && 'failure' in outcome.error && outcome.error.failure === 'not-found'
      return isAbsent ? { ...outcome, error: await unknownGroup(session, outcome.item) } : outcome
    }),
  )
  return reportOutcomes(session, outcomes, { done: group => `deleted group ${group}`, json: group => ({ group }) })
}

export interface DeleteGroupOffsetsOptions extends DeleteGroupsOptions {
  readonly topic?: readonly string[]
}

export async function deleteGroupOffsets(
  session: Session,
  { topic: texts = [], yes }: DeleteGroupOffsetsOptions,
  group: string,
): Promise<number> {
  if (texts.length === 0) throw new UsageError('--topic is missing: offsets of what?')
  await namedGroup(session, group)
  const committed = await committedOffsets(session.client, group)
  const partitions: TopicPartition[] = texts.map(parsePartitions).flatMap(({ topic, partitions }) => {
    const there = committed.filter(each => each.topic === topic)
    const wanted = partitions === null ? there : there.filter(({ partition }) => partitions.includes(partition))
    if (wanted.length === 0) throw new UsageError(`group ${group} has no offsets in ${topic}`)
    return wanted.map(({ topic, partition }) => ({ topic, partition }))
  })
  await session.confirm(`delete ${partitions.length} offsets of group ${group}`, yes)
  const outcomes = await removeOffsets(session.client, group, partitions)
  return reportOutcomes(session, outcomes, {
    done: ({ topic, partition }) => `deleted offset of ${topic}:${partition}`,
    json: item => item,
  })
}
