/** What a node does that does not lead: finds the leader, fetches its log or a snapshot, and cuts what it does not share. */
import { Errors } from '../../../protocol/errors.ts'
import type { Send } from './effects.ts'
import type { Following as FollowerRole } from './election.ts'
import { type OffsetAndEpoch, truncationOffset } from './log-view.ts'
import type { FetchAnswer, SnapshotAnswer } from './messages.ts'
import type { NodeAddress } from './replica-key.ts'
import type { Seat } from './seat.ts'
import { quorumLimits } from './timeouts.ts'
import type { VoterChanges } from './voter-changes.ts'

/** The line on which a node asks whoever it knows for the leader. */
export const discoverPlace = 'discover'

export class Following {
  readonly #seat: Seat
  readonly #changes: VoterChanges
  /** The role whose leader does not answer, or says that it is none: somebody else is asked besides. */
  #lost: FollowerRole | null = null
  #nextServer = 0
  /** Of the answer whose records are being appended; null when none are. */
  #fetchedHighWatermark: number | null = null

  constructor(seat: Seat, changes: VoterChanges) {
    this.#seat = seat
    this.#changes = changes
  }

  poll(role: FollowerRole, nowMs: number): void {
    const { isBusy, isVoter, self, epoch, options } = this.#seat
    if (role.snapshot) {
      if (role.snapshot.isWriting || isBusy) return
      const { id: snapshot, position } = role.snapshot
      const body = { kind: 'fetchSnapshot', replica: self, epoch, snapshot, position } as const
      this.#seat.ask(placeOf(role), role.leaderId, role.leaderAddress, body, nowMs)
      return
    }
    if (this.#lost === role) this.discover(nowMs)
    // With short timeouts the leader must answer well before they end, or it counts as gone.
    const { requestTimeoutMs, fetchTimeoutMs } = options.timeouts
    const waitMs = Math.floor(Math.min(quorumLimits.fetchMaxWaitMs, requestTimeoutMs / 2, fetchTimeoutMs / 2))
    this.#fetch(placeOf(role), role.leaderId, role.leaderAddress, waitMs, nowMs)
    if (role.hasFetched && options.canVote && (isVoter || options.autoJoin)) {
      this.#seat.wake(this.#changes.tellLeader(role, epoch, nowMs))
    }
  }

  /** Asks the next of all known places who leads. */
  discover(nowMs: number): void {
    const places = this.#places()
    if (places.length === 0) return
    const { id, address } = places[this.#nextServer % places.length]
    // Whatever becomes of this question, the next one is for the next.
    if (this.#fetch(discoverPlace, id, address, 0, nowMs)) this.#nextServer++
  }

  /** No answer to a fetch. */
  failed(send: Send): void {
    const { role } = this.#seat
    if (send.place === discoverPlace) this.asked()
    else if (role.kind === 'follower') this.#lost = role
    if (send.body.kind === 'fetchSnapshot' && role.kind === 'follower') role.snapshot = null
  }

  /**
   * The process that led is gone: nothing is gained by waiting for it. Others grant a pre-vote as soon as they have found
   * out too, and the leader itself, should it live after all, keeps those who still hear it.
   */
  leaderIsGone(send: Send, nowMs: number): void {
    const { role, options } = this.#seat
    if (role.kind !== 'follower' || send.place !== placeOf(role)) return
    role.hasFetched = false
    const delayMs = quorumLimits.leaderGoneMs + options.random.below(quorumLimits.leaderGoneJitterMs)
    role.fetchDeadlineMs = Math.min(role.fetchDeadlineMs, nowMs + delayMs)
  }

  /** Somebody answered who leads, or not: first the leader is tried again. */
  asked(): void {
    this.#lost = null
  }

  /** Whom this node follows says that it does not lead. */
  refused(): void {
    const { role } = this.#seat
    if (role.kind === 'follower') this.#lost = role
  }

  onFetch(send: Send, answer: FetchAnswer, nowMs: number): void {
    const { role, epoch, log, isBusy, options } = this.#seat
    if (role.kind !== 'follower' || send.body.kind !== 'fetch') return
    if (answer.error !== Errors.NONE) return this.#seat.pause(send.place, nowMs)
    // Whoever asked around may have met the leader itself, and goes on from there.
    if (answer.leaderId !== role.leaderId || send.body.epoch !== epoch) return
    if (send.body.fetchOffset !== log.logEndOffset || isBusy) return
    role.fetchDeadlineMs = nowMs + options.timeouts.fetchTimeoutMs
    role.hasFetched = true
    if (answer.diverging) this.#truncate(answer.diverging, send.place, nowMs)
    else if (answer.snapshot) this.#beginSnapshot(role, answer.snapshot, send.place, nowMs)
    else if (answer.records.length > 0) {
      this.#fetchedHighWatermark = answer.highWatermark
      this.#seat.emit({ kind: 'appendFetched', epoch, records: answer.records })
    } else this.#raiseHighWatermark(answer.highWatermark)
  }

  onSnapshot(send: Send, answer: SnapshotAnswer, nowMs: number): void {
    const { role, options } = this.#seat
    if (role.kind !== 'follower' || !role.snapshot || send.body.kind !== 'fetchSnapshot') return
    const { id, position } = role.snapshot
    const end = answer.position + answer.bytes.length
    const isNext = isSameId(answer.snapshot, id) && answer.position === position && end > position
    if (answer.error !== Errors.NONE || !isNext || end > answer.sizeBytes) {
      role.snapshot = null
      return this.#seat.pause(send.place, nowMs)
    }
    role.fetchDeadlineMs = nowMs + options.timeouts.fetchTimeoutMs
    role.hasFetched = true
    role.snapshot.isWriting = true
    const last = end === answer.sizeBytes
    this.#seat.isBusy = last
    this.#seat.emit({ kind: 'writePiece', id, position, bytes: answer.bytes, last })
  }

  /** What was fetched is in the log. */
  appended(): void {
    this.#raiseHighWatermark(this.#fetchedHighWatermark ?? -1)
    this.#fetchedHighWatermark = null
  }

  /** What was fetched makes no sense, or finds no room here. */
  appendFailed(nowMs: number): void {
    const { role, options } = this.#seat
    this.#fetchedHighWatermark = null
    if (role.kind === 'follower') this.#seat.pause(placeOf(role), nowMs, options.timeouts.electionTimeoutMs)
  }

  pieceWritten(id: OffsetAndEpoch, bytesCount: number): void {
    const { role } = this.#seat
    const fetching = role.kind === 'follower' ? role.snapshot : null
    if (!fetching || !isSameId(fetching.id, id)) return
    fetching.position += bytesCount
    fetching.isWriting = false
  }

  snapshotEnded(): void {
    const { role } = this.#seat
    this.#seat.isBusy = false
    if (role.kind === 'follower') role.snapshot = null
  }

  #truncate(at: OffsetAndEpoch, place: string, nowMs: number): void {
    const { log, highWatermark, options } = this.#seat
    const offset = truncationOffset(log, at)
    // What is committed is never given up, whoever asks; and where nothing is cut, asking again would not end.
    if (at.endOffset < 0 || at.epoch < 0 || offset < highWatermark || offset >= log.logEndOffset) {
      return this.#seat.pause(place, nowMs, options.timeouts.electionTimeoutMs)
    }
    this.#seat.isBusy = true
    this.#seat.emit({ kind: 'truncate', offset })
  }

  #beginSnapshot(role: FollowerRole, id: OffsetAndEpoch, place: string, nowMs: number): void {
    const { highWatermark, options } = this.#seat
    if (id.endOffset <= 0 || id.epoch <= 0 || id.endOffset < highWatermark) {
      return this.#seat.pause(place, nowMs, options.timeouts.electionTimeoutMs)
    }
    role.snapshot = { id, position: 0, isWriting: false }
  }

  #raiseHighWatermark(leaders: number): void {
    this.#seat.raiseHighWatermark(Math.min(leaders, this.#seat.log.logEndOffset))
  }

  #fetch(place: string, id: number, to: NodeAddress, maxWaitMs: number, nowMs: number): boolean {
    const { log, durableEnd, isBusy, self: replica, epoch, highWatermark } = this.#seat
    // A fetch says that everything before its offset is durable here.
    if (isBusy || this.#fetchedHighWatermark !== null || durableEnd < log.logEndOffset) return false
    const { logEndOffset: fetchOffset, lastEpoch: lastFetchedEpoch } = log
    const body = { kind: 'fetch', replica, epoch, fetchOffset, lastFetchedEpoch, maxWaitMs, highWatermark } as const
    return this.#seat.ask(place, id, to, body, nowMs)
  }

  #places(): { id: number; address: NodeAddress }[] {
    const { bootstrap, endpoints } = this.#seat.options
    const isOwn = ({ host, port }: NodeAddress) => endpoints.some(own => own.host === host && own.port === port)
    const { role } = this.#seat
    const asked = role.kind === 'follower' ? role.leaderId : -1
    const voters = this.#seat.voters.othersThan(this.#seat.self).flatMap(({ key: { id } }) => {
      const address = this.#seat.addressOf(id)
      return address && id !== asked ? [{ id, address }] : []
    })
    return [...voters, ...bootstrap.filter(address => !isOwn(address)).map(address => ({ id: -1, address }))]
  }
}

function placeOf(role: FollowerRole): string {
  return `fetch:${role.leaderId}`
}

function isSameId(a: OffsetAndEpoch, b: OffsetAndEpoch): boolean {
  return a.endOffset === b.endOffset && a.epoch === b.epoch
}
