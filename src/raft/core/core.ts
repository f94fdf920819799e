/**
 * One member of a KRaft quorum as a pure machine: requests, answers, the progress of its log and the time go in; what is
 * to be made durable, sent, written and told comes out as effects, in order. It waits for nothing and touches nothing.
 *
 * Time is monotonic milliseconds. After every event `deadlineMs` says when `tick` is due next.
 */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import { Connections } from './connections.ts'
import type { DurableElection, Effect, Send } from './effects.ts'
import { Election, type Role } from './election.ts'
import { discoverPlace, Following } from './following.ts'
import { Leading } from './leading.ts'
import { isUpToDate, type OffsetAndEpoch } from './log-view.ts'
import type {
  AddVoterRequest,
  Answered,
  BeginEpochRequest,
  EndEpochRequest,
  FetchRequest,
  FetchSnapshotRequest,
  FetchVerdict,
  Silence,
  Told,
  UpdateVoterRequest,
  VoteRequest,
} from './messages.ts'
import { isSameReplica, type NodeAddress, noDirectory, type ReplicaKey } from './replica-key.ts'
import { type CoreOptions, Seat } from './seat.ts'
import { type Change, VoterChanges } from './voter-changes.ts'
import type { VoterSet } from './voter-set.ts'

/** What records that were appended, or a snapshot, say of the quorum. */
export interface QuorumChange {
  readonly offset: number
  readonly voters: VoterSet | null
  readonly kraftVersion: number | null
}

const epochMax = 0x7fffffff

export class RaftCore {
  readonly #seat: Seat
  readonly #election: Election
  readonly #leading: Leading
  readonly #following: Following
  readonly #changes: VoterChanges
  #effects: Effect[] = []
  /** The role that was looked at last. */
  #polled: Role | null = null

  constructor(options: CoreOptions) {
    const emit = (effect: Effect) => {
      this.#effects.push(effect)
      if (effect.kind === 'resigned') this.#changes.abandon()
    }
    this.#election = new Election({ ...options, emit })
    this.#seat = new Seat(options, this.#election, new Connections(), emit)
    this.#changes = new VoterChanges(this.#seat)
    this.#leading = new Leading(this.#seat, this.#changes)
    this.#following = new Following(this.#seat, this.#changes)
  }

  /** `left` is what an earlier life made durable. */
  start(left: DurableElection | null, nowMs: number): void {
    const leader = left && left.leaderId >= 0 ? this.#seat.addressOf(left.leaderId) : null
    this.#election.restore(left, this.#seat.log.lastEpoch, leader, nowMs)
    // The only voter needs nobody's consent.
    if (this.#seat.isOnlyVoter) this.#stand(nowMs)
    this.tick(nowMs)
  }

  /** What is to be done since the last call. */
  takeEffects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  get deadlineMs(): number {
    return this.#seat.deadlineMs
  }

  get epoch(): number {
    return this.#seat.epoch
  }

  /** As answers tell it; -1 when it is not known. */
  get leaderId(): number {
    return this.#seat.leaderId
  }

  get role(): Role {
    return this.#seat.role
  }

  get highWatermark(): number {
    return this.#seat.highWatermark
  }

  get isVoter(): boolean {
    return this.#seat.isVoter
  }

  get voters(): VoterSet {
    return this.#seat.voters
  }

  /** Where the leader can be reached; null when that is not known. */
  get leaderAddress(): NodeAddress | null {
    const { role, leaderId } = this
    if (role.kind === 'follower') return role.leaderAddress
    if (role.kind === 'prospective' && role.leaderAddress) return role.leaderAddress
    if (leaderId === this.#seat.self.id) return this.#seat.addressIn(this.#seat.options.endpoints)
    return leaderId >= 0 ? this.#seat.addressOf(leaderId) : null
  }

  vote(request: VoteRequest, nowMs: number): { error: ErrorCode; granted: boolean } {
    const { candidate, epoch, preVote, lastEpoch, lastOffset } = request
    const impossible = preVote ? lastEpoch > epoch : lastEpoch >= epoch
    if (lastOffset < 0 || lastEpoch < 0 || impossible) return { error: Errors.INVALID_REQUEST, granted: false }
    const refused = this.#check(candidate.id, epoch)
    if (refused !== Errors.NONE) return { error: refused, granted: false }
    if (epoch > this.epoch) this.#election.toUnattached(epoch, -1, nowMs)
    let granted = false
    let error: ErrorCode = Errors.NONE
    if (!this.#isMe(request.voter)) error = Errors.INVALID_VOTER_KEY
    else {
      granted = this.#election.wouldGrant(candidate, isUpToDate(this.#seat.log, lastOffset, lastEpoch), preVote)
      if (granted && !preVote) this.#election.grant(candidate, nowMs)
    }
    this.tick(nowMs)
    return { error, granted }
  }

  beginEpoch(request: BeginEpochRequest, nowMs: number): ErrorCode {
    const { leaderId, epoch, leaderEndpoints, voter } = request
    const refused = this.#check(leaderId, epoch)
    if (refused !== Errors.NONE) return refused
    const known = this.#learn(leaderId, epoch, this.#seat.addressIn(leaderEndpoints), nowMs, true)
    this.tick(nowMs)
    if (!known) return Errors.INVALID_REQUEST
    return this.#isMe(voter) ? Errors.NONE : Errors.INVALID_VOTER_KEY
  }

  endEpoch(request: EndEpochRequest, nowMs: number): ErrorCode {
    const { leaderId, epoch, leaderEndpoints, preferred } = request
    const refused = this.#check(leaderId, epoch)
    if (refused !== Errors.NONE) return refused
    const known = this.#learn(leaderId, epoch, this.#seat.addressIn(leaderEndpoints), nowMs, false)
    const { role } = this
    if (known && role.kind === 'follower' && role.leaderId === leaderId) {
      role.fetchDeadlineMs = Math.min(role.fetchDeadlineMs, nowMs + this.#successionDelayMs(preferred))
    }
    this.tick(nowMs)
    return known ? Errors.NONE : Errors.INVALID_REQUEST
  }

  /** A fetch of `__cluster_metadata`. `isNew` is false when a fetch that has waited is looked at again. */
  fetch(request: FetchRequest, nowMs: number, isNew = true): FetchVerdict {
    const verdict = this.#leading.fetch(request, nowMs, isNew)
    this.tick(nowMs)
    return verdict
  }

  /** Whether a piece of a snapshot may be read; which snapshots there are is the disk's business. */
  fetchSnapshot(request: FetchSnapshotRequest, nowMs: number): ErrorCode {
    const error = this.#leading.fetchSnapshot(request, nowMs)
    this.tick(nowMs)
    return error
  }

  addVoter(request: AddVoterRequest, nowMs: number): Change {
    return this.#change(this.#changes.add(request, nowMs), nowMs)
  }

  removeVoter(key: ReplicaKey, nowMs: number): Change {
    return this.#change(this.#changes.remove(key, nowMs), nowMs)
  }

  updateVoter(request: UpdateVoterRequest, nowMs: number): Change {
    const { epoch } = request
    const error = epoch < this.epoch ? Errors.FENCED_LEADER_EPOCH : Errors.UNKNOWN_LEADER_EPOCH
    if (epoch !== this.epoch) return { outcome: { error, message: null } }
    return this.#change(this.#changes.update(request, nowMs), nowMs)
  }

  /** Raises kraft.version: the voters move from the configuration into the log. */
  upgrade(level: number, nowMs: number): Change {
    return this.#change(this.#changes.upgrade(level, nowMs), nowMs)
  }

  /** Offsets below are durable here. */
  synced(durableEnd: number, nowMs: number): void {
    this.#seat.durableEnd = durableEnd
    this.#leading.synced(nowMs)
    this.tick(nowMs)
  }

  /** What `appendFetched` asked for is in the log. */
  appended(changes: readonly QuorumChange[], nowMs: number): void {
    for (const change of changes) this.#seat.history.add(change.offset, change)
    if (changes.length > 0) this.#election.votersChanged()
    this.#following.appended()
    this.tick(nowMs)
  }

  /** What was fetched makes no sense, or finds no room. */
  appendFailed(nowMs: number): void {
    this.#following.appendFailed(nowMs)
    this.tick(nowMs)
  }

  /** What this leader itself wrote found no room: it leads nobody who could write. */
  appendRefused(nowMs: number): void {
    this.#seat.history.truncateTo(this.#seat.log.logEndOffset)
    this.#election.votersChanged()
    this.#leading.resign(nowMs)
    this.tick(nowMs)
  }

  truncated(nowMs: number): void {
    const { logEndOffset } = this.#seat.log
    this.#seat.isBusy = false
    this.#seat.durableEnd = logEndOffset
    this.#seat.history.truncateTo(logEndOffset)
    this.#election.votersChanged()
    this.tick(nowMs)
  }

  /** `bytesCount` more bytes of the snapshot are in its file. */
  pieceWritten(id: OffsetAndEpoch, bytesCount: number, nowMs: number): void {
    this.#following.pieceWritten(id, bytesCount)
    this.tick(nowMs)
  }

  /** The snapshot is the beginning of the log now; it says who votes. */
  snapshotInstalled(id: OffsetAndEpoch, says: Omit<QuorumChange, 'offset'>, nowMs: number): void {
    this.#seat.history.clear()
    this.#seat.history.add(id.endOffset - 1, says)
    this.#election.votersChanged()
    this.#seat.durableEnd = this.#seat.log.logEndOffset
    this.#following.snapshotEnded()
    this.#seat.raiseHighWatermark(id.endOffset)
    this.tick(nowMs)
  }

  /** It could not be written, or makes no sense: the leader will tell of one again. */
  snapshotFailed(nowMs: number): void {
    this.#following.snapshotEnded()
    this.appendFailed(nowMs)
  }

  /** Steps down in good order, to stop. False when there is nobody to hand over to. */
  resign(nowMs: number): boolean {
    const resigned = this.#leading.resign(nowMs)
    this.tick(nowMs)
    return resigned
  }

  /** An answer to `send`, or none. */
  answered(send: Send, answer: Answered, nowMs: number): void {
    if (!this.#seat.connections.answered(send.place, send.id)) return
    if (answer.kind === 'none') {
      this.#seat.pause(send.place, nowMs)
      this.#failed(send, answer.reason, nowMs)
    } else {
      this.#heard(send, answer, nowMs)
    }
    this.tick(nowMs)
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    do {
      // What the former role asked is of no interest to the new one.
      if (this.#polled !== this.role) this.#seat.connections.reset()
      this.#polled = this.role
      this.#seat.deadlineMs = Number.POSITIVE_INFINITY
      this.#poll(this.role, nowMs)
    } while (this.#polled !== this.role)
  }

  #poll(role: Role, nowMs: number): void {
    const { isVoter } = this.#seat
    const isDue = (deadlineMs: number) => this.#seat.isDue(deadlineMs, nowMs)
    switch (role.kind) {
      case 'unattached':
        if (isVoter && isDue(role.electionDeadlineMs)) return this.#stand(nowMs)
        return this.#following.discover(nowMs)
      case 'prospective':
        if (!isVoter || isDue(role.electionDeadlineMs)) return this.#giveUp(nowMs)
        return this.#askForVotes(role.tally.unrecorded, true, nowMs)
      case 'candidate':
        if (!isVoter) return this.#election.toUnattached(this.epoch, -1, nowMs)
        if (isDue(role.backoffUntilMs ?? role.electionDeadlineMs)) return this.#stand(nowMs)
        return this.#askForVotes(role.tally.unrecorded, false, nowMs)
      case 'leader':
        return this.#leading.poll(nowMs)
      case 'follower':
        if (isDue(role.fetchDeadlineMs)) {
          if (isVoter) return this.#stand(nowMs)
          if (!this.#seat.isBusy) return this.#election.toUnattached(this.epoch, -1, nowMs)
        }
        return this.#following.poll(role, nowMs)
      case 'resigned':
        if (isDue(role.electionDeadlineMs)) return this.#election.toUnattached(this.epoch + 1, -1, nowMs)
        return this.#tellResignation(role.unacknowledged, role.preferred, nowMs)
    }
  }

  /** Begins an election: without asking anybody when nobody else votes. */
  #stand(nowMs: number): void {
    const { isBusy, isOnlyVoter, options } = this.#seat
    // What the log holds while it is being cut would be a false claim.
    if (isBusy) return this.#seat.wake(nowMs + options.timeouts.retryBackoffMs)
    if (!isOnlyVoter) return this.#election.toProspective(nowMs)
    this.#election.toCandidate(nowMs)
    this.#leading.begin(nowMs)
  }

  /** The others would not elect this node: back to where it came from. */
  #giveUp(nowMs: number): void {
    const { role } = this
    if (role.kind !== 'prospective') return
    const { leaderId, leaderAddress } = role
    if (leaderId >= 0 && leaderAddress) this.#election.toFollower(this.epoch, leaderId, leaderAddress, nowMs)
    else this.#election.toUnattached(this.epoch, leaderId, nowMs)
  }

  #askForVotes(voters: readonly { readonly key: ReplicaKey }[], preVote: boolean, nowMs: number): void {
    const { self: candidate, log, epoch } = this.#seat
    const { lastEpoch, logEndOffset: lastOffset } = log
    for (const { key: voter } of voters) {
      const to = this.#seat.addressOf(voter.id)
      const body = { kind: 'vote', candidate, epoch, voter, lastEpoch, lastOffset, preVote } as const
      if (to) this.#seat.ask(`vote:${voter.id}`, voter.id, to, body, nowMs)
    }
  }

  #tellResignation(ids: ReadonlySet<number>, preferred: readonly ReplicaKey[], nowMs: number): void {
    const { self, epoch, options } = this.#seat
    const { endpoints: leaderEndpoints } = options
    const body = { kind: 'endEpoch', leaderId: self.id, epoch, preferred, leaderEndpoints } as const
    for (const id of ids) {
      const to = this.#seat.addressOf(id)
      if (to) this.#seat.ask(`end:${id}`, id, to, body, nowMs)
    }
  }

  #failed(send: Send, reason: Silence, nowMs: number): void {
    switch (send.body.kind) {
      case 'fetch':
      case 'fetchSnapshot':
        if (reason === 'refused') this.#following.leaderIsGone(send, nowMs)
        return this.#following.failed(send)
      case 'apiVersions':
        return this.#changes.unreachable()
      case 'vote':
        // A voter that knows no pre-vote is asked for the real one.
        if (reason === 'version' && this.role.kind === 'prospective') this.#election.toCandidate(nowMs)
        // The process that led is gone and does not vote: of three, the two that are left may have split theirs, and would
        // wait for it until the election times out.
        if (reason === 'refused' && this.role.kind === 'candidate') this.#onVote(send, Errors.NONE, false, nowMs)
    }
  }

  #heard(send: Send, answer: Exclude<Answered, { kind: 'none' }>, nowMs: number): void {
    if (answer.kind === 'addVoter' || answer.kind === 'removeVoter') return
    if (answer.kind === 'apiVersions') {
      this.#changes.onApiVersions(answer.error, answer.kraftVersions, nowMs)
      return this.#leading.raiseHighWatermark(nowMs)
    }
    const before = this.role
    if (send.place === discoverPlace) this.#following.asked()
    if (this.#common(answer, nowMs)) {
      if (before !== this.role) return
      this.#seat.pause(send.place, nowMs)
      if (answer.kind === 'fetch' && send.place !== discoverPlace) this.#following.refused()
      return
    }
    switch (answer.kind) {
      case 'vote':
        return this.#onVote(send, answer.error, answer.granted, nowMs)
      case 'fetch':
        return this.#following.onFetch(send, answer, nowMs)
      case 'fetchSnapshot':
        return this.#following.onSnapshot(send, answer, nowMs)
      case 'updateVoter':
        return this.#changes.told(before, answer.error)
      case 'beginEpoch':
        return this.#leading.begun(send.place, nowMs)
      case 'endEpoch':
        if (answer.error !== Errors.NONE) this.#seat.pause(send.place, nowMs)
        else if (before.kind === 'resigned') before.unacknowledged.delete(send.nodeId)
    }
  }

  /** What every answer says of epoch and leader. True when nothing else in it matters. */
  #common({ error, epoch, leaderId, leaderAddress }: Told, nowMs: number): boolean {
    const known = this.epoch
    if (epoch < known || epoch >= epochMax || error === Errors.UNKNOWN_LEADER_EPOCH) return true
    if (epoch > known || error === Errors.FENCED_LEADER_EPOCH || error === Errors.NOT_LEADER_OR_FOLLOWER) {
      this.#learn(leaderId, epoch, leaderAddress, nowMs, false)
      return true
    }
    const seeks = this.leaderId < 0 || this.role.kind === 'unattached'
    if (seeks && leaderId >= 0 && leaderId !== this.#seat.self.id) {
      this.#learn(leaderId, epoch, leaderAddress, nowMs, false)
      return error !== Errors.NONE
    }
    return error === Errors.BROKER_NOT_AVAILABLE
  }

  /** Somebody says who leads an epoch. False when that cannot be. */
  #learn(leaderId: number, epoch: number, told: NodeAddress | null, nowMs: number, fromLeader: boolean): boolean {
    if (epoch < this.epoch) return false
    const { role } = this
    if (leaderId === this.#seat.self.id) {
      if (epoch > this.epoch) this.#election.toUnattached(epoch, leaderId, nowMs)
      return epoch > this.epoch || this.leaderId === leaderId
    }
    const address = told ?? (leaderId >= 0 ? this.#seat.addressOf(leaderId) : null)
    if (epoch === this.epoch) {
      if (leaderId < 0) return true
      if (this.leaderId >= 0 && this.leaderId !== leaderId) return false
      const attached = role.kind === 'follower' || (role.kind === 'prospective' && this.leaderId >= 0 && !fromLeader)
      if (attached || !address) return true
    }
    if (leaderId >= 0 && address) this.#election.toFollower(epoch, leaderId, address, nowMs)
    else this.#election.toUnattached(epoch, leaderId, nowMs)
    return true
  }

  #onVote(send: Send, error: number, granted: boolean, nowMs: number): void {
    const { role } = this
    if (send.body.kind !== 'vote' || (role.kind !== 'candidate' && role.kind !== 'prospective')) return
    if (send.body.preVote !== (role.kind === 'prospective') || send.body.epoch !== this.epoch) return
    if (error !== Errors.NONE) {
      return this.#seat.pause(send.place, nowMs, this.#seat.options.timeouts.electionTimeoutMs)
    }
    role.tally.record(send.nodeId, granted)
    if (role.tally.isWon) {
      if (role.kind === 'candidate') this.#leading.begin(nowMs)
      else this.#election.toCandidate(nowMs)
    } else if (role.tally.isLost) {
      if (role.kind === 'candidate') this.#election.backOff(nowMs)
      else this.#giveUp(nowMs)
    }
  }

  #change(change: Change, nowMs: number): Change {
    this.tick(nowMs)
    return change
  }

  /** What can be said of every request of one voter to another. */
  #check(senderId: number, epoch: number): ErrorCode {
    if (epoch < this.epoch) return Errors.FENCED_LEADER_EPOCH
    // An epoch that leaves no room for a next one is nobody's.
    return senderId < 0 || epoch >= epochMax ? Errors.INVALID_REQUEST : Errors.NONE
  }

  #isMe({ id, directoryId }: ReplicaKey): boolean {
    const { self } = this.#seat
    return (id < 0 || id === self.id) && (directoryId === noDirectory || directoryId === self.directoryId)
  }

  /** How long after a resignation this node stands: the first of those preferred at once, the others one by one. */
  #successionDelayMs(preferred: readonly ReplicaKey[]): number {
    const at = preferred.findIndex(key => isSameReplica(key, this.#seat.self))
    if (at === 0) return 0
    const { electionBackoffMaxMs: mostMs } = this.#seat.options.timeouts
    const position = at < 0 ? preferred.length : at
    const stepMs = Math.max(1, mostMs >> Math.max(0, preferred.length - 1))
    return Math.min(mostMs, stepMs << Math.max(0, position - 1))
  }
}
