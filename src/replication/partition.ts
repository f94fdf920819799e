/**
 * One partition as this broker serves it: who leads it, in which epoch, and how far its records are committed.
 *
 * A record is committed when it is durable on every in-sync replica (the high watermark). With one replica that is the
 * durable offset of the local log; the watermark is kept apart from it because the in-sync set decides it.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { assert } from '../lib/assert.ts'
import { Watermark } from '../lib/watermark.ts'
import type { AppendInfo, AppendOptions, Log, ReadResult } from '../log/log.ts'
import type { LogEntry, ReplicatedLog } from '../machine/machine.ts'

/** What the cluster's metadata says of a partition. */
export interface PartitionState {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export type Isolation = 'uncommitted' | 'committed' | 'none'

export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly log: Log
  readonly highWatermark: Watermark
  readonly #brokerId: number
  #state: PartitionState
  #closed = false

  constructor(brokerId: number, topicId: string, log: Log, state: PartitionState) {
    this.#brokerId = brokerId
    this.topic = log.topic
    this.topicId = topicId
    this.index = log.partition
    this.log = log
    this.#state = state
    this.highWatermark = new Watermark(log.durable.value)
    log.highWatermark = this.highWatermark.value
    if (this.isLeader) log.startEpoch(state.leaderEpoch)
    this.#follow()
  }

  get state(): PartitionState {
    return this.#state
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch
  }

  get isLeader(): boolean {
    return this.#state.leaderId === this.#brokerId
  }

  /** Metadata changed: a higher leader epoch starts at the log end offset. */
  update(state: PartitionState): void {
    assert(state.partitionEpoch >= this.#state.partitionEpoch, `${this.topic}-${this.index}: partition epoch went back`)
    const epochBefore = this.#state.leaderEpoch
    this.#state = state
    if (this.isLeader && state.leaderEpoch > epochBefore) this.log.startEpoch(state.leaderEpoch)
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
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch)
      throw new KafkaError(Errors.FENCED_LEADER_EPOCH)
    if (currentLeaderEpoch > this.leaderEpoch) throw new KafkaError(Errors.UNKNOWN_LEADER_EPOCH)
    if (!this.isLeader || this.#closed) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  }

  /**
   * Checks, assigns offsets and queues for the disk, all in this call. `acks` -1 asks for enough in-sync replicas first.
   */
  append(records: Buffer, acks: number, origin: AppendOptions['origin'], requestVersion: number): AppendInfo {
    this.fence(-1)
    if (acks === -1 && this.#state.isr.length < this.#minInsyncReplicas()) {
      throw new KafkaError(Errors.NOT_ENOUGH_REPLICAS)
    }
    return this.log.append(records, { leaderEpoch: this.leaderEpoch, origin, requestVersion })
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

  /** Moves the log start offset (null: to the high watermark); resolves to it when it is durable. */
  async deleteRecordsBefore(offset: number | null): Promise<number> {
    this.fence(-1)
    const { cleanupPolicy } = this.log.config
    if (cleanupPolicy.compact && !cleanupPolicy.delete) throw new KafkaError(Errors.POLICY_VIOLATION)
    const target = offset ?? this.highWatermark.value
    if (target < 0 || target > this.highWatermark.value) throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE)
    await this.log.deleteRecordsBefore(target)
    return this.log.logStartOffset
  }

  /** The partition as a log of records, for a state machine that lives in it. */
  asReplicatedLog(): ReplicatedLog {
    return new PartitionLog(this)
  }

  close(failure: Error): void {
    this.#closed = true
    this.highWatermark.fail(failure)
  }

  #minInsyncReplicas(): number {
    return Math.min(this.log.config.minInsyncReplicas, this.#state.replicas.length)
  }

  #follow(): void {
    this.log.durable.reached(this.highWatermark.value + 1, failure => {
      if (this.#closed) return
      if (failure) return this.highWatermark.fail(failure)
      this.log.highWatermark = this.log.durable.value
      this.highWatermark.advance(this.log.durable.value)
      this.#follow()
    })
  }
}

class PartitionLog implements ReplicatedLog {
  readonly #partition: Partition

  constructor(partition: Partition) {
    this.#partition = partition
  }

  get committed(): Watermark {
    return this.#partition.highWatermark
  }

  get logStartOffset(): number {
    return this.#partition.log.logStartOffset
  }

  get logEndOffset(): number {
    return this.#partition.log.logEndOffset
  }

  get leaderEpoch(): number {
    return this.#partition.leaderEpoch
  }

  append(entries: readonly LogEntry[], timestampMs: number): number {
    const batch = buildBatch({ records: entries, baseTimestamp: timestampMs })
    return this.#partition.append(batch, -1, 'coordinator', 0).firstOffset
  }

  async read(offset: number, bytesMax: number): Promise<Buffer> {
    const { chunks } = await this.#partition.log.read({
      offset,
      bytesMax,
      upperOffset: this.#partition.log.logEndOffset,
      minOneBatch: true,
      abortedTransactions: false,
    })
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
  }
}
