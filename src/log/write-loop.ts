/**
 * The one writer of a log. Appends queue their batches here; while one `writev` and its `fdatasync` run the next batches
 * gather, so producers that are in flight together share one sync.
 *
 * Two facts that recovery rests on (recovery.ts):
 * - With synced acknowledgements the next turn starts only after the sync of the one before it succeeded. Bytes that are
 *   not durable therefore lie in the last turn alone.
 * - A segment's file is made only after all of its predecessor is durable.
 *
 * A full disk is not a failure: what was torn is cut off, the batches stay queued, and the write is tried again; nothing
 * that has an offset is ever taken back. A failed sync or any other failed write is final (fsync gate: the kernel forgets
 * dirty pages whose write-back failed, so a second sync would succeed without them).
 */
import { KafkaError } from '../../protocol/errors.ts'
import { type Clock, DiskError, type File } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import type { LogLimits } from './limits.ts'
import { type LogConfig, syncsEveryWrite } from './log-config.ts'
import type { Segment } from './segment.ts'
import { asKafkaError, ignoreFull } from './storage-errors.ts'
import type { CachedBatch } from './tail-cache.ts'

/** What the loop tells of its progress. */
export interface WriteProgress {
  /** All offsets below are in the file (page cache). */
  wroteTo(offset: number): void
  /** All offsets below count as durable under the flush settings. */
  durableTo(offset: number): void
  /** All offsets below are synced. */
  syncedTo(offset: number): void
  /** The disk is full, or a write that found it full is tried again. */
  diskFull(full: boolean): void
  /** A write or a sync failed for good. */
  failed(error: Error): void
}

/** What the loop asks of those who know the files. */
export interface WriteFiles {
  readonly config: LogConfig
  /** Makes the file of a segment that comes after one that is complete and synced. */
  create(segment: Segment): Promise<void>
}

interface Item {
  readonly segment: Segment | null
  readonly batch: CachedBatch | null
  /** Runs between turns, after all that was queued before it. */
  readonly run: (() => Promise<void>) | null
}

interface Turn {
  readonly segment: Segment
  readonly chunks: Buffer[]
  readonly position: number
  readonly items: number
  readonly bytes: number
  readonly nextOffset: number
  readonly messages: number
}

const spent: Item = { segment: null, batch: null, run: null }

export class WriteLoop {
  readonly #clock: Clock
  readonly #limits: LogLimits
  readonly #progress: WriteProgress
  readonly #files: WriteFiles
  #queue: Item[] = []
  #head = 0
  #queuedBytes = 0
  #running = false
  #failure: Error | null = null
  #stalled: (() => void) | null = null
  readonly #waitingForIdle: (() => void)[] = []
  #unsyncedMessages = 0
  #syncTimer = false
  /** The segment that may hold bytes that are not synced, and the offset after them. */
  #dirty: { segment: Segment; nextOffset: number } | null = null

  constructor(clock: Clock, limits: LogLimits, progress: WriteProgress, files: WriteFiles) {
    this.#clock = clock
    this.#limits = limits
    this.#progress = progress
    this.#files = files
  }

  /** Bytes that wait for the disk. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get failure(): Error | null {
    return this.#failure
  }

  /** Queues a batch that has its offset and its place in the segment. */
  push(segment: Segment, batch: CachedBatch): void {
    this.#queuedBytes += batch.bytes.length
    this.#enqueue({ segment, batch, run: null })
  }

  /** Makes the file of `segment` even when no batch follows. False when the disk is too full for it. */
  ensure(segment: Segment): Promise<boolean> {
    return this.after(async () => {
      try {
        if (!segment.onDisk) await this.#create(segment)
      } catch (error) {
        ignoreFull(error)
      }
      return segment.onDisk
    })
  }

  /** Syncs all that was queued before. */
  flush(): Promise<void> {
    return this.after(() => this.#syncDirty())
  }

  /**
   * Runs `run` alone: after all that was queued before, before all that comes later. Rejects with KafkaError when the
   * loop has failed; a DiskError that `run` lets through is final for the log, as a failed write is.
   */
  after<T>(run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure) return reject(asKafkaError(this.#failure))
      const item: Item = {
        segment: null,
        batch: null,
        run: async () => {
          if (this.#failure) return reject(asKafkaError(this.#failure))
          try {
            resolve(await run())
          } catch (error) {
            const failure = asError(error)
            reject(asKafkaError(failure))
            if (failure instanceof DiskError) this.fail(failure)
            else if (!(failure instanceof KafkaError)) throw failure
          }
        },
      }
      this.#enqueue(item)
    })
  }

  /** Ends the loop: nothing more is written, everyone who waits is told. */
  fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    const left = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    this.#queuedBytes = 0
    this.#wake()
    this.#progress.failed(error)
    for (const item of left) void item.run?.()
  }

  /** Resolves when no operation on a file is under way: after `fail`, so that the files can be moved. Never rejects. */
  idle(): Promise<void> {
    return this.#running ? new Promise(resolve => this.#waitingForIdle.push(resolve)) : Promise.resolve()
  }

  /** What a truncation or a close has dealt with itself: nothing of the old file is left to sync. */
  forgetDirty(): void {
    this.#dirty = null
    this.#unsyncedMessages = 0
  }

  #wake(): void {
    const wake = this.#stalled
    this.#stalled = null
    wake?.()
  }

  #enqueue(item: Item): void {
    this.#queue.push(item)
    if (this.#running) return
    this.#running = true
    // What arrives in this turn of the event loop goes to the disk together.
    this.#clock.soon(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#head < this.#queue.length) {
      const item = this.#queue[this.#head]
      if (item.run) {
        this.#shift(1)
        await item.run()
      } else {
        const turn = this.#gather()
        if (await this.#attempt(turn)) this.#finish(turn)
      }
    }
    this.#running = false
    for (const resolve of this.#waitingForIdle.splice(0)) resolve()
  }

  /** True when the turn was written; false when it has to be tried again, or never. */
  async #attempt(turn: Turn): Promise<boolean> {
    try {
      if (!turn.segment.onDisk) await this.#create(turn.segment)
      await this.#write(turn)
      return this.#failure === null
    } catch (error) {
      // The loop itself was ended, by a partition that is deleted, say: nobody is left to tell.
      if (error === this.#failure) return false
      if (!(error instanceof DiskError)) throw error
      if (error.code === 'ENOSPC' && this.#failure === null) await this.#stall()
      else this.fail(error)
      return false
    }
  }

  async #write(turn: Turn): Promise<void> {
    const { segment } = turn
    const opened = segment.file.acquire()
    const file = opened instanceof Promise ? await opened : opened
    try {
      assert(
        file.size === turn.position,
        `${segment.file.path}: ${file.size} bytes where ${turn.position} are expected`,
      )
      await appendOrCut(file, turn)
      this.#dirty = { segment, nextOffset: turn.nextOffset }
      this.#unsyncedMessages += turn.messages
      if (this.#failure) return
      this.#progress.wroteTo(turn.nextOffset)
      if (this.#mustSync()) await this.#sync(file, turn.nextOffset)
      if (this.#failure) return
      this.#progress.durableTo(turn.nextOffset)
    } finally {
      segment.file.release()
    }
  }

  #mustSync(): boolean {
    const { config } = this.#files
    if (syncsEveryWrite(config)) return true
    if (config.flushMessages !== null && this.#unsyncedMessages >= config.flushMessages) return true
    if (config.flushMs !== null && !this.#syncTimer && config.flushMs < 0x7fffffff) {
      this.#syncTimer = true
      this.#clock.after(config.flushMs, () => {
        this.#syncTimer = false
        if (!this.#failure) this.flush().catch(() => {})
      })
    }
    return false
  }

  async #create(segment: Segment): Promise<void> {
    await this.#syncDirty()
    await this.#files.create(segment)
    segment.onDisk = true
  }

  async #syncDirty(): Promise<void> {
    const dirty = this.#dirty
    if (dirty) await dirty.segment.file.with(file => this.#sync(file, dirty.nextOffset))
    if (this.#failure) throw this.#failure
  }

  async #sync(file: File, nextOffset: number): Promise<void> {
    try {
      await file.sync()
    } catch (error) {
      // Whatever the code says, ENOSPC included: after a failed sync nothing in this file can be trusted to last.
      this.fail(asError(error))
      return
    }
    this.#dirty = null
    this.#unsyncedMessages = 0
    if (!this.#failure) this.#progress.syncedTo(nextOffset)
  }

  #gather(): Turn {
    const first = this.#queue[this.#head]
    assert(first.batch !== null && first.segment !== null, 'a turn starts with a batch')
    const chunks: Buffer[] = []
    let bytes = 0
    let messages = 0
    let nextOffset = 0
    let at = this.#head
    for (; at < this.#queue.length; at++) {
      const { segment, batch } = this.#queue[at]
      if (batch === null || segment !== first.segment) break
      if (at > this.#head && bytes + batch.bytes.length > this.#limits.writeTurnBytes) break
      if (chunks.length === this.#limits.writeTurnBatches) break
      chunks.push(batch.bytes)
      bytes += batch.bytes.length
      nextOffset = batch.lastOffset + 1
      messages += nextOffset - batch.baseOffset
    }
    const items = at - this.#head
    return { segment: first.segment, chunks, position: first.batch.position, items, bytes, nextOffset, messages }
  }

  #finish(turn: Turn): void {
    this.#shift(turn.items)
    this.#queuedBytes -= turn.bytes
  }

  #shift(items: number): void {
    // Under steady load the queue is never empty: what is done with must not be kept until it is.
    this.#queue.fill(spent, this.#head, this.#head + items)
    this.#head += items
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  async #stall(): Promise<void> {
    this.#progress.diskFull(true)
    await new Promise<void>(resolve => {
      const cancel = this.#clock.after(this.#limits.fullRetryMs, resolve)
      this.#stalled = () => {
        cancel()
        resolve()
      }
    })
    this.#stalled = null
    this.#progress.diskFull(false)
  }
}

/** Writes the turn; when that fails, the file is as long as before, or the error that escapes is not ENOSPC. */
async function appendOrCut(file: File, turn: Turn): Promise<void> {
  try {
    await file.append(turn.chunks)
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOSPC') {
      await file.truncate(turn.position).catch(cut => {
        throw new DiskError('EIO', `torn write could not be cut off: ${asError(cut).message}`, { cause: cut })
      })
    }
    throw error
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
