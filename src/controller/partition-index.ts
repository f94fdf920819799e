/** Which partitions a broker matters to, so that nobody has to look through all of them. Follows the controller's state. */
import { getOrCreate } from '../lib/get-or-create.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import type { MetadataListener } from '../metadata/listener.ts'
import type { MetadataState } from '../metadata/state.ts'

/** One object for each partition as long as its topic lives. */
export interface PartitionRef {
  readonly topicId: string
  readonly index: number
}

const none: ReadonlySet<PartitionRef> = new Set()

export class PartitionIndex implements MetadataListener {
  readonly #refs = new Map<string, PartitionRef[]>()
  readonly #inSync = new Map<number, Set<PartitionRef>>()
  readonly #eligible = new Map<number, Set<PartitionRef>>()
  readonly #led = new Map<number, number>()
  readonly #leaderless = new Set<PartitionRef>()
  readonly #imbalanced = new Set<PartitionRef>()
  readonly #reassigning = new Set<PartitionRef>()

  constructor(state: MetadataState) {
    for (const topic of state.topicsById.values()) {
      for (const partition of topic.partitions) this.partitionChanged(topic, partition, null)
    }
    state.listen(this)
  }

  /** Partitions that have this broker in their in-sync set. */
  inSync(brokerId: number): ReadonlySet<PartitionRef> {
    return this.#inSync.get(brokerId) ?? none
  }

  /** Partitions that this broker may lead although it is not in sync. */
  eligible(brokerId: number): ReadonlySet<PartitionRef> {
    return this.#eligible.get(brokerId) ?? none
  }

  /** How many partitions this broker leads. */
  leadershipsOf(brokerId: number): number {
    return this.#led.get(brokerId) ?? 0
  }

  get leaderless(): ReadonlySet<PartitionRef> {
    return this.#leaderless
  }

  /** Led by another than the first replica. */
  get imbalanced(): ReadonlySet<PartitionRef> {
    return this.#imbalanced
  }

  get reassigning(): ReadonlySet<PartitionRef> {
    return this.#reassigning
  }

  /** Partitions with any eligible leader replica. */
  allEligible(): ReadonlySet<PartitionRef> {
    return new Set([...this.#eligible.values()].flatMap(refs => [...refs]))
  }

  partitionChanged(topic: Topic, partition: PartitionInfo, before: PartitionInfo | null): void {
    const refs = getOrCreate(this.#refs, topic.id, () => [])
    refs[partition.index] ??= { topicId: topic.id, index: partition.index }
    const ref = refs[partition.index]
    if (before) this.#remove(ref, before)
    this.#add(ref, partition)
  }

  topicDeleted(topic: Topic): void {
    const refs = this.#refs.get(topic.id)
    if (!refs) return
    for (const partition of topic.partitions) this.#remove(refs[partition.index], partition)
    this.#refs.delete(topic.id)
  }

  #add(ref: PartitionRef, partition: PartitionInfo): void {
    for (const id of partition.isr) getOrCreate(this.#inSync, id, () => new Set()).add(ref)
    for (const id of partition.eligibleLeaderReplicas) getOrCreate(this.#eligible, id, () => new Set()).add(ref)
    if (partition.leader === -1) this.#leaderless.add(ref)
    else this.#count(partition.leader, 1)
    if (partition.leader !== partition.replicas[0]) this.#imbalanced.add(ref)
    if (isReassigning(partition)) this.#reassigning.add(ref)
  }

  #remove(ref: PartitionRef, partition: PartitionInfo): void {
    for (const id of partition.isr) this.#inSync.get(id)?.delete(ref)
    for (const id of partition.eligibleLeaderReplicas) this.#eligible.get(id)?.delete(ref)
    if (partition.leader !== -1) this.#count(partition.leader, -1)
    this.#leaderless.delete(ref)
    this.#imbalanced.delete(ref)
    this.#reassigning.delete(ref)
  }

  #count(brokerId: number, by: number): void {
    this.#led.set(brokerId, (this.#led.get(brokerId) ?? 0) + by)
  }
}

export function isReassigning({ addingReplicas, removingReplicas }: PartitionInfo): boolean {
  return addingReplicas.length + removingReplicas.length > 0
}
