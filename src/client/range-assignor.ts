/** The assignor of Kafka's name `range`: of each topic, consecutive partitions to each of its subscribers. */
import type { TopicPartition } from './topic-partition.ts'

export interface Subscriber {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** What each member gets. `partitionsOf` gives 0 for a topic that does not exist. */
export function assignRange(
  subscribers: readonly Subscriber[],
  partitionsOf: (topic: string) => number,
): Map<string, TopicPartition[]> {
  const assigned = new Map(subscribers.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  for (const topic of new Set(subscribers.flatMap(({ topics }) => topics))) {
    const members = subscribers.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId)
    members.sort()
    const partitions = partitionsOf(topic)
    const share = Math.floor(partitions / members.length)
    const more = partitions % members.length
    members.forEach((memberId, i) => {
      const from = i * share + Math.min(i, more)
      const count = share + (i < more ? 1 : 0)
      for (let partition = from; partition < from + count; partition++)
        assigned.get(memberId)?.push({ topic, partition })
    })
  }
  return assigned
}
