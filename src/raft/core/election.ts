/**
 * Which part this node plays in which epoch, and how it goes from one to the next. Epochs only grow; a vote, once given in
 * an epoch, stays given; everything that must outlive a crash is emitted to be made durable before anybody hears of it.
 */
import { assert } from '../../lib/assert.ts'
import type { DurableElection, Effect } from './effects.ts'
import type { OffsetAndEpoch } from './log-view.ts'
import type { LeaderProgress } from './progress.ts'
import { isSameReplica, type NodeAddress, type ReplicaKey } from './replica-key.ts'
import { Tally } from './tally.ts'
import { type QuorumTimeouts, quorumLimits } from './timeouts.ts'
import type { VoterHistory } from './voter-history.ts'

/** Knows no leader that it could follow. */
export interface Unattached {
  readonly kind: 'unattached'
  readonly leaderId: number
  electionDeadlineMs: number
}

/** Asks whether it would be elected (KIP-996), so that a node that comes back does not disturb a leader. */
export interface Prospective {
  readonly kind: 'prospective'
  readonly leaderId: number
  readonly leaderAddress: NodeAddress | null
  readonly tally: Tally
  electionDeadlineMs: number
}

export interface Candidate {
  readonly kind: 'candidate'
  readonly tally: Tally
  readonly electionDeadlineMs: number
  /** After a defeat: when to try again. */
  backoffUntilMs: number | null
}

export interface Leading {
  readonly kind: 'leader'
  readonly progress: LeaderProgress
  /** The first record of the epoch is committed. */
  isElected: boolean
}

export interface SnapshotFetch {
  readonly id: OffsetAndEpoch
  /** Bytes written so far. */
  position: number
  /** The disk is at work on a piece. */
  isWriting: boolean
}

export interface Following {
  readonly kind: 'follower'
  readonly leaderId: number
  readonly leaderAddress: NodeAddress
  fetchDeadlineMs: number
  hasFetched: boolean
  snapshot: SnapshotFetch | null
  /** When this voter may next tell the leader its endpoints and versions; null once it has. */
  tellVoterAtMs: number | null
}

/** Led, and stepped down: tells the others until they know, then stands aside. */
export interface Resigned {
  readonly kind: 'resigned'
  readonly preferred: readonly ReplicaKey[]
  readonly unacknowledged: Set<number>
  readonly electionDeadlineMs: number
}

export type Role = Unattached | Prospective | Candidate | Leading | Following | Resigned

export interface ElectionOptions {
  readonly self: ReplicaKey
  readonly history: VoterHistory
  readonly timeouts: QuorumTimeouts
  readonly random: { below(n: number): number }
  readonly emit: (effect: Effect) => void
}

export class Election {
  readonly #options: ElectionOptions
  #epoch = 0
  #role: Role = { kind: 'unattached', leaderId: -1, electionDeadlineMs: 0 }
  #votedFor: ReplicaKey | null = null
  #persisted: DurableElection | null = null
  #told = { leaderId: -1, epoch: -1 }
  /** Elections lost in a row. */
  #defeats = 0

  constructor(options: ElectionOptions) {
    this.#options = options
  }

  get epoch(): number {
    return this.#epoch
  }

  get role(): Role {
    return this.#role
  }

  get votedFor(): ReplicaKey | null {
    return this.#votedFor
  }

  /** As answers tell it: a leader that resigned still names itself, so nobody is elected twice in one epoch. */
  get leaderId(): number {
    const role = this.#role
    if (role.kind === 'leader' || role.kind === 'resigned') return this.#options.self.id
    return role.kind === 'candidate' ? -1 : role.leaderId
  }

  get isVoter(): boolean {
    return this.#options.history.voters.has(this.#options.self)
  }

  /** What an earlier life left. `leaderAddress` is where its leader was, when it is known. */
  restore(left: DurableElection | null, logEpoch: number, leaderAddress: NodeAddress | null, nowMs: number): void {
    const { self } = this.#options
    const state = left && left.epoch >= logEpoch ? left : null
    this.#persisted = left
    this.#epoch = state?.epoch ?? logEpoch
    this.#votedFor = state?.votedFor ?? null
    const leaderId = state?.leaderId ?? -1
    if (leaderId === self.id) {
      // What it wrote in this epoch may be lost here: it never leads the same epoch twice.
      this.#become({
        kind: 'resigned',
        preferred: [],
        unacknowledged: new Set(this.#options.history.voters.othersThan(self).map(({ key }) => key.id)),
        electionDeadlineMs: nowMs + this.#randomElectionMs(),
      })
    } else if (leaderId >= 0 && leaderAddress) this.#follow(leaderId, leaderAddress, nowMs)
    else this.#become({ kind: 'unattached', leaderId, electionDeadlineMs: nowMs + this.#randomElectionMs() })
  }

  /** A higher epoch, or no leader any more in this one. */
  toUnattached(epoch: number, leaderId: number, nowMs: number): void {
    assert(epoch >= this.#epoch, `epoch went back from ${this.#epoch} to ${epoch}`)
    const electionDeadlineMs = this.#keptDeadlineMs(nowMs)
    this.#enter(epoch)
    this.#become({ kind: 'unattached', leaderId, electionDeadlineMs })
  }

  toProspective(nowMs: number): void {
    const role = this.#role
    assert(this.isVoter, 'only a voter stands for election')
    this.#become({
      kind: 'prospective',
      leaderId: this.leaderId === this.#options.self.id ? -1 : this.leaderId,
      leaderAddress: role.kind === 'follower' ? role.leaderAddress : null,
      tally: new Tally(this.#options.history.voters, this.#options.self),
      electionDeadlineMs: nowMs + this.#randomElectionMs(),
    })
  }

  toCandidate(nowMs: number): void {
    assert(this.isVoter, 'only a voter stands for election')
    this.#enter(this.#epoch + 1)
    this.#votedFor = this.#options.self
    this.#become({
      kind: 'candidate',
      tally: new Tally(this.#options.history.voters, this.#options.self),
      electionDeadlineMs: nowMs + this.#randomElectionMs(),
      backoffUntilMs: null,
    })
  }

  toLeader(progress: LeaderProgress): void {
    assert(this.#role.kind === 'candidate' && this.#role.tally.isWon, 'only a majority makes a leader')
    this.#defeats = 0
    this.#become({ kind: 'leader', progress, isElected: false })
  }

  /** Somebody else leads `epoch`. */
  toFollower(epoch: number, leaderId: number, leaderAddress: NodeAddress, nowMs: number): void {
    assert(epoch >= this.#epoch && leaderId !== this.#options.self.id, 'nobody follows itself, or an older epoch')
    this.#defeats = 0
    this.#enter(epoch)
    this.#follow(leaderId, leaderAddress, nowMs)
  }

  toResigned(preferred: readonly ReplicaKey[], nowMs: number): void {
    assert(this.#role.kind === 'leader', 'only a leader resigns')
    this.#become({
      kind: 'resigned',
      preferred,
      unacknowledged: new Set(this.#options.history.voters.othersThan(this.#options.self).map(({ key }) => key.id)),
      electionDeadlineMs: nowMs + this.#randomElectionMs(),
    })
  }

  /** A candidate that cannot win any more waits a random while, longer after each defeat. */
  backOff(nowMs: number): void {
    const role = this.#role
    if (role.kind !== 'candidate' || role.backoffUntilMs !== null) return
    this.#defeats++
    const { electionBackoffMaxMs } = this.#options.timeouts
    const { electionBackoffBaseMs: base } = quorumLimits
    const rangeMs = Math.min(electionBackoffMaxMs, base * 2 ** Math.min(this.#defeats, 10))
    role.backoffUntilMs = nowMs + Math.min(electionBackoffMaxMs, base + this.#options.random.below(rangeMs + 1))
  }

  /** Whether `candidate`, whose log is up to date or not, gets this node's voice. Changes nothing. */
  wouldGrant(candidate: ReplicaKey, isUpToDate: boolean, preVote: boolean): boolean {
    const role = this.#role
    if (preVote) {
      if (role.kind === 'leader') return false
      return isUpToDate && (role.kind !== 'follower' || !role.hasFetched)
    }
    if (role.kind !== 'unattached' && role.kind !== 'prospective') return false
    if (this.#votedFor) return isSameReplica(this.#votedFor, candidate)
    return role.leaderId < 0 && isUpToDate
  }

  /** A vote for somebody else, in this epoch. */
  grant(candidate: ReplicaKey, nowMs: number): void {
    if (this.#votedFor) return
    this.#votedFor = candidate
    this.#become({ kind: 'unattached', leaderId: -1, electionDeadlineMs: nowMs + this.#randomElectionMs() })
  }

  /** The voters or the kraft.version changed: the file that names them follows. */
  votersChanged(): void {
    this.#persist()
  }

  #follow(leaderId: number, leaderAddress: NodeAddress, nowMs: number): void {
    const { fetchTimeoutMs } = this.#options.timeouts
    this.#become({
      kind: 'follower',
      leaderId,
      leaderAddress,
      fetchDeadlineMs: nowMs + fetchTimeoutMs,
      hasFetched: false,
      snapshot: null,
      tellVoterAtMs: nowMs,
    })
  }

  #enter(epoch: number): void {
    if (epoch === this.#epoch) return
    this.#epoch = epoch
    this.#votedFor = null
  }

  #become(role: Role): void {
    const wasLeading = this.#role.kind === 'leader'
    const ledEpoch = this.#told.epoch
    this.#role = role
    this.#persist()
    if (wasLeading && role.kind !== 'leader') this.#options.emit({ kind: 'resigned', epoch: ledEpoch })
    const leaderId = role.kind === 'resigned' ? -1 : this.leaderId
    if (leaderId === this.#told.leaderId && this.#epoch === this.#told.epoch) return
    this.#told = { leaderId, epoch: this.#epoch }
    this.#options.emit({ kind: 'leader', ...this.#told })
  }

  #persist(): void {
    const { voters, kraftVersion } = this.#options.history
    const state: DurableElection = {
      epoch: this.#epoch,
      leaderId: this.leaderId,
      votedFor: this.#votedFor,
      kraftVersion,
      voterIds: kraftVersion > 0 ? [] : voters.ids,
    }
    if (this.#persisted && isSameElection(this.#persisted, state)) return
    this.#persisted = state
    this.#options.emit({ kind: 'persist', state })
  }

  #randomElectionMs(): number {
    const { electionTimeoutMs } = this.#options.timeouts
    return electionTimeoutMs + this.#options.random.below(Math.max(1, electionTimeoutMs))
  }

  /** Whoever was already waiting for an election doesn't begin to wait again. */
  #keptDeadlineMs(nowMs: number): number {
    const role = this.#role
    switch (role.kind) {
      case 'unattached':
      case 'candidate':
      case 'resigned':
        return Math.max(role.electionDeadlineMs, nowMs)
      case 'prospective':
        if (!role.tally.isLost) return Math.max(role.electionDeadlineMs, nowMs)
        return nowMs + this.#randomElectionMs()
      case 'leader':
      case 'follower':
        return nowMs + this.#randomElectionMs()
    }
  }
}

function isSameElection(a: DurableElection, b: DurableElection): boolean {
  return (
    a.epoch === b.epoch &&
    a.leaderId === b.leaderId &&
    a.votedFor?.id === b.votedFor?.id &&
    a.votedFor?.directoryId === b.votedFor?.directoryId &&
    a.kraftVersion === b.kraftVersion &&
    a.voterIds.length === b.voterIds.length &&
    a.voterIds.every((id, at) => id === b.voterIds[at])
  )
}
