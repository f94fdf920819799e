/**
 * Opens the log in a partition directory: after a clean shutdown by looking at its end, otherwise by recovering it
 * (recovery.ts). Whatever is derived and absent or damaged is made again; nothing derived is ever fatal.
 */
import {
  baseOffset,
  batchBytes,
  largestRecordTimestamp,
  lastOffset,
  maxTimestamp,
  partitionLeaderEpoch,
} from '../../protocol/records/batch.ts'
import { recoverSwaps } from './compaction/swap.ts'
import { CorruptRanges, corruptRangesFile } from './corrupt-ranges.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { Log, type LogState } from './log.ts'
import { type LogConfig, syncsEveryWrite } from './log-config.ts'
import type { LogServices } from './log-services.ts'
import { readTopicId } from './partition-metadata.ts'
import { ProducerSnapshots } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import { recoverSegment } from './recovery.ts'
import { offsetFileName, offsetOfFileName, Segment } from './segment.ts'
import {
  deletedSuffix,
  indexSuffixes,
  loadIndexes,
  logSuffix,
  removeIndexes,
  saveIndexes,
  transactionIndexSuffix,
} from './segment-files.ts'
import { replayBatch, restoreProducers } from './segment-rebuild.ts'
import { scanReadable } from './segment-scan.ts'
import { SegmentList } from './segments.ts'

export interface LoadRequest {
  readonly topic: string
  readonly partition: number
  /** Path of the partition's directory. */
  readonly directory: string
  readonly config: LogConfig
  readonly services: LogServices
  /** The log directory was closed in good order: what the files say is trusted. */
  readonly clean: boolean
  /** Of a directory that has just been made and holds nothing yet: nothing is looked for. */
  readonly newTopicId?: string
  /** From the checkpoints; null where they have nothing. */
  readonly recoveryPoint: number | null
  readonly logStartOffset: number | null
  readonly highWatermark: number | null
  readonly cleanedOffset: number | null
}

/** What the zero uuid stands for: the directory does not say which topic it belongs to. */
export const unknownTopicId = 'AAAAAAAAAAAAAAAAAAAAAA'

/** Throws DiskError. */
export async function loadLog(request: LoadRequest): Promise<Log> {
  return new LogLoad(request).run()
}

/** One log on its way to be opened. */
class LogLoad {
  readonly #request: LoadRequest
  readonly #epochs: LeaderEpochs
  readonly #producers = new ProducerState()
  readonly #snapshots: ProducerSnapshots
  readonly #corrupt: CorruptRanges
  #segments: Segment[] = []
  #epochsKnown = false
  #hasCorruptRanges = false

  constructor(request: LoadRequest) {
    const { services, directory } = request
    this.#request = request
    this.#epochs = new LeaderEpochs(services.host, directory)
    this.#snapshots = new ProducerSnapshots(services.host, directory)
    this.#corrupt = new CorruptRanges(services.host, directory)
  }

  async run(): Promise<Log> {
    const { clean, services, directory, newTopicId } = this.#request
    if (newTopicId !== undefined) {
      this.#segments.push(this.#newSegment(0))
      return this.#finish(newTopicId, 0, true)
    }
    const topicId = (await readTopicId(services.host, directory)) ?? unknownTopicId
    await this.#findSegments()
    await this.#snapshots.load()
    this.#epochsKnown = await this.#epochs.load()
    if (this.#hasCorruptRanges) await this.#corrupt.load(this.#segments)
    const opened = clean && (await this.#openLast())
    if (!opened) await this.#recover()
    const end = this.#segments[this.#segments.length - 1].nextOffset
    return this.#finish(topicId, end, opened)
  }

  /** Files as they lie there; takes away what is out of use. */
  async #findSegments(): Promise<void> {
    const { services, directory, logStartOffset } = this.#request
    const { disk } = services.host
    let names = await this.#names()
    if (await recoverSwaps(disk, directory, names)) names = await this.#names()
    this.#hasCorruptRanges = names.includes(corruptRangesFile)
    const leftovers = names.filter(name => name.endsWith(deletedSuffix))
    for (const name of leftovers) await disk.remove(`${directory}/${name}`)
    const offsets = names.map(name => offsetOfFileName(name, logSuffix)).filter(offset => offset !== null)
    const known = new Set(offsets)
    for (const name of names) {
      const orphan = indexSuffixes.map(suffix => offsetOfFileName(name, suffix)).find(offset => offset !== null)
      if (orphan !== undefined && orphan !== null && !known.has(orphan)) await disk.remove(`${directory}/${name}`)
    }
    for (const offset of offsets.sort((a, b) => a - b)) this.#segments.push(await this.#openSegment(offset, names))
    for (const [at, segment] of this.#segments.entries()) {
      segment.nextOffset = this.#segments[at + 1]?.baseOffset ?? segment.baseOffset
    }
    if (this.#segments.length === 0) this.#segments.push(this.#newSegment(logStartOffset ?? 0))
  }

  async #names(): Promise<string[]> {
    const entries = await this.#request.services.host.disk.list(this.#request.directory)
    return entries.map(entry => entry.name)
  }

  async #openSegment(offset: number, names: readonly string[]): Promise<Segment> {
    const segment = this.#newSegment(offset)
    segment.onDisk = true
    segment.sizeBytes = await segment.file.with(async file => file.size)
    segment.uncheckedBytes = segment.sizeBytes
    segment.offsetIndex = null
    segment.timeIndex = null
    segment.aborted = names.includes(offsetFileName(offset, transactionIndexSuffix)) ? null : []
    return segment
  }

  #newSegment(offset: number): Segment {
    const { services, directory, config } = this.#request
    const { files, host } = services
    const jitterMs = config.segmentJitterMs > 0 ? host.random.below(config.segmentJitterMs) : 0
    const file = files.file(`${directory}/${offsetFileName(offset, logSuffix)}`, 'append')
    return new Segment(offset, file, host.clock.now(), jitterMs)
  }

  /** After a clean shutdown: where the log ends. False when that cannot be told, and it must be recovered after all. */
  async #openLast(): Promise<boolean> {
    const { services, directory, config } = this.#request
    const segment = this.#segments[this.#segments.length - 1]
    if (!segment.onDisk) return true
    if (segment.corrupt.length > 0) return false
    const { sizeBytes } = segment
    if (!(await loadIndexes(services.host.disk, directory, segment))) return false
    const from = segment.rewindTo(Number.MAX_SAFE_INTEGER)
    const end = await segment.file.with(async file => {
      if (from > 0) {
        const first = await file.read(0, 61)
        if (first.length === 61) segment.firstTimestamp = maxTimestamp(first)
      }
      return scanReadable(file, segment.corrupt, {
        from,
        to: sizeBytes,
        fromOffset: segment.baseOffset,
        checksums: false,
        scanBytes: Math.min(services.limits.scanBytes, 64 * 1024),
        visit(buffer, at) {
          segment.noteBatch(
            lastOffset(buffer, at),
            largestRecordTimestamp(buffer, at),
            batchBytes(buffer, at),
            config.indexIntervalBytes,
          )
          return true
        },
      })
    })
    if (end.reason === 'bad') return false
    // Whoever closed it knew where it ended.
    if ((this.#request.recoveryPoint ?? segment.nextOffset) !== segment.nextOffset) return false
    if (!this.#epochsKnown) return false
    await restoreProducers(services, this.#segments, this.#snapshots, segment.nextOffset, this.#producers)
    return true
  }

  async #recover(): Promise<void> {
    const { services, config, recoveryPoint, highWatermark } = this.#request
    const synced = syncsEveryWrite(config)
    const durableOffset = Math.max(recoveryPoint ?? 0, synced ? (highWatermark ?? 0) : 0)
    const first = this.#firstToScan()
    await restoreProducers(services, this.#segments, this.#snapshots, this.#segments[first].baseOffset, this.#producers)
    await this.#prepareEpochs(first)
    for (let at = first; at < this.#segments.length; at++) {
      const segment = this.#segments[at]
      if (!segment.onDisk) continue
      const next = this.#segments[at + 1]
      const recovered = await recoverSegment(segment, {
        durableOffset,
        nextSegmentOffset: next?.baseOffset ?? null,
        unsyncedBytesMax: synced ? services.limits.writeTurnBytes : Number.POSITIVE_INFINITY,
        indexIntervalBytes: config.indexIntervalBytes,
        scanBytes: services.limits.scanBytes,
        visit: (buffer, position) => this.#visit(segment, buffer, position),
      })
      this.#report(segment, recovered)
      if (next) await this.#close(segment, next.baseOffset)
      else if (recovered.endsDamaged) await this.#seal(segment)
    }
    await this.#corruptSaved()
  }

  /** The segment that holds the recovery point, or an earlier one when something else must be found out again. */
  #firstToScan(): number {
    const recoveryPoint = this.#request.recoveryPoint ?? 0
    if (!this.#epochsKnown) return 0
    const found = this.#segments.findLastIndex(segment => segment.baseOffset <= recoveryPoint)
    return Math.max(0, found)
  }

  async #prepareEpochs(first: number): Promise<void> {
    if (this.#epochsKnown) this.#epochs.truncateFromEnd(this.#segments[first].baseOffset)
    else this.#epochs.clear()
  }

  #visit(segment: Segment, buffer: Buffer, at: number): void {
    const epoch = partitionLeaderEpoch(buffer, at)
    const latest = this.#epochs.latest?.epoch ?? -1
    if (epoch > latest) this.#epochs.assign(epoch, baseOffset(buffer, at))
    const aborted = replayBatch(this.#producers, buffer, at)
    if (aborted) segment.aborted?.push(aborted)
  }

  #report(segment: Segment, recovered: { cutBytes: number; endsDamaged: boolean }): void {
    const { log } = this.#request.services.host
    const { path } = segment.file
    if (recovered.cutBytes > 0) log.warn({ path, cutBytes: recovered.cutBytes }, 'torn tail cut off')
    for (const range of segment.corrupt) {
      log.error({ path, ...range }, 'records are damaged: readers of these offsets get CORRUPT_MESSAGE')
    }
  }

  /** A scanned segment that is not the last: its indexes go to disk. */
  async #close(segment: Segment, nextOffset: number): Promise<void> {
    const { host, indexes } = this.#request.services
    segment.nextOffset = nextOffset
    await saveIndexes(host.disk, this.#request.directory, segment)
    indexes.used(segment)
  }

  /** The last segment ends in damaged bytes: what comes next goes to another file, behind all that was durable. */
  async #seal(segment: Segment): Promise<void> {
    await this.#close(segment, segment.nextOffset)
    this.#segments.push(this.#newSegment(segment.nextOffset))
  }

  async #corruptSaved(): Promise<void> {
    const found = this.#segments.some(segment => segment.corrupt.length > 0)
    if (found || this.#hasCorruptRanges) await this.#corrupt.save(this.#segments)
  }

  async #finish(topicId: string, scannedEnd: number, opened: boolean): Promise<Log> {
    const { topic, partition, directory, config, services } = this.#request
    const firstOffset = this.#segments[0].baseOffset
    const logStartOffset = Math.max(this.#request.logStartOffset ?? 0, firstOffset)
    let logEndOffset = scannedEnd
    if (logStartOffset > logEndOffset) {
      // Everything before the log start is gone by decision; what the log still holds is older.
      const last = this.#segments[this.#segments.length - 1]
      await this.#close(last, logEndOffset)
      this.#segments.push(this.#newSegment(logStartOffset))
      logEndOffset = logStartOffset
    }
    if (!opened) {
      const last = this.#segments[this.#segments.length - 1]
      // Whatever lies there was made for another length of this file.
      if (last.onDisk) await removeIndexes(services.host.disk, directory, last.baseOffset)
    }
    this.#epochs.truncateFromEnd(logEndOffset)
    this.#epochs.truncateFromStart(logStartOffset)
    await this.#epochs.save()
    await this.#snapshots.removeAfter(logEndOffset)
    this.#producers.logStartMoved(logStartOffset)
    // Most logs of a large broker are idle: their files are opened again when somebody wants them.
    for (const segment of this.#segments) await segment.file.close()
    const highWatermark = Math.max(logStartOffset, Math.min(this.#request.highWatermark ?? 0, logEndOffset))
    const state: LogState = {
      topic,
      partition,
      topicId,
      directory,
      config,
      services,
      segments: new SegmentList(this.#segments),
      epochs: this.#epochs,
      producers: this.#producers,
      snapshots: this.#snapshots,
      logStartOffset,
      logEndOffset,
      highWatermark,
      cleanedOffset: this.#request.cleanedOffset,
    }
    return new Log(state)
  }
}
