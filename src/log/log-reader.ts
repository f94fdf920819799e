/**
 * Reads of one log: batches from any offset, and lookups by timestamp. The tail cache answers at once; anything older is
 * one disk read after an index lookup. Readers that go on where they stopped need no lookup: their place is remembered.
 *
 * Chunks are views, never copies; only whole batches are returned.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import {
  baseOffset,
  batchHeaderBytes,
  lastOffset,
  maxTimestamp,
  partitionLeaderEpoch,
} from '../../protocol/records/batch.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { DiskError } from '../host/host.ts'
import type { BufferPool } from '../lib/buffer-pool.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import { skipTo, wholeBatches } from './read-limits.ts'
import { damagedRecords, type LogScrub } from './scrub.ts'
import type { Segment } from './segment.ts'
import { loadIndexes } from './segment-files.ts'
import { type ScannedFile, scanBatches, scanReadable } from './segment-scan.ts'
import type { SegmentStore } from './segment-store.ts'
import type { SegmentList } from './segments.ts'
import type { TailCache } from './tail-cache.ts'
import { type AbortedTransaction, abortedBetween } from './transaction-index.ts'

export interface ReadRequest {
  readonly offset: number
  readonly bytesMax: number
  /** Batches that begin at or after this offset are not returned. */
  readonly upperOffset: number
  /** Return the first batch even when it is larger than `bytesMax`. */
  readonly minOneBatch: boolean
  /** For read-committed consumers: list the aborted transactions in what is returned. */
  readonly abortedTransactions: boolean
  /** What comes from the disk may be lent: see ReadResult.lent. */
  readonly lend?: boolean
}

export interface ReadResult {
  /** Whole batches; the first may begin before the offset asked for. */
  readonly chunks: Buffer[]
  readonly bytes: number
  /** Offset after the last batch returned, the offset asked for when there is none. */
  readonly nextOffset: number
  /** Null unless asked for. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  /**
   * The buffer that the chunks are views of, which goes back to `giveBack` when nobody looks at them any more (or to the
   * garbage collector). Null unless asked for, and when they are views of the tail cache.
   */
  readonly lent: LentBuffer | null
}

/** Memory of a read that is used again for another one. */
export interface LentBuffer {
  /** To be called at most once. The chunks must not be looked at from then on. */
  giveBack(): void
}

export interface TimestampedOffset {
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

export interface SegmentTime {
  /** Where it begins. */
  readonly offset: number
  /** Its newest timestamp; when it was made, if it has none. */
  readonly timestampMs: number
  readonly isEmpty: boolean
}

/** How many places of sequential readers are remembered per log. */
const placesMax = 16

interface Piece {
  readonly chunk: Buffer
  readonly nextOffset: number
  readonly lent: LentBuffer | null
}

class Lent implements LentBuffer {
  readonly buffer: Buffer
  readonly #pool: BufferPool

  constructor(pool: BufferPool, bytes: number) {
    this.#pool = pool
    this.buffer = pool.take(bytes)
  }

  giveBack(): void {
    this.#pool.give(this.buffer)
  }
}

interface Place {
  readonly segment: Segment
  readonly position: number
}

export class LogReader {
  readonly #services: LogServices
  readonly #directory: string
  readonly #segments: SegmentList
  readonly #tail: TailCache
  readonly #store: Pick<SegmentStore, 'rebuildIndexes'>
  readonly #scrub: Pick<LogScrub, 'suspect' | 'isMendable'>
  readonly #places = new Map<number, Place>()

  constructor(
    { services, directory, segments }: Pick<LogState, 'services' | 'directory' | 'segments'>,
    tail: TailCache,
    store: Pick<SegmentStore, 'rebuildIndexes'>,
    scrub: Pick<LogScrub, 'suspect' | 'isMendable'>,
  ) {
    this.#services = services
    this.#directory = directory
    this.#segments = segments
    this.#tail = tail
    this.#store = store
    this.#scrub = scrub
  }

  /** `writtenOffset`: all below is in the files. The range of `offset` has been checked. */
  read(request: ReadRequest, writtenOffset: number): ReadResult | Promise<ReadResult> {
    if (request.offset >= request.upperOffset) return this.#result(request, [], 0, request.offset, null)
    const slot = this.#tail.find(request.offset)
    const changes = this.#segments.changes
    const result = slot >= 0 ? this.#fromTail(request, slot) : this.#fromDisk(request, writtenOffset)
    return result instanceof Promise ? this.#unlessReplaced(result, changes, request, writtenOffset) : result
  }

  /** What was read of segments and what was read of their indexes belong together: reads again unless they do. */
  async #unlessReplaced(
    reading: Promise<ReadResult>,
    changes: number,
    request: ReadRequest,
    writtenOffset: number,
  ): Promise<ReadResult> {
    const result = await reading
    if (changes === this.#segments.changes) return result
    result.lent?.giveBack()
    return this.read(request, writtenOffset)
  }

  /** Places and caches are no longer true. */
  forget(): void {
    this.#places.clear()
  }

  /** The first record at or after `startOffset` that is not older than `timestamp`, null when there is none. */
  offsetForTimestamp(timestamp: number, startOffset: number): Promise<TimestampedOffset | null> {
    return this.#whileReplaced(() => this.#offsetForTimestamp(timestamp, startOffset))
  }

  /** The first record with the largest timestamp of all, null when no record has one. */
  maxTimestamp(): Promise<TimestampedOffset | null> {
    return this.#whileReplaced(() => this.#maxTimestamp())
  }

  /** Aborted transactions that touch the offsets from `fromOffset` up to `upperOffset`. */
  async abortedBetween(fromOffset: number, upperOffset: number): Promise<AbortedTransaction[]> {
    return this.#aborted(fromOffset, upperOffset)
  }

  /** Aborted transactions whose markers lie in this segment. */
  async abortedIn(segment: Segment): Promise<readonly AbortedTransaction[]> {
    if (segment.aborted === null) await this.#ensureIndexes(segment)
    return segment.aborted ?? []
  }

  /** Where in the segment to look from for `offset`. */
  async positionOf(segment: Segment, offset: number): Promise<number> {
    await this.#ensureIndexes(segment)
    return segment.offsetIndex?.floorPosition(offset) ?? 0
  }

  async #offsetForTimestamp(timestamp: number, startOffset: number): Promise<TimestampedOffset | null> {
    for (const segment of [...this.#segments.all]) {
      if (segment.nextOffset <= startOffset && segment !== this.#segments.active) continue
      await this.#ensureIndexes(segment)
      if (segment.maxTimestamp < timestamp) continue
      const from = segment.timeIndex?.scanFrom(timestamp) ?? segment.baseOffset
      const found = await this.#firstRecord(
        segment,
        from,
        (buffer, at) => maxTimestamp(buffer, at) >= timestamp && lastOffset(buffer, at) >= startOffset,
        record => record.timestampMs >= timestamp && record.offset >= startOffset,
      )
      if (found) return found
    }
    return null
  }

  async #maxTimestamp(): Promise<TimestampedOffset | null> {
    let newest: Segment | null = null
    for (const segment of [...this.#segments.all]) {
      await this.#ensureIndexes(segment)
      if (segment.maxTimestamp >= 0 && segment.maxTimestamp > (newest?.maxTimestamp ?? -1)) newest = segment
    }
    if (newest === null) return null
    const { maxTimestamp: largest, maxTimestampOffset } = newest
    return this.#firstRecord(
      newest,
      maxTimestampOffset,
      (buffer, at) => lastOffset(buffer, at) >= maxTimestampOffset,
      record => record.timestampMs === largest,
    )
  }

  /** Where the batch begins that holds `offset`; where its segment does when that batch is damaged. */
  async batchStart(offset: number, endOffset: number, writtenOffset: number): Promise<number> {
    const request = { offset, bytesMax: 1, upperOffset: endOffset, minOneBatch: true, abortedTransactions: false }
    try {
      const { chunks } = await this.read(request, writtenOffset)
      return chunks.length > 0 ? Math.min(offset, baseOffset(chunks[0])) : offset
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return Math.min(offset, this.#segments.floor(offset).baseOffset)
    }
  }

  /** Largest timestamp in a segment, by its index; -1 when no record has one. */
  async largestTimestamp(segment: Segment): Promise<number> {
    if (segment.maxTimestamp < 0 && segment.sizeBytes > 0) await this.#ensureIndexes(segment)
    return segment.maxTimestamp
  }

  /** Of every segment, oldest first. */
  segmentTimes(startOffset: number): Promise<SegmentTime[]> {
    return Promise.all(
      this.#segments.all.map(async segment => {
        const newestMs = await this.largestTimestamp(segment)
        return {
          offset: Math.max(segment.baseOffset, startOffset),
          timestampMs: newestMs < 0 ? segment.createdMs : newestMs,
          isEmpty: segment.sizeBytes === 0,
        }
      }),
    )
  }

  /** Largest timestamp of the segment's first batch, -1 when it has none. */
  async firstTimestamp(segment: Segment): Promise<number> {
    if (segment.firstTimestamp < 0 && segment.sizeBytes > 0 && segment.onDisk) {
      const header = await segment.file.with(file => file.read(0, batchHeaderBytes))
      if (header.length === batchHeaderBytes) segment.firstTimestamp = maxTimestamp(header)
    }
    return segment.firstTimestamp
  }

  #fromTail(request: ReadRequest, slot: number): ReadResult | Promise<ReadResult> {
    const chunks: Buffer[] = []
    let bytes = 0
    let nextOffset = request.offset
    for (let batch = this.#tail.at(slot); batch !== undefined; batch = this.#tail.at(++slot)) {
      if (batch.baseOffset >= request.upperOffset) break
      const first = chunks.length === 0
      if (bytes + batch.bytes.length > request.bytesMax && !(first && request.minOneBatch)) break
      chunks.push(batch.bytes)
      bytes += batch.bytes.length
      nextOffset = batch.lastOffset + 1
    }
    return this.#result(request, chunks, bytes, nextOffset, null)
  }

  #fromDisk(request: ReadRequest, writtenOffset: number): Promise<ReadResult> {
    const upperOffset = Math.min(request.upperOffset, writtenOffset)
    return this.#whileReplaced(() => this.#fromSegments(request, upperOffset))
  }

  async #fromSegments(request: ReadRequest, upperOffset: number): Promise<ReadResult> {
    if (request.offset < this.#segments.first.baseOffset) {
      throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE, 'the segment is gone')
    }
    let segment: Segment | undefined = this.#segments.floor(request.offset)
    while (segment) {
      const range = segment.corruptAt(request.offset)
      if (range) throw damagedRecords(`offsets ${range.startOffset} to ${range.endOffset - 1}`, this.#scrub.isMendable)
      const piece = await this.#readSegment(segment, request, upperOffset)
      if (piece === 'beyond') {
        // One that was replaced meanwhile says nothing of what follows it.
        segment = this.#segments.has(segment) ? this.#segments.after(segment) : this.#segments.floor(request.offset)
        continue
      }
      if (piece === 'nothing') break
      return this.#result(request, [piece.chunk], piece.chunk.length, piece.nextOffset, piece.lent)
    }
    return this.#result(request, [], 0, request.offset, null)
  }

  /** `beyond`: this segment has no batch at or after the offset. `nothing`: the limits let none through. */
  async #readSegment(
    segment: Segment,
    request: ReadRequest,
    upperOffset: number,
  ): Promise<Piece | 'beyond' | 'nothing'> {
    const { offset, minOneBatch } = request
    const bytesMax = Math.min(request.bytesMax, this.#services.limits.readBytes)
    const place = this.#places.get(offset)
    const known = place?.segment === segment ? place.position : -1
    if (known < 0 && offset > segment.baseOffset) {
      await this.#ensureIndexes(segment)
      // The index may be that of the segment in its place.
      if (!this.#segments.has(segment)) return 'beyond'
    }
    let position = known >= 0 ? known : segment.scanFrom(offset)
    const slack = known >= 0 ? 0 : 4 * 1024
    return segment.file.with(async file => {
      const end = Math.min(readableEnd(segment, offset), file.size)
      let length = Math.max(bytesMax + slack, batchHeaderBytes)
      while (position < end) {
        if (position < segment.uncheckedBytes) await this.#verify(file, segment, position, length, end)
        const asked = Math.min(length, end - position)
        const lent = request.lend ? new Lent(this.#services.readBuffers, asked) : null
        const buffer = await file.read(position, asked, lent?.buffer)
        const at = this.#sane(() => skipTo(buffer, offset))
        if (at < buffer.length) {
          const taken = this.#sane(() => wholeBatches(buffer, at, { bytesMax, minOneBatch, upperOffset }))
          if (taken.end > at) {
            this.#remember(taken.nextOffset, segment, position + taken.end)
            return { chunk: buffer.subarray(at, taken.end), nextOffset: taken.nextOffset, lent }
          }
          lent?.giveBack()
          // The batch that is wanted goes on after this piece: once more, as long as it says.
          if (taken.neededBytes === 0 || position + at + taken.neededBytes > end) return 'nothing'
          length = Math.max(length, taken.neededBytes)
        } else lent?.giveBack()
        position += at
      }
      return 'beyond'
    })
  }

  /**
   * Checksums that nobody has verified since the file was opened are verified before anything of them is given out. Throws
   * KafkaError when something of it is damaged: the log is then scrubbed, which tells what of it may be read.
   */
  async #verify(file: ScannedFile, segment: Segment, position: number, length: number, end: number): Promise<void> {
    const to = Math.min(end, segment.uncheckedBytes)
    const endOffset = segment === this.#segments.active ? Number.POSITIVE_INFINITY : segment.nextOffset
    let wanted = true
    const scan = await scanBatches(file, {
      from: position,
      to,
      fromOffset: segment.baseOffset,
      checksums: true,
      scanBytes: length,
      // One more than is given out: a batch that claims wrong offsets overlaps with the next.
      visit(buffer, at, batchPosition) {
        if (!wanted || lastOffset(buffer, at) >= endOffset) return false
        wanted = batchPosition < position + length
        return true
      },
    })
    if (scan.reason === 'end' || (scan.reason === 'stopped' && !wanted)) return
    this.#scrub.suspect()
    throw damagedRecords(`position ${scan.position} of ${segment.file.path}`, this.#scrub.isMendable)
  }

  /** Headers that make no sense are damage too. */
  #sane<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#scrub.suspect()
      throw damagedRecords(error.message, this.#scrub.isMendable)
    }
  }

  /**
   * Looks again when compaction or retention took a segment away under a reader: its file is gone, or what belongs to the
   * segment in its place was taken for its own.
   */
  async #whileReplaced<T>(look: () => Promise<T>): Promise<T> {
    for (;;) {
      const changes = this.#segments.changes
      try {
        return await look()
      } catch (error) {
        const isStale = (error instanceof DiskError && error.code === 'ENOENT') || error instanceof KafkaError
        if (!isStale || changes === this.#segments.changes) throw error
      }
    }
  }

  #remember(offset: number, segment: Segment, position: number): void {
    this.#places.delete(offset)
    this.#places.set(offset, { segment, position })
    if (this.#places.size <= placesMax) return
    for (const oldest of this.#places.keys()) {
      this.#places.delete(oldest)
      return
    }
  }

  async #ensureIndexes(segment: Segment): Promise<void> {
    if (segment === this.#segments.active) return
    if (!segment.offsetIndex || !segment.timeIndex) {
      const loaded = await loadIndexes(this.#services.host.disk, this.#directory, segment)
      if (!loaded) await this.#store.rebuildIndexes(segment)
    }
    if (this.#segments.has(segment)) this.#services.indexes.used(segment)
  }

  #result(
    request: ReadRequest,
    chunks: Buffer[],
    bytes: number,
    nextOffset: number,
    lent: LentBuffer | null,
  ): ReadResult | Promise<ReadResult> {
    if (!request.abortedTransactions) return { chunks, bytes, nextOffset, abortedTransactions: null, lent }
    const aborted = this.#aborted(request.offset, nextOffset)
    if (aborted instanceof Promise) {
      return aborted.then(abortedTransactions => ({ chunks, bytes, nextOffset, abortedTransactions, lent }))
    }
    return { chunks, bytes, nextOffset, abortedTransactions: aborted, lent }
  }

  /** At once when all indexes that are needed are in memory. */
  #aborted(fromOffset: number, upperOffset: number): AbortedTransaction[] | Promise<AbortedTransaction[]> {
    const found: AbortedTransaction[] = []
    if (upperOffset <= fromOffset) return found
    const all = this.#segments.all
    for (let slot = all.indexOf(this.#segments.floor(fromOffset)); slot < all.length; slot++) {
      const { aborted } = all[slot]
      if (aborted === null) return this.#loadAborted(all.slice(slot), found, fromOffset, upperOffset)
      const { transactions, complete } = abortedBetween(aborted, fromOffset, upperOffset)
      found.push(...transactions)
      if (complete) break
    }
    return found
  }

  /** Segment by segment: loading the index of one may push that of another out of memory. */
  async #loadAborted(
    segments: readonly Segment[],
    found: AbortedTransaction[],
    fromOffset: number,
    upperOffset: number,
  ): Promise<AbortedTransaction[]> {
    for (const segment of segments) {
      if (segment.aborted === null) await this.#ensureIndexes(segment)
      const { transactions, complete } = abortedBetween(segment.aborted ?? [], fromOffset, upperOffset)
      found.push(...transactions)
      if (complete) break
    }
    return found
  }

  async #firstRecord(
    segment: Segment,
    fromOffset: number,
    wantsBatch: (buffer: Buffer, at: number) => boolean,
    wantsRecord: (record: { offset: number; timestampMs: number }) => boolean,
  ): Promise<TimestampedOffset | null> {
    let found: TimestampedOffset | null = null
    await segment.file.with(file =>
      scanReadable(file, segment.corrupt, {
        from: segment.offsetIndex?.floorPosition(fromOffset) ?? 0,
        to: Math.min(file.size, segment.sizeBytes),
        fromOffset: segment.baseOffset,
        checksums: false,
        scanBytes: 64 * 1024,
        visit(buffer, at) {
          if (!wantsBatch(buffer, at)) return true
          for (const record of readRecords(buffer, at)) {
            if (!wantsRecord(record)) continue
            const { offset, timestampMs } = record
            found = { offset, timestamp: timestampMs, leaderEpoch: partitionLeaderEpoch(buffer, at) }
            return false
          }
          return true
        },
      }),
    )
    return found
  }
}

/** Where a reader that starts at `offset` must stop: at damaged bytes, or at the end. */
function readableEnd(segment: Segment, offset: number): number {
  for (const range of segment.corrupt) if (range.startOffset > offset) return range.position
  return segment.sizeBytes
}
