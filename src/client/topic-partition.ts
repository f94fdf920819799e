/** Partitions by name. */

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** `orders-0`: unique, since the number comes last. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

export function byTopicAndPartition(a: TopicPartition, b: TopicPartition): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition
}

/** The items of each topic, topics in the order of their first item. */
export function byTopic<T extends TopicPartition>(items: readonly T[]): { topic: string; items: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const known = topics.get(item.topic)
    if (known) known.push(item)
    else topics.set(item.topic, [item])
  }
  return [...topics].map(([topic, items]) => ({ topic, items }))
}
