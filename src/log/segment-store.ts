/**
 * The segments of one log as files: rolling to a new one, making it when the write loop gets there, cutting and removing
 * them, and saving what is derived. Who may read or append what is log.ts's business.
 */
import { Mutex } from '../lib/mutex.ts'
import { cleanedPath, SegmentSwap } from './compaction/swap.ts'
import { CorruptRanges } from './corrupt-ranges.ts'
import type { LogConfig } from './log-config.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import type { ProducerSnapshots } from './producer-snapshot.ts'
import type { ProducerSnapshotEntry, ProducerState } from './producer-state.ts'
import { offsetFileName, Segment } from './segment.ts'
import { logSuffix, retireSegment, saveIndexes } from './segment-files.ts'
import { rebuildIndexes, restoreProducers } from './segment-rebuild.ts'
import type { SegmentList } from './segments.ts'
import { ignoreFull } from './storage-errors.ts'
import { cutSegment } from './truncation.ts'

export class SegmentStore {
  /** May be replaced at any time. */
  config: LogConfig
  readonly #services: LogServices
  readonly #segments: SegmentList
  readonly #snapshots: ProducerSnapshots
  readonly #producers: ProducerState
  readonly #directory: string
  /** Producer state at the bases of segments that have no file yet. */
  readonly #pendingSnapshots = new Map<number, ProducerSnapshotEntry[]>()

  readonly #changes = new Mutex()
  readonly #indexFiles = new Mutex()

  constructor(state: LogState) {
    this.config = state.config
    this.#services = state.services
    this.#segments = state.segments
    this.#snapshots = state.snapshots
    this.#producers = state.producers
    this.#directory = state.directory
  }

  /** A new active segment, in memory; its file is made when the write loop reaches it. */
  roll(offset: number, nowMs: number): Segment {
    const { active } = this.#segments
    // Nothing in it: an index limit of less than one entry, say. There is no other place to go.
    if (active.baseOffset === offset) return active
    this.#pendingSnapshots.set(offset, this.#producers.snapshot())
    active.completeIndexes()
    const segment = this.#newSegment(offset, nowMs)
    this.#segments.add(segment)
    return segment
  }

  /**
   * The segment before this one is complete and synced: saves its indexes and the producer state between them, then
   * makes the file. Rejects with DiskError when the file cannot be made.
   */
  async create(segment: Segment): Promise<void> {
    const { disk, log } = this.#services.host
    const before = this.#segments.all.findLast(other => other.baseOffset < segment.baseOffset)
    if (before?.onDisk) {
      await saveIndexes(disk, this.#directory, before).catch(error => {
        log.warn({ err: error, path: before.file.path }, 'indexes could not be saved; they are rebuilt when needed')
      })
      this.#services.indexes.used(before)
    }
    const producers = this.#pendingSnapshots.get(segment.baseOffset)
    if (producers) {
      await this.#snapshots.write(segment.baseOffset, producers).catch(error => {
        log.warn({ err: error, directory: this.#directory }, 'producer snapshot could not be saved')
      })
      this.#pendingSnapshots.delete(segment.baseOffset)
    }
    await this.#createFile(segment)
  }

  /** Cuts off every batch that ends at or after `offset`; where the log ends then. Rejects with DiskError. */
  async cutTo(offset: number): Promise<number> {
    const segments = this.#segments
    const damaged = segments.all.some(({ corrupt }) => corrupt.length > 0)
    // First the file: what it says of bytes that are gone would be taken for those that come in their place.
    if (damaged) await this.saveCorrupt(offset)
    while (segments.all.length > 1 && segments.active.baseOffset > offset) {
      await this.#removeFiles(segments.active)
      segments.removeActive()
    }
    const { active } = segments
    if (active.offsetIndex === null || active.timeIndex === null || active.aborted === null) {
      await this.rebuildIndexes(active)
    }
    this.#services.indexes.forget(active)
    const kept = await cutSegment(active, offset, this.config, this.#services.limits.scanBytes)
    // Offsets that compaction has emptied were given out all the same.
    const end = Math.max(kept, offset)
    if (damaged) await this.saveCorrupt(end)
    await this.#snapshots.removeAfter(end)
    await this.#restoreProducers(end)
    return end
  }

  /** Removes everything; one empty segment that begins at `offset` is left. Rejects with DiskError. */
  async restartAt(offset: number): Promise<void> {
    const fresh = this.#newSegment(offset, this.#services.host.clock.now())
    if (this.#segments.all.some(({ corrupt }) => corrupt.length > 0)) await this.saveCorrupt(0)
    for (const segment of [...this.#segments.all].reverse()) await this.#removeFiles(segment)
    this.#segments.restart(fresh)
    await this.#snapshots.removeAll()
    try {
      await this.#createFile(fresh)
      fresh.onDisk = true
    } catch (error) {
      // On a full disk the write loop makes the file, with the first batch.
      ignoreFull(error)
    }
    await this.#restoreProducers(offset)
  }

  /** Removes segments that are no longer part of the log, in this order, and what only they needed. */
  async retire(gone: readonly Segment[]): Promise<void> {
    for (const segment of gone) await this.#removeFiles(segment)
    await this.#removeSnapshots()
  }

  /** One change of which segments there are, at a time: each looks at them first, and then has files to rename. */
  exclusively<T>(run: () => Promise<T>): Promise<T> {
    return this.#changes.run(run)
  }

  /** A segment that is to take the place of others; its file has another name until `replace`. */
  newCleaned(baseOffset: number, like: Segment): Segment {
    const file = this.#services.files.file(cleanedPath(this.#directory, baseOffset), 'append')
    return new Segment(baseOffset, file, like.createdMs, like.jitterMs)
  }

  /**
   * Puts a segment in the place of others that follow one another, in memory and on disk. It is complete and synced, its
   * file open, its indexes written. To be called exclusively; `replacedInMemory` is for what else is known of the old ones.
   * Rejects with DiskError.
   */
  async replace(replaced: readonly Segment[], cleaned: Segment, replacedInMemory: () => void): Promise<void> {
    const { host, indexes } = this.#services
    cleaned.onDisk = true
    cleaned.nextOffset = replaced[replaced.length - 1].nextOffset
    await this.#indexFiles.run(async () => {
      const swap = new SegmentSwap(host.disk, this.#directory, cleaned)
      await swap.commit()
      this.#segments.replace(replaced, cleaned)
      replacedInMemory()
      for (const segment of replaced) indexes.forget(segment)
      const deleted = await swap.finish(replaced)
      for (const path of deleted) this.#services.removeLater(path, this.config.fileDeleteDelayMs)
    })
    indexes.used(cleaned)
    for (const segment of replaced) await segment.file.close()
    await this.#removeSnapshots()
  }

  /** Saves what spares the next start a scan. The log ends at `endOffset`. Rejects with DiskError. */
  async saveDerived(endOffset: number): Promise<void> {
    const { active } = this.#segments
    if (active.onDisk) await saveIndexes(this.#services.host.disk, this.#directory, active)
    await this.#snapshots.write(endOffset, this.#producers.snapshot())
  }

  /** Rejects with DiskError. */
  async rebuildIndexes(segment: Segment): Promise<void> {
    const { host } = this.#services
    await rebuildIndexes(this.#services, this.#segments.all, this.#snapshots, segment, this.config)
    await this.#indexFiles.run(async () => {
      // Another segment may have its name by now.
      if (!this.#segments.has(segment)) return
      await saveIndexes(host.disk, this.#directory, segment).catch(error => {
        host.log.warn({ err: error, path: segment.file.path }, 'rebuilt indexes could not be saved')
      })
    })
  }

  /** What is known of damage that begins before `offset`. Durable when it resolves. Rejects with DiskError. */
  saveCorrupt(offset = Number.POSITIVE_INFINITY): Promise<void> {
    const kept = this.#segments.all.map(segment => ({
      baseOffset: segment.baseOffset,
      corrupt: segment.corrupt.filter(range => range.startOffset < offset),
    }))
    return new CorruptRanges(this.#services.host, this.#directory).save(kept)
  }

  /** Closes the files of a log that is not used any more. */
  async close(): Promise<void> {
    for (const segment of this.#segments.all) {
      this.#services.indexes.forget(segment)
      await segment.file.end()
    }
  }

  /** Those that no segment needs any more. */
  #removeSnapshots(): Promise<void> {
    const bases = new Set(this.#segments.all.map(segment => segment.baseOffset))
    return this.#snapshots.removeBefore(this.#segments.first.baseOffset, bases)
  }

  async #restoreProducers(offset: number): Promise<void> {
    this.#pendingSnapshots.clear()
    await restoreProducers(this.#services, this.#segments.all, this.#snapshots, offset, this.#producers)
  }

  #newSegment(offset: number, nowMs: number): Segment {
    const { files, host } = this.#services
    const { segmentJitterMs, segmentMs } = this.config
    const jitterMs = segmentJitterMs > 0 ? host.random.below(Math.min(segmentJitterMs, segmentMs) + 1) : 0
    const file = files.file(`${this.#directory}/${offsetFileName(offset, logSuffix)}`, 'append')
    return new Segment(offset, file, nowMs, jitterMs)
  }

  async #createFile(segment: Segment): Promise<void> {
    await segment.file.acquire()
    segment.file.release()
    await this.#services.host.disk.syncDirectory(this.#directory)
  }

  async #removeFiles(segment: Segment): Promise<void> {
    const { host, indexes } = this.#services
    indexes.forget(segment)
    await retireSegment(host.disk, this.#directory, segment, path =>
      this.#services.removeLater(path, this.config.fileDeleteDelayMs),
    )
    await segment.file.close()
  }
}
