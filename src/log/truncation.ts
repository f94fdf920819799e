/** Cutting batches off the end of a segment. */
import { batchBytes, largestRecordTimestamp, lastOffset } from '../../protocol/records/batch.ts'
import type { LogConfig } from './log-config.ts'
import type { Segment } from './segment.ts'
import { scanReadable } from './segment-scan.ts'

/**
 * Cuts off every batch that ends at or after `offset`, in the file (synced) and in what is known of it. Both indexes
 * must be in memory. The offset at which the segment ends then. Throws DiskError.
 */
export async function cutSegment(
  segment: Segment,
  offset: number,
  config: LogConfig,
  scanBytes: number,
): Promise<number> {
  const to = segment.sizeBytes
  const corrupt = segment.corrupt
  const from = segment.rewindTo(offset)
  if (!segment.onDisk) return segment.nextOffset
  let ends = segment.baseOffset
  await segment.file.with(async file => {
    const end = await scanReadable(file, corrupt, {
      from,
      to: Math.min(to, file.size),
      fromOffset: segment.baseOffset,
      checksums: false,
      scanBytes,
      visit(buffer, at, position) {
        if (lastOffset(buffer, at) >= offset) return false
        if (position !== segment.sizeBytes) segment.noteGap(position, lastOffset(buffer, at))
        segment.noteBatch(
          lastOffset(buffer, at),
          largestRecordTimestamp(buffer, at),
          batchBytes(buffer, at),
          config.indexIntervalBytes,
        )
        ends = segment.nextOffset
        return true
      },
    })
    await file.truncate(end.position)
    await file.sync()
    segment.sizeBytes = end.position
    segment.uncheckedBytes = Math.min(segment.uncheckedBytes, end.position)
  })
  segment.corrupt = corrupt.filter(range => range.startOffset < ends)
  segment.nextOffset = ends
  return ends
}
