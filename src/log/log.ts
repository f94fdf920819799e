/**
 * One partition on disk. `append` checks a batch, gives it its offsets and queues it for the disk, all in one call; the
 * write loop moves the watermarks `written` and `durable` when the bytes are where they belong.
 *
 * Nothing in memory changes before every reason to refuse a batch is ruled out, and nothing that was given an offset is
 * taken back: a full disk makes it wait, any other failure takes the log directory offline.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import {
  baseOffset,
  batchBytes,
  largestRecordTimestamp,
  lastOffset,
  lastOffsetDelta,
  partitionLeaderEpoch,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from '../../protocol/records/batch.ts'
import { validateForAppend } from '../../protocol/records/validate.ts'
import { DiskError } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import type { Watermark } from '../lib/watermark.ts'
import { checkReplicated, duplicateOf, producerBatchOf } from './append-checks.ts'
import { Compactable } from './compaction/compactable.ts'
import type { EpochEnd, EpochEntry, LeaderEpochs } from './leader-epochs.ts'
import { LogAging } from './log-aging.ts'
import { type LogConfig, segmentMsOf } from './log-config.ts'
import { LogProgress } from './log-progress.ts'
import { LogReader, type ReadRequest, type ReadResult, type SegmentTime, type TimestampedOffset } from './log-reader.ts'
import type { LogServices } from './log-services.ts'
import type { AppendInfo, AppendOptions, LogState } from './log-state.ts'
import type { AppendOrigin, ProducerBatch, ProducerState } from './producer-state.ts'
import { LogScrub } from './scrub.ts'
import type { CorruptRange, Segment } from './segment.ts'
import { SegmentStore } from './segment-store.ts'
import type { SegmentList } from './segments.ts'
import { finalUnlessFull, finalUnlessGone, ignoreFull } from './storage-errors.ts'
import { ownBytes, TailCache } from './tail-cache.ts'
import { WriteLoop } from './write-loop.ts'

export type { LogConfig } from './log-config.ts'
export type { LentBuffer, ReadRequest, ReadResult, TimestampedOffset } from './log-reader.ts'
export type { AppendInfo, AppendOptions, LogState } from './log-state.ts'
export type { ActiveProducer, AppendOrigin } from './producer-state.ts'

export class Log {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Path of the partition's directory. */
  readonly directory: string
  /** Offsets below have been given out: the next record gets this one. */
  readonly end: Watermark
  /** Offsets below are in the page cache. */
  readonly written: Watermark
  /** Offsets below are durable under the flush settings: synced, unless those settings say that the page cache counts. */
  readonly durable: Watermark
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly compaction: Compactable
  /** The high watermark that the last checkpoint knew of; where a leader starts from. */
  readonly checkpointedHighWatermark: number
  readonly scrub: LogScrub
  readonly #services: LogServices
  readonly #segments: SegmentList
  readonly #store: SegmentStore
  readonly #tail: TailCache
  readonly #progress: LogProgress
  readonly #loop: WriteLoop
  readonly #reader: LogReader
  readonly #aging: LogAging
  /** Null until somebody replicates this log: then what is durable is committed. */
  #highWatermark: number | null = null
  #logStartOffset: number
  #closedCleanly = false
  #changedSinceOpen = false

  constructor(state: LogState) {
    this.topic = state.topic
    this.partition = state.partition
    this.topicId = state.topicId
    this.epochs = state.epochs
    this.producers = state.producers
    this.checkpointedHighWatermark = state.highWatermark
    this.#services = state.services
    this.#segments = state.segments
    this.#store = new SegmentStore(state)
    this.directory = state.directory
    this.#logStartOffset = state.logStartOffset
    const { limits, host, tailBudget } = state.services
    this.#tail = new TailCache(tailBudget, limits.tailCachePerLogBytes, state.logEndOffset)
    this.#progress = new LogProgress(state.services, this.#tail, state.logEndOffset)
    this.end = this.#progress.end
    this.written = this.#progress.written
    this.durable = this.#progress.durable
    this.#loop = new WriteLoop(host.clock, limits, this.#progress, this.#store)
    this.scrub = new LogScrub(state, this.#store, this.#progress, this.#loop)
    this.#reader = new LogReader(state, this.#tail, this.#store, this.scrub)
    const parts = { state, store: this.#store, reader: this.#reader, tail: this.#tail }
    this.compaction = new Compactable(this, parts)
    this.#aging = new LogAging(
      this,
      { ...parts, loop: this.#loop, progress: this.#progress },
      {
        logStartsAt: offset => this.#raiseLogStart(offset),
        readFailed: this.#readFailed,
      },
    )
  }

  /** May be replaced at any time. */
  get config(): LogConfig {
    return this.#store.config
  }

  set config(config: LogConfig) {
    this.#store.config = config
  }

  /** Path of the log directory that holds it. */
  get logDirectory(): string {
    return this.#services.directory.path
  }

  get logStartOffset(): number {
    return this.#logStartOffset
  }

  get logEndOffset(): number {
    return this.end.value
  }

  /** Offsets below are synced: where recovery has to begin after a crash. */
  get recoveryPoint(): number {
    return this.#progress.syncedOffset
  }

  /**
   * Offsets below are committed: retention goes no further, and the checkpoint of high watermarks holds it. Without
   * replicas it is what is durable; whoever replicates the log sets it.
   */
  get highWatermark(): number {
    return this.#highWatermark ?? this.durable.value
  }

  /** What the checkpoint of high watermarks says of this log. While nobody has taken it up, what it said before. */
  get highWatermarkToKeep(): number {
    return this.#highWatermark ?? this.checkpointedHighWatermark
  }

  set highWatermark(offset: number) {
    this.#highWatermark = offset
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes
  }

  /** Bytes that wait for the disk. */
  get queuedBytes(): number {
    return this.#loop.queuedBytes
  }

  /** Why this log cannot be used any more; null while it can. */
  get failure(): KafkaError | null {
    return this.#progress.failure
  }

  /** Whether what this log says of its offsets may go into the checkpoints. */
  get isTrusted(): boolean {
    return this.failure === null || this.#closedCleanly
  }

  get segmentBaseOffsets(): number[] {
    return this.#segments.all.map(segment => segment.baseOffset)
  }

  segmentTimes(): Promise<SegmentTime[]> {
    return this.#reader.segmentTimes(this.#logStartOffset)
  }

  get firstSegmentOffset(): number {
    return this.#segments.first.baseOffset
  }

  /** Ranges of offsets whose records are damaged: readers get CORRUPT_MESSAGE there. */
  get corruptRanges(): CorruptRange[] {
    return this.#segments.all.flatMap(segment => segment.corrupt)
  }

  get latestEpoch(): EpochEntry | null {
    return this.epochs.latest
  }

  /**
   * Appends one batch as the leader. `records` is patched in place and kept: it must not change afterwards. Throws
   * KafkaError for everything that a client can get wrong, and KAFKA_STORAGE_ERROR while the directory is offline or
   * nearly full; then nothing has changed.
   */
  append(records: Buffer, options: AppendOptions): AppendInfo {
    this.#admit(records.length, options.origin)
    const nowMs = this.#services.host.clock.now()
    const checked = validateForAppend(records, { ...options, nowMs, config: this.config })
    const batch = checked.buffer
    const producer = producerBatchOf(batch)
    if (producer !== null) {
      const known = this.producers.check(producer, options.origin, {
        transactionVersion: options.transactionVersion ?? 0,
        guard: options.verificationGuard,
      })
      if (known) return duplicateOf(known, this.#logStartOffset)
    }
    const firstOffset = this.end.value
    if (firstOffset + lastOffsetDelta(batch) >= Number.MAX_SAFE_INTEGER) throw new KafkaError(Errors.INVALID_RECORD)
    setBaseOffset(batch, 0, firstOffset)
    setPartitionLeaderEpoch(batch, 0, options.leaderEpoch)
    this.#place(batch, producer, nowMs)
    return {
      firstOffset,
      lastOffset: this.end.value - 1,
      logAppendTimeMs: checked.logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      duplicate: false,
    }
  }

  /**
   * Appends what the leader of `leaderEpoch` sent: whole batches that have their offsets. Batches of a later epoch and
   * an incomplete last one are left out. The new log end offset. Throws KafkaError, and then appended nothing.
   */
  appendAsFollower(records: Buffer, leaderEpoch: number): number {
    this.#admit(records.length, 'replication')
    const nowMs = this.#services.host.clock.now()
    for (const at of checkReplicated(records, this.end.value, leaderEpoch)) {
      const batch = records.subarray(at, at + batchBytes(records, at))
      this.#place(batch, producerBatchOf(batch), nowMs)
    }
    return this.end.value
  }

  /** Batches from `offset` on, at once when in memory. Fails: OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR. */
  read(request: ReadRequest): ReadResult | Promise<ReadResult> {
    this.#checkUsable()
    if (request.offset < this.#logStartOffset || request.offset > this.end.value) {
      const detail = `offset ${request.offset}, the log has ${this.#logStartOffset} to ${this.end.value}`
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE, detail)
    }
    const result = this.#reader.read(request, this.written.value)
    return result instanceof Promise ? result.catch(this.#readFailed) : result
  }

  /** The first record that is not older than `timestamp` (milliseconds), null when there is none. Throws KafkaError. */
  async offsetForTimestamp(timestamp: number): Promise<TimestampedOffset | null> {
    await this.#writtenUpToNow()
    return this.#reader.offsetForTimestamp(timestamp, this.#logStartOffset).catch(this.#readFailed)
  }

  /** The first record that has the largest timestamp of all, null when none has any. Throws KafkaError. */
  async maxTimestamp(): Promise<TimestampedOffset | null> {
    await this.#writtenUpToNow()
    return this.#reader.maxTimestamp().catch(this.#readFailed)
  }

  /** Where records of `epoch` end, for those who compare histories; null when it is unknown. */
  endOffsetForEpoch(epoch: number): EpochEnd | null {
    return this.epochs.endOffsetFor(epoch, this.end.value)
  }

  /** This broker becomes leader: records from here on belong to `epoch`. Saved with the first of them, or a checkpoint. */
  startEpoch(epoch: number): void {
    const latest = this.epochs.latest
    if (!latest || latest.epoch < epoch) this.epochs.assign(epoch, this.end.value)
  }

  /** This broker leads no more: an epoch that it led without writing anything is nobody's. */
  forgetEmptyEpochs(): void {
    this.epochs.truncateFromEnd(this.end.value)
  }

  /** The leader's log starts at `offset`, which is committed: so does this one. Durable with the next checkpoint. */
  followLogStart(offset: number): void {
    this.#raiseLogStart(Math.min(offset, this.highWatermark))
  }

  /** Read-committed consumers may read up to here: neither beyond the high watermark nor into an open transaction. */
  lastStableOffset(highWatermark: number): number {
    return Math.min(highWatermark, this.producers.firstUnstableOffset(highWatermark) ?? highWatermark)
  }

  /** All that was appended before is synced when it resolves. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  flush(): Promise<void> {
    return this.#loop.flush()
  }

  /**
   * Records before `offset` are gone; their segments go with the next retention. Throws KafkaError OFFSET_OUT_OF_RANGE
   * beyond the high watermark, KAFKA_STORAGE_ERROR. Durable when it resolves.
   */
  async deleteRecordsBefore(offset: number): Promise<void> {
    this.#checkUsable()
    if (offset > this.highWatermark) {
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE, `high watermark is ${this.highWatermark}`)
    }
    this.#raiseLogStart(offset)
    await this.#services.saveLogStarts().catch(error => finalUnlessFull(error, this.fail))
  }

  /**
   * Removes what retention says: by log start offset, by time, by size; the active segment is rolled first when it has
   * expired itself. Resolves when the names are gone. Rejects with KafkaError KAFKA_STORAGE_ERROR.
   */
  enforceRetention(): Promise<number> {
    return this.#aging.enforceRetention()
  }

  /** Rolls an active segment whose records have waited for compaction for as long as they may. */
  rollOverdue(): Promise<void> {
    return this.#aging.rollOverdue()
  }

  /** Forgets idempotent producers that were idle for long. */
  expireProducers(): void {
    this.producers.expire(this.#services.host.clock.now(), this.#services.producerIdExpirationMs())
  }

  /**
   * Cuts off every batch that ends at or after `offset`. Nobody may append meanwhile. Durable when it resolves. Waiters
   * on the watermarks for what is cut off must have been told before.
   */
  async truncateTo(offset: number): Promise<void> {
    if (offset >= this.end.value) return
    const end = await this.#reader.batchStart(offset, this.end.value, this.written.value).catch(this.#readFailed)
    await this.#cut(end, async () => {
      const cut = await this.#store.cutTo(Math.max(end, this.#segments.first.baseOffset))
      this.epochs.truncateFromEnd(cut)
      await this.#endMoved(cut)
    })
  }

  /** Throws everything away: the log is empty and begins at `offset`. As `truncateTo` otherwise. */
  async truncateFullyAndStartAt(offset: number): Promise<void> {
    await this.#cut(Math.min(offset, this.#logStartOffset), async () => {
      await this.#store.restartAt(offset)
      this.epochs.clear()
      this.#logStartOffset = offset
      await this.#endMoved(offset)
    })
  }

  /** Leader epochs that are not saved yet are durable when it resolves. Rejects with DiskError. */
  saveEpochs(): Promise<void> {
    return this.epochs.save(this.end.value)
  }

  /**
   * Writes what is queued, syncs it and saves indexes and producer state, so that the next start need not scan. False
   * when something of it could not be saved: the start after this must recover.
   */
  async close(): Promise<boolean> {
    await this.compaction.hold()
    let clean = this.failure === null && !this.#progress.isStalled
    if (clean) {
      try {
        await this.#aging.idle()
        await this.#loop.flush()
        if (this.#changedSinceOpen) await this.#store.saveDerived(this.end.value)
        await this.saveEpochs()
      } catch (error) {
        if (!(error instanceof DiskError) && !(error instanceof KafkaError)) throw error
        clean = false
      }
    }
    await this.#release(new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER, 'the log is closed'))
    this.#closedCleanly = clean && this.end.value === this.#progress.syncedOffset
    return this.#closedCleanly
  }

  /** The partition is being deleted: stops everything, forgets what is queued. Its files are Logs' to rename. */
  abandon(): Promise<void> {
    return this.#release(new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, 'the partition is deleted'))
  }

  /** The log directory is to go, or went, offline: everyone who waits is told, nothing is written any more. */
  readonly fail = (error: Error): void => this.#loop.fail(error)

  #checkUsable(): void {
    if (this.failure) throw this.failure
  }

  #admit(bytes: number, origin: AppendOrigin): void {
    this.#checkUsable()
    if (this.#progress.isStalled || (origin === 'client' && !this.#services.space.admits(bytes))) {
      throw new KafkaError(Errors.KAFKA_STORAGE_ERROR, 'the disk is full')
    }
  }

  /** Gives a checked batch its place: from here on nothing can refuse it. */
  #place(batch: Buffer, producer: ProducerBatch | null, nowMs: number): void {
    const first = baseOffset(batch)
    const last = lastOffset(batch)
    const largest = largestRecordTimestamp(batch)
    const epoch = partitionLeaderEpoch(batch)
    const segment = this.#segmentFor(batch, first, last, largest, nowMs)
    const cached = { baseOffset: first, lastOffset: last, position: segment.sizeBytes, bytes: ownBytes(batch) }
    segment.noteBatch(last, largest, batch.length, this.config.indexIntervalBytes)
    this.#changedSinceOpen = true
    if (epoch >= 0 && epoch !== this.epochs.latest?.epoch) this.epochs.assign(epoch, first)
    if (!this.epochs.isSaved) this.#saveEpochs()
    if (producer !== null) {
      const completed = this.producers.apply(producer, first, last, nowMs)
      if (completed?.aborted) {
        const { producerId, firstOffset, lastOffset: markerOffset } = completed
        const lastStableOffset = this.producers.lastStableOffsetAfter(completed)
        segment.aborted?.push({ producerId, firstOffset, lastOffset: markerOffset, lastStableOffset })
      }
    }
    this.#tail.add(cached)
    this.#loop.push(segment, cached)
    this.end.advance(last + 1)
  }

  #segmentFor(batch: Buffer, first: number, last: number, largest: number, nowMs: number): Segment {
    const { active } = this.#segments
    const question = { bytes: batch.length, lastOffset: last, maxTimestamp: largest, nowMs }
    if (!active.mustRoll(question, this.config, segmentMsOf(this.config))) return active
    // A replicated log may leave so large a gap that the new segment has to begin with the batch itself.
    const base = last - this.end.value > 0x7fffffff ? first : this.end.value
    return this.#store.roll(base, nowMs)
  }

  /** After a truncation, inside the write loop: everything that depends on where the log ends. */
  async #endMoved(offset: number): Promise<void> {
    this.#changedSinceOpen = true
    this.#loop.forgetDirty()
    this.#reader.forget()
    this.#progress.reset(offset)
    this.compaction.truncated(offset)
    if (this.#highWatermark !== null) this.#highWatermark = Math.min(this.#highWatermark, offset)
    this.#logStartOffset = Math.min(this.#logStartOffset, offset)
    await this.epochs.save().catch(ignoreFull)
  }

  /** Runs `cut` in the write loop, with the checkpoints lowered before a byte goes. */
  async #cut(offset: number, cut: () => Promise<void>): Promise<void> {
    this.#checkUsable()
    assert(offset >= 0, `truncation to ${offset}`)
    const restore = await this.#services
      .lowerCheckpoints(this, offset)
      .catch(error => finalUnlessFull(error, this.fail))
    const letCompact = await this.compaction.hold()
    try {
      await this.#store.exclusively(() => this.scrub.cutting(() => this.#loop.after(cut)))
    } finally {
      letCompact()
      restore()
    }
  }

  #raiseLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = offset
    this.epochs.truncateFromStart(offset)
    this.producers.logStartMoved(offset)
  }

  #saveEpochs(): void {
    this.epochs
      .save()
      .catch(ignoreFull)
      .catch(error => this.#services.directory.fail(error))
  }

  async #writtenUpToNow(): Promise<void> {
    this.#checkUsable()
    if (this.written.value >= this.end.value) return
    await this.written.whenReached(this.end.value)
  }

  readonly #readFailed = (error: unknown): never => finalUnlessGone(error, this.failure, this.fail)

  async #release(reason: KafkaError): Promise<void> {
    this.#loop.fail(reason)
    await this.compaction.hold()
    // What is still being written would meet files that were renamed or removed (KAFKA-6624).
    await this.#loop.idle()
    await this.epochs.close()
    await this.#aging.idle()
    this.#tail.clear(this.end.value)
    await this.#store.close()
  }
}
