/**
 * Finding out what a segment file really holds after a crash, and telling a torn tail from damage.
 *
 * Let D be the durable point: the recovery point checkpoint, or, where acknowledged writes are synced, the high watermark
 * checkpoint when it is higher (it counts only what is synced). Both are lower bounds: more may have been synced and
 * acknowledged since they were written. The write loop (write-loop.ts) narrows down what was not:
 *
 * - The file of a segment is made only after everything before it was synced. So bad bytes in a segment that has a
 *   successor are damage, wherever they are.
 * - With synced acknowledgements a turn is written only after the turn before it was synced. So bytes that are not
 *   durable lie in the last turn, that is, within `writeTurnBytes` of the end of the file (or in one larger batch).
 * - Bytes that never reached the disk read as zeros, in whole sectors: files only grow, by appending.
 *
 * Bad bytes in the last segment, at an offset not below D:
 *
 * - Nothing valid follows: a torn tail. Cut. Had this been acknowledged and damaged later, the same bytes would look the
 *   same; every write-ahead log decides this way, and the checkpoints keep the window small.
 * - A valid batch follows. The last turn may have held several batches of which the disk took the later ones: then the
 *   bad stretch has a lost sector, all zeros, and lies in the last turn. Cut there: none of this turn was acknowledged.
 *   Without a lost sector, or farther from the end than a turn can be, it is damage to what was durable.
 *
 * Damage is never cut and never hides what follows: the range of offsets is reported and kept in `corrupt-ranges`,
 * readers of it get CORRUPT_MESSAGE, everything else is served, and no offset in it is given out again.
 */
import { baseOffset, batchBytes, largestRecordTimestamp, lastOffset } from '../../protocol/records/batch.ts'
import type { File } from '../host/host.ts'
import type { CorruptRange, Segment } from './segment.ts'
import { findNextBatch, type ScanEnd, scanBatches } from './segment-scan.ts'

export interface RecoveryOptions {
  /** D above: all offsets below were synced. */
  readonly durableOffset: number
  /** Base offset of the segment after this one, null when this is the last. */
  readonly nextSegmentOffset: number | null
  /** How far from the end of the file unsynced bytes can begin; Infinity where acknowledged writes are not synced. */
  readonly unsyncedBytesMax: number
  readonly indexIntervalBytes: number
  readonly scanBytes: number
  /** Each valid batch, in order. */
  readonly visit: (buffer: Buffer, at: number) => void
}

export interface RecoveredSegment {
  readonly corrupt: readonly CorruptRange[]
  /** Bytes of a torn tail that were cut off. */
  readonly cutBytes: number
  /** The file ends in damaged bytes, which stay: nothing may be appended to it. */
  readonly endsDamaged: boolean
}

const sectorBytes = 512

/**
 * Scans the whole segment, cuts off a torn tail, fills in the segment's size, end offset and indexes, and syncs the file.
 * Throws DiskError.
 */
export async function recoverSegment(segment: Segment, options: RecoveryOptions): Promise<RecoveredSegment> {
  segment.rewindTo(segment.baseOffset)
  segment.aborted = []
  return segment.file.with(async file => {
    const corrupt: CorruptRange[] = []
    let endsDamaged = false
    let cutBytes = 0
    let end = await scanFrom(file, segment, 0, segment.baseOffset, options)
    while (end.reason === 'bad') {
      const { position, nextOffset } = end
      const next = await findNextBatch(file, position + 1, file.size, nextOffset, options.scanBytes)
      if (await isTorn(file, position, next, nextOffset, options)) {
        cutBytes = file.size - position
        await file.truncate(position)
        break
      }
      if (next < 0) {
        const endOffset = options.nextSegmentOffset ?? Math.max(options.durableOffset, nextOffset)
        corrupt.push({ startOffset: nextOffset, endOffset, position, endPosition: file.size })
        segment.sizeBytes = file.size
        segment.nextOffset = endOffset
        endsDamaged = true
        break
      }
      const first = await file.read(next, 61)
      const endOffset = baseOffset(first)
      corrupt.push({ startOffset: nextOffset, endOffset, position, endPosition: next })
      segment.noteGap(next, lastOffset(first))
      end = await scanFrom(file, segment, next, endOffset, options)
    }
    segment.corrupt = corrupt
    segment.uncheckedBytes = 0
    // What was read may be in the page cache only: it must not be lost a second time (KAFKA-10101).
    await file.sync()
    return { corrupt, cutBytes, endsDamaged }
  })
}

function scanFrom(
  file: File,
  segment: Segment,
  from: number,
  fromOffset: number,
  options: RecoveryOptions,
): Promise<ScanEnd> {
  return scanBatches(file, {
    from,
    to: file.size,
    fromOffset,
    checksums: true,
    scanBytes: options.scanBytes,
    visit(buffer, at) {
      segment.noteBatch(
        lastOffset(buffer, at),
        largestRecordTimestamp(buffer, at),
        batchBytes(buffer, at),
        options.indexIntervalBytes,
      )
      options.visit(buffer, at)
      return true
    },
  })
}

/** See the head of this file. `next` is where a valid batch follows, -1 when none does. */
async function isTorn(
  file: File,
  position: number,
  next: number,
  offset: number,
  options: RecoveryOptions,
): Promise<boolean> {
  if (options.nextSegmentOffset !== null || offset < options.durableOffset) return false
  if (next < 0) return true
  if (file.size - position > options.unsyncedBytesMax) return false
  return hasLostSector(file, position, next, options.scanBytes)
}

/** Whether some sector's part of [from, to) is all zeros. */
async function hasLostSector(file: File, from: number, to: number, scanBytes: number): Promise<boolean> {
  for (let position = from; position < to; ) {
    const buffer = await file.read(position, Math.min(scanBytes, to - position))
    if (buffer.length === 0) return false
    for (let at = 0; at < buffer.length; ) {
      const sectorEnd = Math.min(buffer.length, at + sectorBytes - ((position + at) % sectorBytes))
      if (isZero(buffer, at, sectorEnd)) return true
      at = sectorEnd
    }
    position += buffer.length
  }
  return false
}

function isZero(buffer: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (buffer[at] !== 0) return false
  return true
}
