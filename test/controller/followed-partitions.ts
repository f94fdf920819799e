/** Follows every partition record by record, with a notion of who holds what was committed. */
import { partitionAfter } from '../../src/metadata/apply.ts'
import type { PartitionInfo } from '../../src/metadata/entities.ts'
import type { MetadataRecord, ValueOfKind } from '../../src/metadata/records.ts'
import { MetadataState } from '../../src/metadata/state.ts'

type Change = ValueOfKind<'partitionChange'>

export interface FollowedOptions {
  /** With eligible leader replicas, who stops uncleanly is taken to lack the end of its log. */
  readonly elr: boolean
  readonly unclean: boolean
}

export class FollowedPartitions {
  readonly #options: FollowedOptions
  readonly #state = new MetadataState()
  /** Replicas that hold everything committed, by partition. */
  readonly #holders = new Map<string, Set<number>>()
  #followed = 0

  constructor(options: FollowedOptions) {
    this.#options = options
  }

  /** Looks at the records that are new. Returns what is wrong with one. */
  follow(records: readonly MetadataRecord[]): string | null {
    for (; this.#followed < records.length; this.#followed++) {
      const record = records[this.#followed]
      const problem = record.kind === 'partitionChange' ? this.#changed(record.value) : null
      if (problem) return `${problem}: record ${this.#followed} ${JSON.stringify(record)}`
      if (record.kind === 'partition') {
        this.#holders.set(keyOf(record.value.topicId, record.value.partitionId), new Set(record.value.isr))
      }
      this.#state.apply(record, this.#followed)
    }
    return null
  }

  /** Something more was committed: whoever is in sync has it, and nobody else. */
  committed(topicId: string, index: number): void {
    const partition = this.#partition(topicId, index)
    if (partition) this.#holders.set(keyOf(topicId, index), new Set(partition.isr))
  }

  /** The broker lost the end of its logs. */
  lost(brokerId: number): void {
    if (this.#options.elr) for (const holders of this.#holders.values()) holders.delete(brokerId)
  }

  #partition(topicId: string, index: number): PartitionInfo | null {
    return this.#state.topicsById.get(topicId)?.partitions[index] ?? null
  }

  #changed(value: Change): string | null {
    const before = this.#partition(value.topicId, value.partitionId)
    const holders = this.#holders.get(keyOf(value.topicId, value.partitionId))
    if (!before || !holders) return 'a change of nothing'
    const after = partitionAfter(before, value)
    // A leader lets in only who has caught up with it.
    const { leader, isr, removingReplicas } = before
    const asked = leader !== -1 && (after.isr.includes(leader) || removingReplicas.includes(leader))
    if (asked) for (const id of after.isr) if (!isr.includes(id) && holders.has(leader)) holders.add(id)
    const problem = this.#wrongElection(before, after, holders) ?? wrongMove(before, after)
    if (problem) return `${problem}, from ${JSON.stringify(before)} with ${[...holders].join()}`
    return null
  }

  #wrongElection(before: PartitionInfo, after: PartitionInfo, holders: Set<number>): string | null {
    const { leader } = after
    if (after.leaderEpoch < before.leaderEpoch || after.partitionEpoch <= before.partitionEpoch) return 'an epoch'
    if (leader !== before.leader && after.leaderEpoch === before.leaderEpoch) return 'two leaders of one epoch'
    if (leader === before.leader || leader === -1 || holders.has(leader)) return null
    if (after.leaderRecoveryState !== 1) return 'a leader that lacks what was committed and does not know'
    const complete = [...before.isr, ...before.eligibleLeaderReplicas].filter(id => holders.has(id))
    const last = before.lastKnownElr.includes(leader) && complete.length === 0
    if (!this.#options.unclean && !last) return 'a leader that lacks what was committed'
    // What it has is all there is from now on.
    holders.clear()
    holders.add(leader)
    return null
  }
}

/** Who leaves for good does so when those who join have everything. */
function wrongMove(before: PartitionInfo, after: PartitionInfo): string | null {
  const gone = before.replicas.filter(id => !after.replicas.includes(id))
  if (gone.length > 0 && after.leaderEpoch === before.leaderEpoch) return 'a replica left within a leader epoch'
  const original = before.replicas.filter(id => !before.addingReplicas.includes(id))
  const joined = after.replicas.filter(id => !original.includes(id))
  const left = original.filter(id => !after.replicas.includes(id))
  if (left.length === 0 || after.leaderRecoveryState === 1) return null
  const staying = left.length > joined.length ? after.replicas : joined
  return staying.every(id => after.isr.includes(id)) ? null : 'a reassignment ended too early'
}

function keyOf(topicId: string, index: number): string {
  return `${topicId}:${index}`
}
