/**
 * One partition as this broker serves it: as its leader, as a follower of another broker, or as neither while there is no
 * leader or its files are being cut.
 *
 * A record is committed when it is durable on every in-sync replica (the high watermark). The watermark never passes what
 * is durable here, on a leader and on a follower alike. Nothing waits between a check and what follows from it: changes of
 * role happen inside `update`, or, while files are being cut, right after that.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { buildTransactionMarker } from '../../protocol/records/control.ts'
import type { Clock } from '../host/host.ts'
import { type Waiter, Watermark } from '../lib/watermark.ts'
import type { AppendInfo, AppendOptions, Log, ReadResult } from '../log/log.ts'
import type { ReplicatedLog, TransactionEnd } from '../machine/machine.ts'
import type { IsrAnswer, IsrUpdates } from './isr-updates.ts'
import { type IsrProposal, Leadership, type LeadershipRules } from './leadership.ts'
import { PartitionLog } from './partition-log.ts'

/** What the cluster's metadata says of a partition. */
export interface PartitionState {
  /** -1 for none. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export type Isolation = 'uncommitted' | 'committed' | 'none'
export type Role = 'leader' | 'follower' | 'none'

/** What all partitions of a broker share. */
export interface PartitionContext {
  readonly clock: Clock
  readonly rules: LeadershipRules
  readonly brokerEpoch: () => number
  readonly isrUpdates: IsrUpdates
  /** Whether a broker takes part in the cluster now. */
  readonly isAlive: (brokerId: number) => boolean
  /** The role or the epoch is another one now. Must not throw. */
  readonly changed: (partition: Partition, before: Role) => void
  /** Followers may have something to read or to hear. */
  readonly grew: () => void
  readonly tellsWatermarks: boolean
}

/** A fetch as the replica that sent it describes itself. */
export interface ReplicaFetch {
  readonly replicaId: number
  readonly brokerEpoch: number
  readonly offset: number
  readonly logStartOffset: number
}

export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly log: Log
  readonly highWatermark: Watermark
  readonly #context: PartitionContext
  #state: PartitionState
  #role: Role = 'none'
  /** The leader epoch in which it has its role. */
  #roleEpoch = -1
  #leadership: Leadership | null = null
  /** What the leader of this epoch told last, on a follower. */
  #leaders = { highWatermark: 0, logStartOffset: 0 }
  #cutting = false
  /** Its log is about to be exchanged: nobody writes to it. */
  #paused = false
  #closed = false
  #durableWaiter: Waiter | null = null
  #lowWatermarkWaiters: { readonly offset: number; readonly run: () => void }[] = []

  constructor(topicId: string, log: Log, state: PartitionState, context: PartitionContext) {
    this.topic = log.topic
    this.topicId = topicId
    this.index = log.partition
    this.log = log
    this.#state = state
    this.#context = context
    this.highWatermark = new Watermark(Math.min(log.checkpointedHighWatermark, log.durable.value))
    log.highWatermark = this.highWatermark.value
    log.scrub.isMendable = state.replicas.length > 1
  }

  /** Takes up its role. Call once, when whoever hears of it can find the partition. */
  start(): void {
    this.#followDurable()
    this.#assume()
  }

  get state(): PartitionState {
    return this.#state
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch
  }

  get role(): Role {
    return this.#role
  }

  get isLeader(): boolean {
    return this.#role === 'leader'
  }

  /** Null unless this broker leads. */
  get leadership(): Leadership | null {
    return this.#leadership
  }

  /** Metadata changed. News that an answer of the controller has told already are passed over. */
  update(state: PartitionState): void {
    if (this.#closed || state.partitionEpoch < this.#state.partitionEpoch) return
    this.#state = state
    this.#assume()
  }

  /** Every offset below it may be read by a consumer of this isolation level. */
  readLimit(isolation: Isolation): number {
    if (isolation === 'none') return this.log.logEndOffset
    const highWatermark = this.highWatermark.value
    return isolation === 'uncommitted'
      ? highWatermark
      : Math.min(highWatermark, this.log.lastStableOffset(highWatermark))
  }

  /** Throws unless this broker leads the partition in the epoch that the client believes in (-1: no belief). */
  fence(currentLeaderEpoch: number): void {
    this.fenceEpoch(currentLeaderEpoch)
    if (!this.isLeader) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  }

  /** The same for those who may read from a follower too. */
  fenceEpoch(currentLeaderEpoch: number): void {
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch)
      throw new KafkaError(Errors.FENCED_LEADER_EPOCH)
    if (currentLeaderEpoch > this.leaderEpoch) throw new KafkaError(Errors.UNKNOWN_LEADER_EPOCH)
    if (this.#role === 'none' || this.#closed) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  }

  /** Throws when a leader that is new cannot know yet how far the records of its predecessors are committed (KIP-207). */
  checkOffsetsKnown(): void {
    if (this.#leadership && this.#leadership.epochStartOffset > this.highWatermark.value) {
      throw new KafkaError(Errors.OFFSET_NOT_AVAILABLE)
    }
  }

  /**
   * Checks, assigns offsets and queues for the disk, all in this call. `acks` -1 asks for enough in-sync replicas first.
   */
  append(
    records: Buffer,
    acks: number,
    origin: AppendOptions['origin'],
    requestVersion: number,
    transactional: Pick<AppendOptions, 'transactionVersion' | 'verificationGuard'> = {},
  ): AppendInfo {
    this.fence(-1)
    if (this.#paused) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER, 'its log is about to be exchanged')
    const leadership = this.#leadership!
    if (acks === -1 && leadership.isr.length < this.#minInSync) throw new KafkaError(Errors.NOT_ENOUGH_REPLICAS)
    const options = { leaderEpoch: this.leaderEpoch, origin, requestVersion, ...transactional }
    if (!leadership.hasFollowers) return this.log.append(records, options)
    leadership.appending(this.log.logEndOffset, this.#context.clock.monotonic())
    const info = this.log.append(records, options)
    this.#context.grew()
    return info
  }

  /** Ends a producer's transaction here, as `append`: throws KafkaError. The offset of the marker. */
  appendMarker(end: TransactionEnd, timestampMs: number): number {
    const { transactionVersion } = end
    return this.append(buildTransactionMarker({ ...end, timestampMs }), -1, 'coordinator', 0, { transactionVersion })
      .firstOffset
  }

  /**
   * Runs `run(null)` when everything below `offset` is committed, with the error of those who asked for acks=all
   * otherwise.
   */
  committed(offset: number, run: (failure: Error | null) => void): Waiter {
    return this.highWatermark.reached(offset, failure => {
      const enough = failure || !this.#leadership || this.#leadership.maximalIsr.length >= this.#minInSync
      run(enough ? failure : new KafkaError(Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND))
    })
  }

  /**
   * Batches from `offset` on, up to the limit of the isolation level. Synchronous when the tail cache holds them; what comes
   * from the disk is lent.
   */
  read(offset: number, bytesMax: number, isolation: Isolation, minOneBatch: boolean): ReadResult | Promise<ReadResult> {
    return this.log.read({
      offset,
      bytesMax,
      upperOffset: this.readLimit(isolation),
      minOneBatch,
      abortedTransactions: isolation === 'committed',
      lend: true,
    })
  }

  /**
   * A follower asks for what comes at `fetch.offset`, which says that it has everything before. Throws KafkaError for a
   * broker that is no replica, as far as this leader knows (`epochGiven`: the fetch names a leader epoch).
   */
  followerFetched(fetch: ReplicaFetch, epochGiven: boolean): void {
    const leadership = this.#leadership
    if (!leadership) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
    const leaderEndOffset = this.log.logEndOffset
    const before = leadership.replica(fetch.replicaId)?.logStartOffset
    const known = leadership.fetched(fetch.replicaId, {
      ...fetch,
      leaderEndOffset,
      nowMs: this.#context.clock.monotonic(),
    })
    // Metadata that makes it a replica may be on its way to this broker.
    if (known === null) throw new KafkaError(epochGiven ? Errors.UNKNOWN_LEADER_EPOCH : Errors.NOT_LEADER_OR_FOLLOWER)
    if (!known) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER, 'the fetch is from an earlier life of the broker')
    this.#propose(leadership.expansion(fetch.replicaId, this.highWatermark.value, this.#context.brokerEpoch()))
    this.#advance()
    if (before !== fetch.logStartOffset) this.#lowWatermarkMoved()
  }

  /** Looks at the clock: drops replicas that fell behind, and lets the watermark go on without those that do not count. */
  checkReplicas(): void {
    const leadership = this.#leadership
    if (!leadership?.hasFollowers) return
    const { clock, brokerEpoch } = this.#context
    this.#propose(leadership.shrinkage(this.log.logEndOffset, clock.monotonic(), brokerEpoch()))
    this.#advance()
  }

  /**
   * Appends what the leader of `leaderEpoch` sent, unless this partition follows another leader by now: then false. Throws
   * KafkaError as Log.appendAsFollower does.
   */
  appendFromLeader(records: Buffer, leaderEpoch: number, highWatermark: number, logStartOffset: number): boolean {
    if (!this.follows(leaderEpoch)) return false
    if (records.length > 0) this.log.appendAsFollower(records, leaderEpoch)
    this.#leaders.highWatermark = highWatermark
    this.#leaders.logStartOffset = logStartOffset
    this.#advance()
    if (logStartOffset > this.log.logStartOffset) this.log.followLogStart(logStartOffset)
    return true
  }

  /**
   * Where the first damaged record of a follower lies that may be fetched again: one that is not in sync, so that nobody
   * counts on what is cut off for that. Null when there is none.
   */
  get damagedFrom(): number | null {
    const { corruptRanges } = this.log
    if (corruptRanges.length === 0 || this.#role !== 'follower') return null
    if (this.#state.isr.includes(this.#context.rules.brokerId)) return null
    return Math.min(...corruptRanges.map(({ startOffset }) => startOffset))
  }

  /** Whether it is the follower of the leader of this epoch, with its files in order. */
  follows(leaderEpoch: number): boolean {
    return this.#role === 'follower' && this.#roleEpoch === leaderEpoch && !this.#closed && !this.#paused
  }

  /**
   * A follower's log is not what its leader's is: cuts off what lies at `offset` or after it, or (`whole`) all of it, to
   * begin anew there. It has no role meanwhile. False when it failed, or has another leader by then.
   */
  async cut(offset: number, leaderEpoch: number, whole = false): Promise<boolean> {
    if (!this.follows(leaderEpoch)) return false
    this.#cutting = true
    this.#leave()
    this.#durableWaiter?.cancel()
    this.highWatermark.interrupt(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER))
    const committed = Math.min(offset, this.highWatermark.value)
    this.highWatermark.reset(committed)
    this.log.highWatermark = committed
    let done = true
    try {
      if (whole) await this.log.truncateFullyAndStartAt(offset)
      else await this.log.truncateTo(offset)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      done = false
    }
    this.#cutting = false
    if (this.#closed) return false
    if (whole && done) this.#restartWatermark()
    this.#followDurable()
    this.#assume()
    return done && this.follows(leaderEpoch)
  }

  /** Takes no writes any more. False when that cannot be now. */
  pause(): boolean {
    if (this.#closed || this.#cutting || this.#paused) return false
    this.#paused = true
    return true
  }

  /** Takes writes again. */
  unpause(): void {
    this.#paused = false
  }

  /**
   * Moves the log start offset (null: to the high watermark); resolves when that is durable and every live replica has done
   * the same. Rejects with KafkaError.
   */
  async deleteRecordsBefore(offset: number | null, timeoutMs: number): Promise<number> {
    this.fence(-1)
    const { cleanupPolicy } = this.log.config
    if (cleanupPolicy.compact && !cleanupPolicy.delete) throw new KafkaError(Errors.POLICY_VIOLATION)
    const target = offset ?? this.highWatermark.value
    if (target < 0 || target > this.highWatermark.value) throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE)
    await this.log.deleteRecordsBefore(target)
    // Followers hear of it in the answer to a fetch: those that wait for records are answered now.
    this.#context.grew()
    if (!(await this.#lowWatermarkReached(target, timeoutMs))) throw new KafkaError(Errors.REQUEST_TIMED_OUT)
    return this.lowWatermark
  }

  /** No live replica has records before it. */
  get lowWatermark(): number {
    const { logStartOffset } = this.log
    return this.#leadership?.lowWatermark(logStartOffset, this.#context.isAlive) ?? logStartOffset
  }

  /** The partition as a log of records, for a state machine that lives in it. */
  asReplicatedLog(): ReplicatedLog {
    return new PartitionLog(this)
  }

  close(failure: Error): void {
    this.#closed = true
    this.#leave()
    this.#durableWaiter?.cancel()
    this.highWatermark.fail(failure)
    this.#lowWatermarkMoved()
  }

  get #minInSync(): number {
    return Math.min(this.log.config.minInsyncReplicas, this.#state.replicas.length)
  }

  /** Brings the role in line with the state. */
  #assume(): void {
    if (this.#cutting || this.#closed) return
    const { leaderId, leaderEpoch } = this.#state
    const role = leaderId === this.#context.rules.brokerId ? 'leader' : leaderId >= 0 ? 'follower' : 'none'
    const before = this.#role
    const isNewEpoch = leaderEpoch !== this.#roleEpoch
    const isNew = role !== before || isNewEpoch
    if (before === 'leader' && role !== 'leader') this.#leave()
    this.#role = role
    this.#roleEpoch = leaderEpoch
    if (role === 'leader') this.#lead(isNew)
    else if (isNew && role === 'follower') {
      if (isNewEpoch) this.#leaders = { highWatermark: this.highWatermark.value, logStartOffset: 0 }
      this.log.forgetEmptyEpochs()
    }
    if (isNew || this.damagedFrom !== null) this.#context.changed(this, before)
  }

  #lead(isNew: boolean): void {
    const { log } = this
    if (isNew) log.startEpoch(this.#roleEpoch)
    this.#leadership ??= new Leadership(this.#context.rules)
    this.#leadership.update(this.#state, log.logEndOffset, this.#context.clock.monotonic())
    this.#advance()
  }

  /** Whoever waits on this role is told. */
  #leave(): void {
    this.#role = 'none'
    if (!this.#leadership) return
    this.#leadership = null
    const failure = new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
    this.highWatermark.interrupt(failure)
    this.#context.grew()
    this.#lowWatermarkMoved()
  }

  #propose(proposal: IsrProposal | null): void {
    const leadership = this.#leadership
    if (!proposal || !leadership) return
    this.#context.isrUpdates.submit({
      topicId: this.topicId,
      index: this.index,
      proposal,
      isCurrent: () => this.#leadership === leadership && leadership.proposal === proposal,
      answered: answer => this.#isrAnswered(leadership, proposal, answer),
    })
  }

  /** True when it should be asked again. */
  #isrAnswered(leadership: Leadership, proposal: IsrProposal, answer: IsrAnswer): boolean {
    switch (answer.errorCode) {
      case Errors.NONE: {
        const { isr, partitionEpoch, leaderEpoch } = answer
        if (leaderEpoch !== this.leaderEpoch || !leadership.answered(proposal, isr, partitionEpoch)) return false
        this.#state = { ...this.#state, isr, partitionEpoch }
        this.#advance()
        return false
      }
      case Errors.OPERATION_NOT_ATTEMPTED:
      case Errors.INELIGIBLE_REPLICA:
        leadership.withdraw(proposal)
        this.#advance()
        return false
      // The controller knows more than this broker: metadata will tell, and end the proposal.
      case Errors.UNKNOWN_TOPIC_OR_PARTITION:
      case Errors.UNKNOWN_TOPIC_ID:
      case Errors.FENCED_LEADER_EPOCH:
      case Errors.INVALID_UPDATE_VERSION:
      case Errors.INVALID_REQUEST:
      case Errors.NEW_LEADER_ELECTED:
        return false
      default:
        return true
    }
  }

  #advance(): void {
    const durable = this.log.durable.value
    const committed =
      this.#leadership?.committedOffset(
        durable,
        this.log.logEndOffset,
        this.log.config.minInsyncReplicas,
        this.#context.clock.monotonic(),
      ) ?? (this.#role === 'follower' ? Math.min(this.#leaders.highWatermark, durable) : null)
    if (committed === null || committed <= this.highWatermark.value) return
    this.log.highWatermark = committed
    this.highWatermark.advance(committed)
    if (this.#context.tellsWatermarks && this.#leadership?.hasFollowers) this.#context.grew()
    // It could not start beyond what was committed.
    if (this.#role === 'follower' && this.#leaders.logStartOffset > this.log.logStartOffset) {
      this.log.followLogStart(this.#leaders.logStartOffset)
    }
  }

  #followDurable(): void {
    const { durable } = this.log
    this.#durableWaiter = durable.reached(durable.value + 1, failure => {
      if (this.#closed) return
      if (failure) return this.highWatermark.fail(failure)
      this.#advance()
      this.#followDurable()
    })
  }

  /** The log begins anew, maybe far ahead: so does what is committed. */
  #restartWatermark(): void {
    this.highWatermark.reset(this.log.logStartOffset)
    this.log.highWatermark = this.log.logStartOffset
  }

  #lowWatermarkReached(offset: number, timeoutMs: number): Promise<boolean> {
    if (this.lowWatermark >= offset) return Promise.resolve(true)
    return new Promise((resolve, reject) => {
      const waiter = {
        offset,
        run: () => {
          cancel()
          if (this.isLeader) resolve(true)
          else reject(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER))
        },
      }
      const cancel = this.#context.clock.after(timeoutMs, () => {
        this.#lowWatermarkWaiters = this.#lowWatermarkWaiters.filter(other => other !== waiter)
        resolve(false)
      })
      this.#lowWatermarkWaiters.push(waiter)
    })
  }

  #lowWatermarkMoved(): void {
    if (this.#lowWatermarkWaiters.length === 0) return
    const low = this.isLeader ? this.lowWatermark : Number.POSITIVE_INFINITY
    const ready = this.#lowWatermarkWaiters.filter(({ offset }) => offset <= low)
    this.#lowWatermarkWaiters = this.#lowWatermarkWaiters.filter(({ offset }) => offset > low)
    for (const { run } of ready) run()
  }
}
