/** Topics of a cluster: looked at, made, changed, removed. */
import { Errors } from '../../protocol/errors.ts'
import { createTopics } from '../../protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { deleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { createPartitions } from '../../protocol/messages/37-create-partitions.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import type { Client } from './client.ts'
import { refusal } from './client-error.ts'
import { type TopicView, topicView } from './cluster-view.ts'
import { askLeaders, type PartitionAnswer } from './leaders.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

/** What became of one of several things; `error` is null when it was done. */
export interface Outcome<T> {
  readonly item: T
  readonly error: Error | null
}

/** All topics, or these; those that do not exist are left out. In the order of their names. */
export async function listTopics(client: Client, names: readonly string[] | 'all' = 'all'): Promise<TopicView[]> {
  const answer = await client.refresh(names)
  const views: TopicView[] = []
  for (const topic of answer.topics) {
    if (topic.errorCode === Errors.NONE) views.push(topicView(topic))
    else if (topic.errorCode !== Errors.UNKNOWN_TOPIC_OR_PARTITION && topic.errorCode !== Errors.LEADER_NOT_AVAILABLE) {
      throw refusal(`topic ${topic.name}`, topic.errorCode)
    }
  }
  return views.sort((a, b) => (a.name < b.name ? -1 : 1))
}

export interface NewTopic {
  readonly name: string
  /** -1: as the cluster has it by default. */
  readonly partitions: number
  readonly replicationFactor: number
  /** Brokers of each partition, instead of the two numbers. */
  readonly assignments?: readonly (readonly number[])[]
  readonly configs?: ReadonlyMap<string, string>
}

export interface MadeTopic {
  readonly name: string
  readonly id: string
  /** -1 where the cluster does not tell. */
  readonly partitions: number
  readonly replicationFactor: number
}

export async function makeTopics(
  client: Client,
  topics: readonly NewTopic[],
  validateOnly = false,
): Promise<Outcome<MadeTopic>[]> {
  const deadline = client.deadline()
  const answer = await client.ask(
    'controller',
    createTopics,
    {
      topics: topics.map(({ name, partitions, replicationFactor, assignments = [], configs = new Map() }) => ({
        name,
        numPartitions: assignments.length > 0 ? -1 : partitions,
        replicationFactor: assignments.length > 0 ? -1 : replicationFactor,
        assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] })),
        configs: [...configs].map(([name, value]) => ({ name, value })),
      })),
      timeoutMs: Math.ceil(deadline.leftMs),
      validateOnly,
    },
    { deadline, once: !validateOnly, codes: ({ topics }) => topics.map(each => each.errorCode) },
  )
  return answer.topics.map(({ name, topicId, numPartitions, replicationFactor, errorCode, errorMessage }) => ({
    item: { name, id: topicId, partitions: numPartitions, replicationFactor },
    error:
      errorCode === Errors.NONE ? null : refusal(`topic ${name}`, errorCode, errorMessage, creationHints[errorCode]),
  }))
}

const creationHints: Readonly<Record<number, readonly string[]>> = {
  [Errors.TOPIC_ALREADY_EXISTS]: ['--if-not-exists takes that for good; `ottla topic alter` changes a topic.'],
  [Errors.INVALID_PARTITIONS]: ['-p and -r say how many; clusters before Kafka 2.4 have no defaults for them.'],
  [Errors.INVALID_REPLICATION_FACTOR]: ['`ottla cluster brokers` shows how many brokers are up.'],
  [Errors.INVALID_CONFIG]: ['`ottla config describe topic NAME --all` shows the settings of a topic.'],
}

export async function removeTopics(client: Client, names: readonly string[]): Promise<Outcome<string>[]> {
  const deadline = client.deadline()
  const answer = await client.ask(
    'controller',
    deleteTopics,
    {
      topics: names.map(name => ({ name, topicId: zeroUuid })),
      topicNames: [...names],
      timeoutMs: Math.ceil(deadline.leftMs),
    },
    { deadline, once: true, codes: ({ responses }) => responses.map(each => each.errorCode) },
  )
  return answer.responses.map(({ name, errorCode, errorMessage }) => ({
    item: name ?? '',
    error: errorCode === Errors.NONE ? null : refusal(`topic ${name}`, errorCode, errorMessage),
  }))
}

export interface MorePartitions {
  readonly name: string
  /** How many it shall have in all. */
  readonly count: number
  /** Brokers of each new partition. */
  readonly assignments?: readonly (readonly number[])[]
}

export async function addPartitions(
  client: Client,
  topics: readonly MorePartitions[],
  validateOnly = false,
): Promise<Outcome<string>[]> {
  const deadline = client.deadline()
  const answer = await client.ask(
    'controller',
    createPartitions,
    {
      topics: topics.map(({ name, count, assignments }) => ({
        name,
        count,
        assignments: assignments ? assignments.map(brokerIds => ({ brokerIds: [...brokerIds] })) : null,
      })),
      timeoutMs: Math.ceil(deadline.leftMs),
      validateOnly,
    },
    { deadline, once: !validateOnly, codes: ({ results }) => results.map(each => each.errorCode) },
  )
  return answer.results.map(({ name, errorCode, errorMessage }) => ({
    item: name,
    error: errorCode === Errors.NONE ? null : refusal(`topic ${name}`, errorCode, errorMessage),
  }))
}

export interface Trim extends TopicPartition {
  /** Records before it go; -1: all up to the high watermark. */
  readonly before: number
}

/** The offset with which each partition then begins. */
export function trimPartitions(client: Client, trims: readonly Trim[]): Promise<PartitionAnswer<number>[]> {
  return askLeaders(client, trims, async (broker, items, deadline) => {
    const answer = await client.askOnce(
      { broker },
      deleteRecords,
      {
        topics: byTopic(items).map(({ topic, items }) => ({
          name: topic,
          partitions: items.map(({ partition, before }) => ({ partitionIndex: partition, offset: before })),
        })),
        timeoutMs: Math.ceil(deadline.leftMs),
      },
      { deadline },
    )
    return answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, lowWatermark, errorCode }) => ({
        topic: name,
        partition: partitionIndex,
        errorCode,
        value: lowWatermark,
      })),
    )
  })
}
