/**
 * What the leader of a partition knows of its replicas: their progress, the in-sync set as the controller committed it,
 * the one change to it that may be under way, and how far the records are committed because of all that.
 *
 * The rules, as in Apache Kafka 4:
 * - The high watermark is the least log end offset over the leader (what is durable there), the maximal in-sync set
 *   (committed, and additions on their way), and replicas that have caught up and may join.
 * - It does not move while fewer than min.insync.replicas are in sync (KIP-966).
 * - A replica joins when it has reached the high watermark and the start of this leader epoch (KIP-279), is neither
 *   fenced nor shutting down, and fetches under its current registration (KIP-903).
 * - It is dropped when it was not caught up for replica.lag.time.max.ms.
 * - One change at a time; while a removal is under way the old set counts, and while an addition is, the new one.
 */
import { type FollowerFetch, ReplicaProgress } from './replica-progress.ts'

export interface LeadershipRules {
  readonly brokerId: number
  readonly lagTimeMaxMs: number
  /** Whether the controller would take a broker of this epoch (-1: not told) into an in-sync set, as far as is known. */
  readonly mayJoin: (brokerId: number, brokerEpoch: number) => boolean
}

/** A change of the in-sync set that the controller has been asked for. */
export interface IsrProposal {
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[]
}

interface Proposed {
  readonly isr: readonly number[]
  /** The set that counts while it is unknown what the controller made of it. */
  readonly maximal: readonly number[]
  readonly proposal: IsrProposal
}

export class Leadership {
  readonly #rules: LeadershipRules
  readonly #replicas = new Map<number, ReplicaProgress>()
  #isr: readonly number[] = []
  #proposed: Proposed | null = null
  #epoch = -1
  #partitionEpoch = -1
  #epochStartOffset = 0

  constructor(rules: LeadershipRules) {
    this.#rules = rules
  }

  /** Where the log ended when this epoch began. */
  get epochStartOffset(): number {
    return this.#epochStartOffset
  }

  /** As the controller committed it. */
  get isr(): readonly number[] {
    return this.#isr
  }

  /** With additions whose fate is not known. */
  get maximalIsr(): readonly number[] {
    return this.#proposed?.maximal ?? this.#isr
  }

  get replicasCount(): number {
    return this.#replicas.size + 1
  }

  get hasFollowers(): boolean {
    return this.#replicas.size > 0
  }

  get proposal(): IsrProposal | null {
    return this.#proposed?.proposal ?? null
  }

  replica(brokerId: number): ReplicaProgress | null {
    return this.#replicas.get(brokerId) ?? null
  }

  /** What the controller decided, which ends whatever was asked of it before. */
  update(
    state: {
      readonly leaderEpoch: number
      readonly partitionEpoch: number
      readonly replicas: readonly number[]
      readonly isr: readonly number[]
    },
    endOffset: number,
    nowMs: number,
  ): void {
    const { replicas, isr, leaderEpoch, partitionEpoch } = state
    for (const id of this.#replicas.keys()) if (!replicas.includes(id)) this.#replicas.delete(id)
    for (const id of replicas) {
      if (id === this.#rules.brokerId || this.#replicas.has(id)) continue
      const replica = new ReplicaProgress(id)
      replica.startEpoch(isr.includes(id), endOffset, nowMs)
      this.#replicas.set(id, replica)
    }
    if (leaderEpoch > this.#epoch) {
      this.#epoch = leaderEpoch
      this.#epochStartOffset = endOffset
      for (const replica of this.#replicas.values())
        replica.startEpoch(isr.includes(replica.brokerId), endOffset, nowMs)
    }
    this.#commit(isr, partitionEpoch)
  }

  /** Records are about to come at `endOffset`: whoever has all before them was caught up until now. */
  appending(endOffset: number, nowMs: number): void {
    for (const replica of this.#replicas.values()) replica.leaderAppends(endOffset, nowMs)
  }

  /** Null for a broker that is no replica of this partition; false for a fetch out of an earlier life of it. */
  fetched(brokerId: number, fetch: FollowerFetch): boolean | null {
    const replica = this.#replicas.get(brokerId)
    return replica ? replica.fetched(fetch) : null
  }

  /** How far all who count have come, or null while too few are in sync. */
  committedOffset(durableOffset: number, endOffset: number, minInSync: number, nowMs: number): number | null {
    if (this.#isr.length < Math.min(minInSync, this.replicasCount)) return null
    const { maximalIsr } = this
    let offset = durableOffset
    for (const replica of this.#replicas.values()) {
      if (replica.logEndOffset >= offset) continue
      if (maximalIsr.includes(replica.brokerId) || this.#isAboutToJoin(replica, endOffset, nowMs)) {
        offset = replica.logEndOffset
      }
    }
    return offset
  }

  /** The least log start offset over the leader's own and those of replicas for which `alive` holds. */
  lowWatermark(logStartOffset: number, alive: (brokerId: number) => boolean): number {
    let low = logStartOffset
    for (const replica of this.#replicas.values()) {
      if (alive(replica.brokerId)) low = Math.min(low, replica.logStartOffset)
    }
    return low
  }

  /** What to ask of the controller because this replica has come so far; null for nothing. */
  expansion(brokerId: number, highWatermark: number, brokerEpoch: number): IsrProposal | null {
    const replica = this.#replicas.get(brokerId)
    if (!replica || this.#proposed || this.#isr.includes(brokerId)) return null
    if (replica.logEndOffset < highWatermark || replica.logEndOffset < this.#epochStartOffset) return null
    if (!this.#rules.mayJoin(brokerId, replica.brokerEpoch)) return null
    const isr = [...this.#isr, brokerId]
    return this.#propose(isr, isr, brokerEpoch)
  }

  /** What to ask of the controller because replicas fell behind; null for nothing. */
  shrinkage(endOffset: number, nowMs: number, brokerEpoch: number): IsrProposal | null {
    if (this.#proposed) return null
    const isr = this.#isr.filter(id => {
      const replica = this.#replicas.get(id)
      return !replica || replica.isCaughtUp(endOffset, nowMs, this.#rules.lagTimeMaxMs)
    })
    return isr.length < this.#isr.length ? this.#propose(isr, this.#isr, brokerEpoch) : null
  }

  /** The controller refused for good, and nothing has changed: the committed set counts again. */
  withdraw(proposal: IsrProposal): void {
    if (this.#proposed?.proposal === proposal) this.#proposed = null
  }

  /** The controller answered with what it has committed. False when metadata was faster. */
  answered(proposal: IsrProposal, isr: readonly number[], partitionEpoch: number): boolean {
    if (this.#proposed?.proposal !== proposal || partitionEpoch < this.#partitionEpoch) return false
    this.#commit(isr, partitionEpoch)
    return true
  }

  #commit(isr: readonly number[], partitionEpoch: number): void {
    this.#isr = isr
    this.#partitionEpoch = partitionEpoch
    this.#proposed = null
  }

  #isAboutToJoin(replica: ReplicaProgress, endOffset: number, nowMs: number): boolean {
    const { lagTimeMaxMs, mayJoin } = this.#rules
    return (
      replica.isCaughtUp(endOffset, nowMs, lagTimeMaxMs) &&
      replica.logEndOffset >= 0 &&
      mayJoin(replica.brokerId, replica.brokerEpoch)
    )
  }

  #propose(isr: readonly number[], maximal: readonly number[], brokerEpoch: number): IsrProposal {
    const epochOf = (id: number) =>
      id === this.#rules.brokerId ? brokerEpoch : (this.#replicas.get(id)?.brokerEpoch ?? -1)
    const proposal: IsrProposal = {
      leaderEpoch: this.#epoch,
      partitionEpoch: this.#partitionEpoch,
      isr: isr.map(id => ({ brokerId: id, brokerEpoch: epochOf(id) })),
    }
    this.#proposed = { isr, maximal, proposal }
    return proposal
  }
}
