/** Offsets that groups have committed. */
import { Errors } from '../../protocol/errors.ts'
import { offsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { offsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { Client } from './client.ts'
import { refusal } from './client-error.ts'
import { byTopic, byTopicAndPartition, type TopicPartition } from './topic-partition.ts'
import type { Outcome } from './topics.ts'

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly metadata: string | null
}

/** Versions from 10 on name topics by id, which the names of these do not need. */
const namesUpTo = 9

/** Of all topics, in their order. A group that does not exist has none. */
export async function committedOffsets(client: Client, group: string): Promise<CommittedOffset[]> {
  const answer = await client.ask(
    { group },
    offsetFetch,
    { groupId: group, topics: null, groups: [{ groupId: group, topics: null }], requireStable: false },
    {
      minVersion: 2,
      maxVersion: namesUpTo,
      codes: ({ groups, errorCode }) => [groups[0]?.errorCode ?? errorCode],
    },
  )
  const [{ topics, errorCode }] = answer.groups.length > 0 ? answer.groups : [answer]
  if (errorCode === Errors.GROUP_ID_NOT_FOUND) return []
  if (errorCode !== Errors.NONE) throw refusal(`offsets of group ${group}`, errorCode)
  return topics
    .flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, committedOffset: offset, metadata, errorCode }) => {
        if (errorCode !== Errors.NONE) throw refusal(`offset of group ${group} in ${topic}:${partition}`, errorCode)
        return { topic, partition, offset, metadata }
      }),
    )
    .filter(({ offset }) => offset >= 0)
    .sort(byTopicAndPartition)
}

/** As whom to commit: a member in its generation, or nobody, which only a group without members allows. */
export interface Committer {
  readonly memberId: string
  readonly generation: number
}

const nobody: Committer = { memberId: '', generation: -1 }

export async function commitOffsets(
  client: Client,
  group: string,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
  committer: Committer = nobody,
): Promise<Outcome<TopicPartition & { readonly offset: number }>[]> {
  const answer = await client.ask(
    { group },
    offsetCommit,
    {
      groupId: group,
      generationIdOrMemberEpoch: committer.generation,
      memberId: committer.memberId,
      topics: byTopic(offsets).map(({ topic, items }) => ({
        name: topic,
        topicId: zeroUuid,
        partitions: items.map(({ partition, offset }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedMetadata: '',
        })),
      })),
    },
    { maxVersion: namesUpTo, codes: ({ topics }) => topics.flatMap(each => each.partitions.map(one => one.errorCode)) },
  )
  const codes = new Map<string, number>(
    answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => [`${name}:${partitionIndex}`, errorCode] as const),
    ),
  )
  return offsets.map(item => {
    const where = `${item.topic}:${item.partition}`
    const code = codes.get(where) ?? Errors.UNKNOWN_TOPIC_OR_PARTITION
    return { item, error: code === Errors.NONE ? null : refusal(`offset of group ${group} in ${where}`, code) }
  })
}

export async function removeOffsets(
  client: Client,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Outcome<TopicPartition>[]> {
  const answer = await client.ask(
    { group },
    offsetDelete,
    {
      groupId: group,
      topics: byTopic(partitions).map(({ topic, items }) => ({
        name: topic,
        partitions: items.map(({ partition }) => ({ partitionIndex: partition })),
      })),
    },
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal(`group ${group}`, answer.errorCode)
  return answer.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, errorCode }) => ({
      item: { topic, partition },
      error: errorCode === Errors.NONE ? null : refusal(`offset of group ${group} in ${topic}:${partition}`, errorCode),
    })),
  )
}
