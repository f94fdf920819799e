/** Where partitions begin and end, and what offset a time has. */
import { listOffsets } from '../../protocol/messages/02-list-offsets.ts'
import type { Client } from './client.ts'
import type { Deadline } from './deadline.ts'
import { askLeaders, type PartitionAnswer } from './leaders.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

export const latest = -1
export const earliest = -2

export type Isolation = 'read_uncommitted' | 'read_committed'

export const isolationLevels: Readonly<Record<Isolation, number>> = { read_uncommitted: 0, read_committed: 1 }

export interface OffsetQuery extends TopicPartition {
  /** Milliseconds since the epoch, or `latest`, `earliest`. */
  readonly timestamp: number
}

export interface FoundOffset {
  /** -1: there is no record at or after this time. */
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/** One answer for each query, in their order. */
export function findOffsets(
  client: Client,
  queries: readonly OffsetQuery[],
  isolation: Isolation = 'read_uncommitted',
  deadline?: Deadline,
): Promise<PartitionAnswer<FoundOffset>[]> {
  return askLeaders(
    client,
    queries,
    (broker, items, deadline) => ask(client, broker, items, isolation, deadline),
    deadline,
  )
}

async function ask(
  client: Client,
  broker: number,
  items: readonly OffsetQuery[],
  isolation: Isolation,
  deadline: Deadline,
): Promise<PartitionAnswer<FoundOffset>[]> {
  const answer = await client.askOnce(
    { broker },
    listOffsets,
    {
      replicaId: -1,
      isolationLevel: isolationLevels[isolation],
      timeoutMs: Math.ceil(deadline.leftMs),
      topics: byTopic(items).map(({ topic, items }) => ({
        name: topic,
        partitions: items.map(({ partition, timestamp }) => ({ partitionIndex: partition, timestamp })),
      })),
    },
    { deadline },
  )
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, offset, timestamp, leaderEpoch, oldStyleOffsets }) => ({
      topic: name,
      partition: partitionIndex,
      errorCode,
      value: { offset: oldStyleOffsets[0] ?? offset, timestamp, leaderEpoch },
    })),
  )
}
