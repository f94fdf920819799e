/** A cluster whose topics a test makes up. */
import type { ConsumerGroupTimes, GroupCluster, GroupTopic } from '../../../src/coordinator/group/cluster.ts'
import { hash64 } from '../../../src/lib/hash64.ts'

/** Any id that is one. */
export function idOf(name: string): string {
  return `${name.padEnd(21, '_')}A`
}

export class FakeCluster implements GroupCluster {
  readonly topics = new Map<string, GroupTopic>()
  times: ConsumerGroupTimes = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5000, assignmentIntervalMs: 0 }
  version = 1
  #changes = 0
  #namesVersion = 0

  /** Ids are of the length of real ones. */
  add(name: string, partitionsCount: number, id = idOf(name)): GroupTopic {
    const topic = { name, id, partitionsCount }
    this.topics.set(name, topic)
    this.#namesVersion = ++this.#changes
    return topic
  }

  grow(name: string, partitionsCount: number): void {
    const topic = this.topics.get(name)
    if (!topic) throw new Error(`no topic ${name}`)
    this.topics.set(name, { ...topic, partitionsCount })
    this.#changes++
  }

  remove(name: string): void {
    this.topics.delete(name)
    this.#namesVersion = ++this.#changes
  }

  groupVersion(): number {
    return this.version
  }

  topicsVersion(): number {
    return this.#changes
  }

  topicNamesVersion(): number {
    return this.#namesVersion
  }

  topic(name: string): GroupTopic | null {
    return this.topics.get(name) ?? null
  }

  topicName(id: string): string | null {
    for (const topic of this.topics.values()) if (topic.id === id) return topic.name
    return null
  }

  topicNames(): Iterable<string> {
    return this.topics.keys()
  }

  topicHash(name: string): bigint {
    const topic = this.topics.get(name)
    return topic ? hash64(`${topic.id}:${topic.partitionsCount}`) : 0n
  }

  consumerTimes(): ConsumerGroupTimes {
    return this.times
  }
}
