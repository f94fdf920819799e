/** What a leader does: opens its epoch, counts who follows, moves the high watermark, tells the silent that it leads. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import { startOfEpoch } from './epoch-records.ts'
import { validatePosition } from './log-view.ts'
import type { FetchRequest, FetchSnapshotRequest, FetchVerdict } from './messages.ts'
import { LeaderProgress } from './progress.ts'
import type { ReplicaKey } from './replica-key.ts'
import type { Seat } from './seat.ts'
import type { VoterChanges } from './voter-changes.ts'

export class Leading {
  readonly #seat: Seat
  readonly #changes: VoterChanges

  constructor(seat: Seat, changes: VoterChanges) {
    this.#seat = seat
    this.#changes = changes
  }

  /** A candidate has won. */
  begin(nowMs: number): void {
    const { role, self, voters, history, log, election, durableEnd, options } = this.#seat
    if (role.kind !== 'candidate') return
    const epochStartOffset = log.logEndOffset
    const { granting } = role.tally
    const { timeouts } = options
    election.toLeader(new LeaderProgress({ self, voters, epochStartOffset, granting, timeouts, durableEnd, nowMs }))
    const { records, votersOffset } = startOfEpoch(self, history, granting, epochStartOffset)
    this.#seat.emit({ kind: 'append', epoch: this.#seat.epoch, records })
    if (votersOffset !== null) history.add(votersOffset, { voters, kraftVersion: history.kraftVersion })
  }

  poll(nowMs: number): void {
    const { role, voters, self, epoch, options } = this.#seat
    if (role.kind !== 'leader') return
    const { progress } = role
    const deadlineMs = progress.quorumDeadlineMs(voters, nowMs)
    if (deadlineMs !== null && this.#seat.isDue(deadlineMs, nowMs)) {
      this.resign(nowMs)
      return
    }
    progress.forget(voters, nowMs)
    for (const { key } of progress.silent(voters, nowMs)) {
      const to = this.#seat.addressOf(key.id)
      if (!to) continue
      const { endpoints: leaderEndpoints } = options
      const body = { kind: 'beginEpoch', leaderId: self.id, epoch, voter: key, leaderEndpoints } as const
      this.#seat.ask(`begin:${key.id}`, key.id, to, body, nowMs)
    }
    if (voters.size > 1) this.#seat.wake(nowMs + options.timeouts.fetchTimeoutMs / 4)
    this.#seat.wake(this.#changes.poll(nowMs))
  }

  /** A voter answered that it knows of this epoch. */
  begun(place: string, nowMs: number): void {
    // It knows; it is told again only when it still does not fetch.
    this.#seat.pause(place, nowMs, this.#seat.options.timeouts.fetchTimeoutMs / 4)
  }

  /** Steps down. False when it doesn't lead, or there is nobody to hand over to. */
  resign(nowMs: number): boolean {
    const { role, voters, self, election } = this.#seat
    if (role.kind !== 'leader' || voters.othersThan(self).length === 0) return false
    election.toResigned(role.progress.successors(voters), nowMs)
    return true
  }

  synced(nowMs: number): void {
    const { role, durableEnd } = this.#seat
    if (role.kind !== 'leader') return
    role.progress.synced(durableEnd)
    this.raiseHighWatermark(nowMs)
  }

  /** The high watermark follows the majority; what waits for it happens now. */
  raiseHighWatermark(nowMs: number): void {
    const { role, voters, history, epoch } = this.#seat
    if (role.kind !== 'leader') return
    const committed = role.progress.committed(voters)
    if (committed === null) return
    this.#seat.raiseHighWatermark(committed)
    if (!role.isElected) {
      role.isElected = true
      this.#seat.emit({ kind: 'elected', epoch })
    }
    const { highWatermark } = this.#seat
    this.#changes.committed(highWatermark)
    // It removed itself, and that is settled.
    if (!this.#seat.isVoter && history.votersOffset < highWatermark) this.resign(nowMs)
  }

  fetch(request: FetchRequest, nowMs: number, isNew: boolean): FetchVerdict {
    const { fetchOffset, lastFetchedEpoch, epoch, maxWaitMs, replica } = request
    if (maxWaitMs < 0 || fetchOffset < 0 || lastFetchedEpoch < 0 || epoch < 0) {
      return { kind: 'error', error: Errors.INVALID_REQUEST }
    }
    const refused = this.#check(epoch)
    if (refused !== Errors.NONE) return { kind: 'error', error: refused }
    const { log, role, voters } = this.#seat
    const position = validatePosition(log, fetchOffset, lastFetchedEpoch)
    if (isNew && replica.id >= 0 && role.kind === 'leader') {
      const key = this.#known(replica)
      if (position.kind === 'valid') role.progress.fetched(key, fetchOffset, log.logEndOffset, voters, nowMs)
      else role.progress.heard(key, voters, nowMs)
      this.raiseHighWatermark(nowMs)
    }
    return position.kind === 'valid' ? { kind: 'read' } : position
  }

  fetchSnapshot({ epoch, replica }: FetchSnapshotRequest, nowMs: number): ErrorCode {
    const refused = this.#check(epoch)
    const { role, voters } = this.#seat
    if (refused === Errors.NONE && role.kind === 'leader' && replica.id >= 0) {
      role.progress.heard(this.#known(replica), voters, nowMs)
    }
    return refused
  }

  #check(epoch: number): ErrorCode {
    if (epoch < this.#seat.epoch) return Errors.FENCED_LEADER_EPOCH
    if (epoch > this.#seat.epoch) return Errors.UNKNOWN_LEADER_EPOCH
    return this.#seat.role.kind === 'leader' ? Errors.NONE : Errors.NOT_LEADER_OR_FOLLOWER
  }

  /** A replica as the set of voters names it. */
  #known(key: ReplicaKey): ReplicaKey {
    const { voters } = this.#seat
    return voters.has(key) ? (voters.byId(key.id)?.key ?? key) : key
  }
}
