/** Walks over the batches of a segment that is complete, a piece at a time, in slices of the event loop's time. */
import {
  baseOffset,
  batchBytes,
  batchHeaderBytes,
  checkBatchShape,
  lastOffset,
  lastOffsetDelta,
} from '../../../protocol/records/batch.ts'
import type { Segment } from '../segment.ts'
import { Damaged, type Work } from './work.ts'

/** A batch at `at` in `buffer`, which is used again afterwards. False ends the walk before it. */
export type VisitBatch = (buffer: Buffer, at: number) => Promise<boolean>

/**
 * From `position` on. False when `visit` ended it. Throws Cancelled, DiskError, and Damaged for bytes that are no
 * batches of this log.
 */
export function walkSegment(segment: Segment, position: number, work: Work, visit: VisitBatch): Promise<boolean> {
  return segment.file.with(async file => {
    const end = segment.sizeBytes
    let wanted = 0
    while (position < end) {
      const into = work.readBuffer(wanted)
      const asked = Math.min(into.length, end - position)
      const buffer = await work.awaiting(file.read(position, asked, into))
      if (buffer.length < asked) throw new Damaged(`${segment.file.path} ends at ${position + buffer.length}`)
      work.counts.bytesRead += asked
      await work.took(asked)
      let at = 0
      for (let left = asked; left > 0; left = asked - at) {
        const bytes = wholeBytes(buffer, at, segment, position + at, end)
        if (bytes > left) break
        if (!(await visit(buffer, at))) return false
        at += bytes
        if (work.isDue) await work.breathe()
      }
      position += at
      // One batch that is longer than the piece.
      if (at === 0) wanted = wholeBytes(buffer, 0, segment, position, end)
    }
    return true
  })
}

/** Bytes of the batch at `at`, checked; more than there are when it goes on after the piece. */
function wholeBytes(buffer: Buffer, at: number, segment: Segment, position: number, end: number): number {
  const left = buffer.length - at
  const shape = left < batchHeaderBytes ? 'incomplete' : checkBatchShape(buffer, at)
  const claimed = left < batchHeaderBytes ? left + 1 : batchBytes(buffer, at)
  const isBad = shape !== 'ok' && shape !== 'incomplete'
  if (isBad || claimed > end - position || (left >= batchHeaderBytes && !isPlausible(buffer, at, segment))) {
    throw new Damaged(`${segment.file.path} has no batch of its log at ${position}`)
  }
  return claimed
}

function isPlausible(buffer: Buffer, at: number, segment: Segment): boolean {
  const last = lastOffset(buffer, at)
  return baseOffset(buffer, at) >= segment.baseOffset && lastOffsetDelta(buffer, at) >= 0 && Number.isSafeInteger(last)
}
