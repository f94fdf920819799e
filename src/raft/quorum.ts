/**
 * The metadata log as a quorum keeps it (KRaft): drives the pure core with what disk, network and clock bring, and does
 * what it asks for. A node that is the only voter is the same code: it leads at once.
 *
 * Two promises hold everything together: what was voted and which epoch was seen is durable before any answer or request
 * tells of it, and a fetch acknowledges only what is durable here.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildControlBatch, type ControlRecord } from '../../protocol/records/control.ts'
import type { Endpoint, Host } from '../host/host.ts'
import { Watermark } from '../lib/watermark.ts'
import type { Log } from '../log/log.ts'
import type { LogEntry, ReplicatedLog } from '../machine/machine.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { PeerError } from '../network/peers.ts'
import { RaftCore } from './core/core.ts'
import type { DurableElection, Effect, Send } from './core/effects.ts'
import { storedVoters } from './core/epoch-records.ts'
import type { Silence } from './core/messages.ts'
import { type NamedAddress, noDirectory } from './core/replica-key.ts'
import { defaultQuorumTimeouts, type QuorumTimeouts } from './core/timeouts.ts'
import type { Change } from './core/voter-changes.ts'
import type { VoterSet } from './core/voter-set.ts'
import { FollowerLog } from './follower-log.ts'
import { LogOnDisk, readLog } from './log-on-disk.ts'
import { describeQuorumOf, type QuorumDescription } from './quorum-description.ts'
import { QuorumRequests } from './quorum-requests.ts'
import { isExpected, kraftVersions, type Setup, type StaticVoter, setUp } from './quorum-setup.ts'
import { QuorumStateFile } from './quorum-state.ts'
import { RaftTimer } from './raft-timer.ts'
import { encodeSnapshot, type SnapshotId } from './snapshot-file.ts'
import { type RaftSend, sendOut } from './wire-out.ts'

export type { QuorumDescription } from './quorum-description.ts'
export { QuorumError } from './quorum-setup.ts'

export interface QuorumOptions {
  readonly host: Host
  /** `__cluster_metadata-0`, opened and recovered. */
  readonly log: Log
  readonly nodeId: number
  /** Id of the log directory that holds the log; null in one formatted before directories had ids. */
  readonly directoryId: string | null
  /** Needed where there are others. */
  readonly clusterId?: string
  /** The voters by configuration; empty when the log itself names them. */
  readonly voters?: readonly StaticVoter[]
  /** Whom to ask who leads, beside the voters. */
  readonly bootstrapServers?: readonly Endpoint[]
  /** Never votes: a broker without the controller role. */
  readonly observer?: boolean
  /** The listener by which members reach each other. */
  readonly listenerName?: string
  /** Where this node listens for other members. */
  readonly endpoints?: readonly NamedAddress[]
  readonly timeouts?: Partial<QuorumTimeouts>
  readonly autoJoin?: boolean
  readonly fetchBytesMax?: number
  readonly snapshotBytesMax?: number
  /** Bytes of log and snapshots that are kept for others; without it, only what the newest snapshot leaves. */
  readonly retention?: { readonly bytes: number }
  /** How requests leave this node; without it, this node is the whole quorum. */
  readonly peers?: RaftSend
}

export interface LeaderAndEpoch {
  /** -1: nobody is known to lead. */
  readonly leaderId: number
  readonly epoch: number
}

/** Told right after what it tells of. Must not throw. */
export interface QuorumListener {
  leaderChanged?(to: LeaderAndEpoch): void
  /** This node leads, and the first record of its epoch is committed: whatever was committed before is known here. */
  elected?(epoch: number): void
  resigned?(epoch: number): void
  /** The log begins with this snapshot now: what was learned before gives way to it. */
  snapshotInstalled?(id: SnapshotId, records: readonly MetadataRecord[]): void
}

/** Largest batch of the metadata log, as in Kafka. */
export const metadataBatchBytesMax = 8 << 20
const resignTimeoutMs = 1000

export class Quorum implements ReplicatedLog {
  readonly nodeId: number
  readonly directoryId: string
  readonly clusterId: string
  /** Offsets below are committed, as far as this node knows. */
  readonly committed: Watermark
  /** What the snapshot holds that this start began with: the state before `logStartOffset`. Empty without one. */
  readonly snapshotRecords: readonly MetadataRecord[]
  readonly snapshotId: SnapshotId | null
  /** Where the state machine begins to read: after that snapshot. */
  readonly logStartOffset: number
  /** What other members, and those who administer them, ask of this one. */
  readonly requests: QuorumRequests
  readonly #host: Host
  readonly #log: Log
  readonly #setup: Setup
  readonly #options: QuorumOptions
  readonly #core: RaftCore
  readonly #timer: RaftTimer
  readonly #stateFile: QuorumStateFile
  readonly #disk: FollowerLog
  readonly #listeners = new Set<QuorumListener>()
  readonly #changes = new Map<number, (outcome: { error: ErrorCode; message: string | null }) => void>()
  readonly #waiting = new Set<() => void>()
  /** What must be durable before anything leaves this node; null when nothing is being written. */
  #persisting: Promise<void> | null = null
  #isPerforming = false
  #isWaking = false
  #electedEpoch = -1
  #toldLeader: LeaderAndEpoch = { leaderId: -1, epoch: -1 }
  #failure: KafkaError | null = null

  private constructor(options: QuorumOptions, setup: Setup) {
    const { host, log, nodeId, listenerName = '', endpoints = [] } = options
    const timeouts = { ...defaultQuorumTimeouts, ...options.timeouts }
    this.nodeId = nodeId
    this.directoryId = options.directoryId ?? noDirectory
    this.clusterId = options.clusterId ?? ''
    this.committed = new Watermark(setup.replayFrom)
    this.snapshotRecords = setup.snapshot?.records ?? []
    this.snapshotId = setup.snapshotId
    this.logStartOffset = setup.replayFrom
    this.#host = host
    this.#log = log
    this.#setup = setup
    this.#options = options
    this.#stateFile = new QuorumStateFile(host.disk, log.directory)
    this.#core = new RaftCore({
      self: { id: nodeId, directoryId: this.directoryId },
      canVote: !options.observer,
      history: setup.history,
      log: new LogOnDisk(log, setup.snapshots),
      timeouts,
      random: host.random,
      bootstrap: options.bootstrapServers ?? [],
      listenerName,
      endpoints,
      kraftVersions,
      autoJoin: options.autoJoin ?? false,
      highWatermark: setup.replayFrom,
    })
    this.#disk = new FollowerLog({
      log,
      snapshots: setup.snapshots,
      logger: host.log,
      step: run => {
        if (!this.#failure) this.#step(run)
      },
      failed: error => this.#storageFailed(error),
      installed: (id, records) => {
        for (const listener of [...this.#listeners]) listener.snapshotInstalled?.(id, records)
      },
    })
    this.requests = new QuorumRequests({
      clusterId: this.clusterId,
      log,
      snapshots: setup.snapshots,
      clock: host.clock,
      step: run => this.#step(run),
      told: () => this.#told(),
      changed: waitMs => this.#changed(waitMs),
      change: begin => this.#change(begin),
    })
    const pauseMs = Math.max(50, timeouts.electionTimeoutMs / 5)
    const limits = { pauseMs, graceMs: timeouts.fetchTimeoutMs / 4, pausesInRowMax: 3 }
    this.#timer = new RaftTimer(host.clock, limits, () => this.#step((core, nowMs) => core.tick(nowMs)))
  }

  /**
   * Reads what is there and takes part from now on. Does not wait for a leader, unless this node is the only voter: then
   * it leads a new epoch, durably, when this resolves. Throws QuorumError, QuorumStateError, SnapshotError, KafkaError and
   * DiskError.
   */
  static async open(options: QuorumOptions): Promise<Quorum> {
    const { listenerName = '', endpoints = [], voters = [] } = options
    const setup = await setUp({ ...options, listenerName, endpoints, voters, isAlone: !options.peers })
    const quorum = new Quorum(options, setup)
    quorum.#disk.watch()
    quorum.#step((core, nowMs) => core.start(setup.election, nowMs))
    await quorum.#persisting
    if (quorum.isLeader) {
      await quorum.committed.whenReached(quorum.logEndOffset)
    }
    return quorum
  }

  get leaderId(): number {
    return this.#core.role.kind === 'resigned' ? -1 : this.#core.leaderId
  }

  get leaderEpoch(): number {
    return this.#core.epoch
  }

  get isLeader(): boolean {
    return this.#core.role.kind === 'leader'
  }

  /** Level of the feature kraft.version: 1 when the voters are in the log itself. */
  get kraftVersion(): number {
    return this.#setup.history.kraftVersion
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset
  }

  get voters(): VoterSet {
    return this.#core.voters
  }

  /** Where the leader listens for other nodes; null when that is not known. */
  leaderEndpoint(): Endpoint | null {
    return this.leaderId < 0 ? null : this.#core.leaderAddress
  }

  /** Hears of every change from now on, and right away of what is known already. Returns how to stop. */
  listen(listener: QuorumListener): () => void {
    this.#listeners.add(listener)
    if (this.#toldLeader.leaderId >= 0) listener.leaderChanged?.(this.#toldLeader)
    if (this.isLeader && this.#electedEpoch === this.leaderEpoch) listener.elected?.(this.leaderEpoch)
    return () => this.#listeners.delete(listener)
  }

  append(entries: readonly LogEntry[], timestampMs: number): number {
    if (!this.isLeader || this.#failure) throw new KafkaError(Errors.NOT_CONTROLLER)
    const batch = buildBatch({ records: entries, baseTimestamp: timestampMs })
    if (batch.length > metadataBatchBytesMax) throw new KafkaError(Errors.RECORD_LIST_TOO_LARGE)
    return this.#append(batch, this.leaderEpoch)
  }

  async read(offset: number, bytesMax: number): Promise<Buffer> {
    return readLog(this.#log, offset, bytesMax)
  }

  /** Throws KafkaError NOT_LEADER_OR_FOLLOWER where this node doesn't lead: only the leader knows of all. */
  describe(): QuorumDescription {
    return describeQuorumOf(this.#core, {
      self: { id: this.nodeId, directoryId: this.directoryId },
      logEndOffset: this.logEndOffset,
      nowMs: this.#timer.now(),
      wallMs: this.#host.clock.now(),
      endpoints: this.#options.endpoints ?? [],
    })
  }

  /** Raises kraft.version: the voters move from the configuration into the log. Throws KafkaError. */
  async upgradeVersion(level: number): Promise<void> {
    const { error, message } = await this.#change((core, nowMs) => core.upgrade(level, nowMs))
    if (error !== Errors.NONE) throw new KafkaError(error, message)
  }

  /**
   * Makes a snapshot of a state that holds everything before `id.endOffset`, then lets go of what is not kept besides.
   * Throws DiskError and KafkaError.
   */
  async saveSnapshot(id: SnapshotId, records: Iterable<MetadataRecord>, lastTimestampMs: number): Promise<void> {
    const { endOffset } = id
    const epoch = this.#log.epochs.epochForOffset(endOffset - 1) ?? id.epoch
    const { voters, kraftVersion } = this.#setup.history.before(endOffset)
    const content = { records, kraftVersion, voters: voters && storedVoters(voters), lastTimestampMs }
    const bytes = encodeSnapshot(content, epoch, this.#host.clock.now())
    await this.#setup.snapshots.save({ endOffset, epoch }, bytes)
    await this.#clean()
  }

  /** Lets go of old snapshots, and of the log that only they needed; what is kept spares others that are behind a snapshot. */
  async #clean(): Promise<void> {
    const { retention } = this.#options
    const { snapshots } = this.#setup
    while (!retention || this.#log.sizeBytes + (await snapshots.sizeBytes()) > retention.bytes) {
      const { earliest, latest, second } = snapshots
      const upTo = retention ? (second ?? earliest) : latest
      if (!upTo) return
      if (upTo.endOffset > this.#log.logStartOffset && upTo.endOffset <= this.committed.value) {
        await this.#log.deleteRecordsBefore(upTo.endOffset)
        await this.#log.enforceRetention()
      }
      if (upTo === earliest) return
      await snapshots.removeBefore(upTo.endOffset)
    }
  }

  /** Hands over if it leads, and takes no part any more. The log itself is closed with the others. */
  async close(): Promise<void> {
    if (!this.#failure && this.#step((core, nowMs) => core.resign(nowMs))) {
      const deadlineMs = this.#host.clock.monotonic() + resignTimeoutMs
      while (this.#isHandingOver() && this.#host.clock.monotonic() < deadlineMs) await this.#changed(50)
    }
    await this.#persisting?.catch(() => {})
    this.#stop(new KafkaError(Errors.NOT_CONTROLLER, 'the node stops'))
    await this.#setup.snapshots.dropArriving()
  }

  /** Why this node takes no part any more; null while it does. */
  get failure(): KafkaError | null {
    return this.#failure
  }

  /** One event: what the core decides on it is done before this returns, as far as it can be done at once. */
  #step<T>(run: (core: RaftCore, nowMs: number) => T): T {
    const nowMs = this.#timer.now()
    const result = run(this.#core, nowMs)
    this.#perform()
    return result
  }

  /** Resolves when whatever was decided so far may be told. Rejects with KafkaError. */
  async #told(): Promise<void> {
    if (this.#failure) throw this.#failure
    await this.#persisting
    if (this.#failure) throw this.#failure
  }

  /** Resolves at the next change of log, leader or high watermark, or after `waitMs`. */
  #changed(waitMs: number): Promise<void> {
    return new Promise(resolve => {
      const settle = () => {
        cancel()
        this.#waiting.delete(settle)
        resolve()
      }
      const cancel = this.#host.clock.after(waitMs, settle)
      this.#waiting.add(settle)
    })
  }

  /** Resolves with what came of a change of voters. Never rejects. */
  async #change(
    begin: (core: RaftCore, nowMs: number) => Change,
  ): Promise<{ error: ErrorCode; message: string | null }> {
    if (this.#failure) return { error: Errors.NOT_LEADER_OR_FOLLOWER, message: null }
    const outcome = await new Promise<{ error: ErrorCode; message: string | null }>(resolve => {
      this.#step((core, nowMs) => {
        const change = begin(core, nowMs)
        if ('ticket' in change) this.#changes.set(change.ticket, resolve)
        else resolve(change.outcome)
      })
    })
    await this.#persisting?.catch(() => {})
    return outcome
  }

  #perform(): void {
    if (this.#isPerforming) return
    this.#isPerforming = true
    try {
      for (let effects = this.#core.takeEffects(); effects.length > 0; effects = this.#core.takeEffects()) {
        for (const effect of effects) if (!this.#failure) this.#execute(effect)
      }
    } finally {
      this.#isPerforming = false
    }
    if (!this.#failure) this.#timer.set(this.#core.deadlineMs)
  }

  #execute(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        return this.#persist(effect.state)
      case 'send':
        return this.#send(effect.send)
      case 'append':
        return this.#appendOwn(effect.records, effect.epoch)
      case 'appendFetched':
        return this.#disk.append(effect.records, effect.epoch)
      case 'truncate':
        return this.#disk.truncate(effect.offset)
      case 'writePiece':
        return this.#disk.writePiece(effect)
      case 'highWatermark':
        this.#log.highWatermark = effect.offset
        this.committed.advance(effect.offset)
        return this.#wake()
      case 'leader':
        return this.#tellLeader()
      case 'elected':
        this.#electedEpoch = effect.epoch
        for (const listener of [...this.#listeners]) listener.elected?.(effect.epoch)
        return
      case 'resigned':
        for (const listener of [...this.#listeners]) listener.resigned?.(effect.epoch)
        return this.#wake()
      case 'changed':
        this.#changes.get(effect.ticket)?.(effect.outcome)
        this.#changes.delete(effect.ticket)
    }
  }

  #appendOwn(records: readonly ControlRecord[], epoch: number): void {
    try {
      this.#append(buildControlBatch({ records, timestampMs: this.#host.clock.now() }), epoch)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#host.log.warn({ epoch, error: error.message }, 'the leader of the metadata quorum cannot write')
      this.#core.appendRefused(this.#timer.now())
    }
  }

  #tellLeader(): void {
    const { leaderId, leaderEpoch: epoch } = this
    this.#wake()
    if (leaderId === this.#toldLeader.leaderId && epoch === this.#toldLeader.epoch) return
    this.#toldLeader = { leaderId, epoch }
    this.#host.log.info({ leaderId, epoch, role: this.#core.role.kind }, 'the leader of the metadata quorum changed')
    for (const listener of [...this.#listeners]) listener.leaderChanged?.(this.#toldLeader)
  }

  #persist({ epoch, leaderId, votedFor, kraftVersion, voterIds }: DurableElection): void {
    const writing = this.#stateFile
      .write({
        leaderId,
        leaderEpoch: epoch,
        votedId: votedFor?.id ?? -1,
        votedDirectoryId: votedFor?.directoryId ?? null,
        version: kraftVersion > 0 ? 1 : 0,
        voters: voterIds,
      })
      .catch(error => {
        this.#log.fail(error)
        this.#stop(new KafkaError(Errors.KAFKA_STORAGE_ERROR, String(error)))
      })
      .finally(() => {
        if (this.#persisting === writing) this.#persisting = null
      })
    this.#persisting = writing
  }

  #send(send: Send): void {
    const { peers, fetchBytesMax = 1 << 20, snapshotBytesMax = 1 << 20 } = this.#options
    if (!peers) return
    const go = () => {
      if (this.#failure) return
      sendOut(peers, send, { clusterId: this.clusterId, fetchBytesMax, snapshotBytesMax }).then(
        answer => this.#failure || this.#step((core, nowMs) => core.answered(send, answer, nowMs)),
        error => {
          if (!isExpected(error)) throw error
          const reason = silenceOf(error)
          this.#host.log.debug({ error: error.message, to: send.to, asked: send.body.kind }, 'a member does not answer')
          if (!this.#failure) this.#step((core, nowMs) => core.answered(send, { kind: 'none', reason }, nowMs))
        },
      )
    }
    if (this.#persisting) this.#persisting.then(go)
    else go()
  }

  #append(batch: Buffer, leaderEpoch: number): number {
    const { firstOffset } = this.#log.append(batch, { leaderEpoch, origin: 'coordinator', requestVersion: 0 })
    this.#wake()
    return firstOffset
  }

  #storageFailed(error: Error): void {
    if (!this.#failure) this.#stop(new KafkaError(Errors.KAFKA_STORAGE_ERROR, error.message))
  }

  #isHandingOver(): boolean {
    const { role } = this.#core
    return role.kind === 'resigned' && role.unacknowledged.size > 0
  }

  /** Those who wait for news look again; what one turn of the event loop brings is one piece of news. */
  #wake(): void {
    if (this.#isWaking || this.#waiting.size === 0) return
    this.#isWaking = true
    this.#host.clock.soon(() => {
      this.#isWaking = false
      for (const run of [...this.#waiting]) run()
    })
  }

  #stop(failure: KafkaError): void {
    if (this.#failure) return
    const led = this.isLeader
    this.#failure = failure
    this.#timer.clear()
    this.#disk.close()
    if (led) for (const listener of [...this.#listeners]) listener.resigned?.(this.leaderEpoch)
    for (const settle of this.#changes.values()) settle({ error: Errors.NOT_LEADER_OR_FOLLOWER, message: null })
    this.#changes.clear()
    for (const run of [...this.#waiting]) run()
  }
}

function silenceOf(error: unknown): Silence {
  if (!(error instanceof PeerError)) return 'unreachable'
  if (error.reason === 'version') return 'version'
  return error.refused ? 'refused' : 'unreachable'
}
