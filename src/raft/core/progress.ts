/**
 * What the leader of one epoch knows of the others: how far they have fetched, when they were last heard of, and so what
 * is committed and whether a majority still follows.
 */
import { isSameReplica, type ReplicaKey } from './replica-key.ts'
import { type QuorumTimeouts, quorumLimits } from './timeouts.ts'
import type { Voter, VoterSet } from './voter-set.ts'

export interface ReplicaProgress {
  key: ReplicaKey
  /** -1 before the first fetch in this epoch. */
  endOffset: number
  /** Monotonic milliseconds; null before the first fetch in this epoch. */
  lastFetchMs: number | null
  lastCaughtUpMs: number | null
  /** Where the leader's log ended at the last fetch. */
  leaderEndAtFetch: number
  /** When this leader last heard of it in any way. */
  heardMs: number | null
}

export class LeaderProgress {
  /** The first offset of this leader's epoch. */
  readonly epochStartOffset: number
  /** Who elected it, for the record that opens the epoch. */
  readonly granting: readonly ReplicaKey[]
  readonly #self: ReplicaKey
  readonly #timeouts: QuorumTimeouts
  readonly #replicas: ReplicaProgress[] = []
  readonly #fetched = new Set<number>()
  #quorumDeadlineMs: number
  /** Offsets below are durable here. */
  #ownDurableEnd: number

  constructor(options: {
    readonly self: ReplicaKey
    readonly voters: VoterSet
    readonly epochStartOffset: number
    readonly granting: readonly ReplicaKey[]
    readonly timeouts: QuorumTimeouts
    readonly durableEnd: number
    readonly nowMs: number
  }) {
    this.epochStartOffset = options.epochStartOffset
    this.granting = options.granting
    this.#self = options.self
    this.#timeouts = options.timeouts
    this.#ownDurableEnd = options.durableEnd
    this.#quorumDeadlineMs = options.nowMs + this.#checkQuorumMs
    for (const { key } of options.voters.othersThan(options.self)) this.#add(key)
  }

  get replicas(): readonly ReplicaProgress[] {
    return this.#replicas
  }

  get ownDurableEnd(): number {
    return this.#ownDurableEnd
  }

  synced(durableEnd: number): void {
    this.#ownDurableEnd = durableEnd
  }

  /** `key` is as the set of voters has it, where it does. A replica asked for what follows `fetchOffset`: all before it is durable there. */
  fetched(key: ReplicaKey, fetchOffset: number, leaderEnd: number, voters: VoterSet, nowMs: number): void {
    const replica = this.#of(key)
    if (fetchOffset >= leaderEnd) replica.lastCaughtUpMs = nowMs
    else if (replica.lastFetchMs !== null && fetchOffset >= replica.leaderEndAtFetch) {
      replica.lastCaughtUpMs = Math.max(replica.lastCaughtUpMs ?? 0, replica.lastFetchMs)
    }
    replica.lastFetchMs = nowMs
    replica.leaderEndAtFetch = leaderEnd
    // A voter never loses what it had: an older request that arrives late tells nothing new.
    replica.endOffset = voters.has(key) ? Math.max(replica.endOffset, fetchOffset) : fetchOffset
    this.heard(key, voters, nowMs)
  }

  /** A replica follows: it fetches records, or a snapshot. */
  heard(key: ReplicaKey, voters: VoterSet, nowMs: number): void {
    const replica = this.#of(key)
    replica.heardMs = nowMs
    if (!voters.has(key)) return
    this.#fetched.add(key.id)
    const others = voters.has(this.#self) ? voters.majority - 1 : voters.majority
    let count = 0
    for (const id of this.#fetched) if (voters.byId(id) && id !== this.#self.id) count++
    if (count < others) return
    this.#fetched.clear()
    this.#quorumDeadlineMs = nowMs + this.#checkQuorumMs
  }

  /** When the leader has to step down for want of a majority; null when it needs nobody. */
  quorumDeadlineMs(voters: VoterSet, nowMs: number): number | null {
    if (!voters.isOnly(this.#self)) return this.#quorumDeadlineMs
    // Should others join, they have as long as from the start of the epoch.
    this.#quorumDeadlineMs = nowMs + this.#checkQuorumMs
    return null
  }

  /** Voters that have to be told that this node leads: they have not been heard of lately. */
  silent(voters: VoterSet, nowMs: number): Voter[] {
    return voters.othersThan(this.#self).filter(({ key }) => {
      const { heardMs } = this.#of(key)
      return heardMs === null || nowMs - heardMs >= this.#timeouts.fetchTimeoutMs / 2
    })
  }

  /** The largest offset that a majority of `voters` holds durably; nothing counts before the epoch's own first record. */
  committed(voters: VoterSet): number | null {
    if (voters.size === 0) return null
    const ends = voters.all
      .map(({ key }) => (isSameReplica(key, this.#self) ? this.#ownDurableEnd : this.#of(key).endOffset))
      .sort((a, b) => b - a)
    const end = ends[voters.majority - 1]
    return end > this.epochStartOffset ? end : null
  }

  /** Voters but this node, the furthest first. */
  successors(voters: VoterSet): ReplicaKey[] {
    return voters
      .othersThan(this.#self)
      .map(({ key }) => key)
      .sort((a, b) => this.#of(b).endOffset - this.#of(a).endOffset)
  }

  isCaughtUp(key: ReplicaKey, nowMs: number): boolean {
    const replica = this.#replicas.find(other => other.key.id === key.id && other.key.directoryId === key.directoryId)
    const caughtUpMs = replica?.lastCaughtUpMs ?? null
    return caughtUpMs !== null && nowMs - caughtUpMs < quorumLimits.caughtUpWithinMs
  }

  /** Forgets replicas that neither vote nor fetch any more. */
  forget(voters: VoterSet, nowMs: number): void {
    for (let at = this.#replicas.length - 1; at >= 0; at--) {
      const { key, heardMs } = this.#replicas[at]
      if (voters.has(key)) continue
      if (heardMs === null || nowMs - heardMs >= quorumLimits.observerSessionMs) this.#replicas.splice(at, 1)
    }
  }

  get #checkQuorumMs(): number {
    return this.#timeouts.fetchTimeoutMs * quorumLimits.checkQuorumFactor
  }

  #of(key: ReplicaKey): ReplicaProgress {
    const same = this.#replicas.filter(other => isSameReplica(other.key, key))
    const replica = same.find(other => other.key.directoryId === key.directoryId) ?? same[0] ?? this.#add(key)
    // A voter that was known by its id alone is known by its directory too from now on.
    replica.key = key
    return replica
  }

  #add(key: ReplicaKey): ReplicaProgress {
    const replica: ReplicaProgress = {
      key,
      endOffset: -1,
      lastFetchMs: null,
      lastCaughtUpMs: null,
      leaderEndAtFetch: -1,
      heardMs: null,
    }
    this.#replicas.push(replica)
    return replica
  }
}
