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
    this.#move(refs[partition.index], before ?? nothing, partition)
  }

  topicDeleted(topic: Topic): void {
    const refs = this.#refs.get(topic.id)
    if (!refs) return
    for (const partition of topic.partitions) this.#move(refs[partition.index], partition, nothing)
    this.#refs.delete(topic.id)
  }

  /** Touches only what differs: most changes leave most of it as it is. */
  #move(ref: PartitionRef, before: Indexed, after: Indexed): void {
    moveBetween(this.#inSync, ref, before.isr, after.isr)
    moveBetween(this.#eligible, ref, before.eligibleLeaderReplicas, after.eligibleLeaderReplicas)
    if (before.leader !== after.leader) {
      if (before.leader !== -1) this.#count(before.leader, -1)
      if (after.leader !== -1) this.#count(after.leader, 1)
    }
    const exists = after !== nothing
    put(this.#leaderless, ref, exists && after.leader === -1)
    put(this.#imbalanced, ref, exists && after.leader !== after.replicas[0])
    put(this.#reassigning, ref, isReassigning(after))
  }

  #count(brokerId: number, by: number): void {
    this.#led.set(brokerId, (this.#led.get(brokerId) ?? 0) + by)
  }
}

type Indexed = Pick<
  PartitionInfo,
  'isr' | 'eligibleLeaderReplicas' | 'leader' | 'replicas' | 'addingReplicas' | 'removingReplicas'
>

/** What a partition is before it is created, and after it is gone. */
const nothing: Indexed = {
  isr: [],
  eligibleLeaderReplicas: [],
  leader: -1,
  replicas: [],
  addingReplicas: [],
  removingReplicas: [],
}

function moveBetween(
  byBroker: Map<number, Set<PartitionRef>>,
  ref: PartitionRef,
  before: readonly number[],
  after: readonly number[],
): void {
  if (before === after) return
  for (const id of before) if (!after.includes(id)) byBroker.get(id)?.delete(ref)
  for (const id of after) if (!before.includes(id)) getOrCreate(byBroker, id, newSet).add(ref)
}

const newSet = () => new Set<PartitionRef>()

function put(refs: Set<PartitionRef>, ref: PartitionRef, isMember: boolean): void {
  if (isMember) refs.add(ref)
  else refs.delete(ref)
}

export function isReassigning({
  addingReplicas,
  removingReplicas,
}: Pick<PartitionInfo, 'addingReplicas' | 'removingReplicas'>): boolean {
  return addingReplicas.length + removingReplicas.length > 0
}
