/**
 * One segment: a run of batches in one file, `<base offset>.log`, and what is known of it without reading it.
 *
 * Sizes and offsets count what has been appended, whether or not it has reached the file yet. The file of a segment comes
 * into being when the write loop reaches it; its indexes are saved whole when the log rolls or closes (segment-files.ts),
 * so an index file that exists is complete, and only the last segment's may be stale after a crash.
 */
import { OffsetIndex, offsetIndexEntryBytes } from './offset-index.ts'
import type { OpenFile } from './open-files.ts'
import { TimeIndex, timeIndexEntryBytes } from './time-index.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** A range that a scan found damaged below the durable point: kept as it is, refused to readers. */
export interface CorruptRange {
  /** Offsets [startOffset, endOffset) are lost to readers. */
  readonly startOffset: number
  readonly endOffset: number
  /** Bytes [position, endPosition) of the segment file. */
  readonly position: number
  readonly endPosition: number
}

export class Segment {
  readonly baseOffset: number
  readonly file: OpenFile
  /** Wall clock when it was made or opened; stands in where no record has a timestamp. */
  readonly createdMs: number
  /** Taken off segment.ms, so that not all logs roll at once. */
  readonly jitterMs: number
  /** Bytes appended, those included that still wait for the disk. */
  sizeBytes = 0
  /** Offset after the last batch. */
  nextOffset: number
  /** True once the file has been made. */
  onDisk = false
  /** Largest timestamp of the first batch: what segment.ms counts from. -1 while empty or without timestamps. */
  firstTimestamp = -1
  /** -1 while none is known. */
  maxTimestamp = -1
  maxTimestampOffset: number
  /** Null when closed and not in memory (index-cache.ts loads it). */
  offsetIndex: OffsetIndex | null
  timeIndex: TimeIndex | null
  /** Null when not in memory. */
  aborted: AbortedTransaction[] | null
  /** By position. */
  corrupt: readonly CorruptRange[] = []
  /**
   * Bytes below were in the file when it was opened, and nobody has looked at their checksums since (scrub.ts): readers do.
   * Whatever was appended later was checked then.
   */
  uncheckedBytes = 0
  #bytesSinceEntry = 0

  constructor(baseOffset: number, file: OpenFile, createdMs: number, jitterMs: number) {
    this.baseOffset = baseOffset
    this.file = file
    this.createdMs = createdMs
    this.jitterMs = jitterMs
    this.nextOffset = baseOffset
    this.maxTimestampOffset = baseOffset
    this.offsetIndex = new OffsetIndex(baseOffset)
    this.timeIndex = new TimeIndex(baseOffset)
    this.aborted = []
  }

  /** Accounts for a batch at the end of the segment, and indexes it every `indexIntervalBytes`. */
  noteBatch(lastOffset: number, maxTimestamp: number, batchBytes: number, indexIntervalBytes: number): void {
    if (this.firstTimestamp < 0) this.firstTimestamp = maxTimestamp
    if (maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = maxTimestamp
      this.maxTimestampOffset = lastOffset
    }
    if (this.#bytesSinceEntry > indexIntervalBytes) this.#index(lastOffset)
    this.#bytesSinceEntry += batchBytes
    this.sizeBytes += batchBytes
    this.nextOffset = lastOffset + 1
  }

  /** The batch that follows starts a readable stretch after damaged bytes: readers must not scan across them. */
  noteGap(endPosition: number, firstBatchLastOffset: number): void {
    this.sizeBytes = endPosition
    this.#index(firstBatchLastOffset)
  }

  /** Whether a batch must go to a new segment (the order and the comparisons are Kafka's). */
  mustRoll(batch: RollQuestion, limits: RollLimits, segmentMs = limits.segmentMs): boolean {
    if (this.sizeBytes + batch.bytes > limits.segmentBytes) return this.sizeBytes > 0
    if (this.sizeBytes > 0 && this.ageMs(batch.nowMs, batch.maxTimestamp) > segmentMs - this.jitterMs) return true
    if (batch.lastOffset - this.baseOffset > 0x7fffffff) return true
    return this.indexFull(limits.segmentIndexBytes)
  }

  /** How long this segment has waited to be rolled: by record time where records have one, else by the clock. */
  ageMs(nowMs: number, maxTimestamp: number): number {
    return this.firstTimestamp >= 0 && maxTimestamp >= 0 ? maxTimestamp - this.firstTimestamp : nowMs - this.createdMs
  }

  indexFull(segmentIndexBytes: number): boolean {
    if (this.offsetIndex === null || this.timeIndex === null) return false
    return (
      this.offsetIndex.count >= Math.floor(segmentIndexBytes / offsetIndexEntryBytes) ||
      this.timeIndex.count >= Math.floor(segmentIndexBytes / timeIndexEntryBytes) - 1
    )
  }

  /** The time index gets its last entry when the segment is closed, so that its end tells the largest timestamp. */
  completeIndexes(): void {
    this.timeIndex?.maybeAppend(this.maxTimestamp, this.maxTimestampOffset)
  }

  /** Where to look for the batch that holds `offset`: at or before it, and not before damaged bytes. */
  scanFrom(offset: number): number {
    let position = this.offsetIndex?.floorPosition(offset) ?? 0
    for (const range of this.corrupt) if (range.endOffset <= offset) position = Math.max(position, range.endPosition)
    return position
  }

  /** Where the corrupt range that holds `offset` lies, if it is in one. */
  corruptAt(offset: number): CorruptRange | undefined {
    return this.corrupt.find(range => range.startOffset <= offset && offset < range.endOffset)
  }

  /**
   * Forgets what comes after the index entry at or before the last one below `offset`: batches from the returned
   * position on are to be noted again. Indexes that are not in memory count as empty.
   */
  rewindTo(offset: number): number {
    this.offsetIndex ??= new OffsetIndex(this.baseOffset)
    this.timeIndex ??= new TimeIndex(this.baseOffset)
    this.offsetIndex.truncateTo(offset)
    this.timeIndex.truncateTo(offset)
    this.aborted = (this.aborted ?? []).filter(transaction => transaction.lastOffset < offset)
    this.sizeBytes = this.offsetIndex.lastPosition()
    this.maxTimestamp = this.timeIndex.lastTimestamp
    this.maxTimestampOffset = this.timeIndex.lastOffset
    this.#bytesSinceEntry = 0
    if (this.sizeBytes === 0) {
      this.firstTimestamp = -1
      this.nextOffset = this.baseOffset
    }
    return this.sizeBytes
  }

  #index(lastOffset: number): void {
    this.offsetIndex?.append(lastOffset, this.sizeBytes)
    this.timeIndex?.maybeAppend(this.maxTimestamp, this.maxTimestampOffset)
    this.#bytesSinceEntry = 0
  }
}

export interface RollQuestion {
  readonly bytes: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly nowMs: number
}

export interface RollLimits {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentIndexBytes: number
}

/** 20 digits, as Kafka names files by offset. */
export function offsetFileName(offset: number, suffix: string): string {
  return String(offset).padStart(20, '0') + suffix
}

/** The offset in a name such as `00000000000000000042.log`, or null when it is not one. */
export function offsetOfFileName(name: string, suffix: string): number | null {
  if (!name.endsWith(suffix)) return null
  const digits = name.slice(0, -suffix.length)
  return /^\d{20}$/.test(digits) && Number(digits) <= Number.MAX_SAFE_INTEGER ? Number(digits) : null
}
