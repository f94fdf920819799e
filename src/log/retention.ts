/** Which of the oldest segments retention removes. */
import type { LogConfig } from './log-config.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segments.ts'

export interface RetentionQuestion {
  readonly config: LogConfig
  readonly nowMs: number
  readonly logStartOffset: number
  /** Nothing at or beyond it is removed. */
  readonly highWatermark: number
  readonly largestTimestamp: (segment: Segment) => Promise<number>
}

/**
 * How many segments from the oldest on are to go: because their records were deleted, because the newest of their records
 * is too old, or because the log is too large. All of them means that the active segment is to be rolled first.
 */
export async function expiredSegments(segments: SegmentList, question: RetentionQuestion): Promise<number> {
  const all = [...segments.all]
  const { config, logStartOffset, highWatermark } = question
  let excessBytes = config.retentionBytes >= 0 ? segments.sizeBytes - config.retentionBytes : 0
  let count = 0
  for (; count < all.length; count++) {
    const segment = all[count]
    const next = all[count + 1]
    const endOffset = next ? next.baseOffset : segment.nextOffset
    if (endOffset > highWatermark || (next === undefined && segment.sizeBytes === 0)) break
    const deleted = next !== undefined && endOffset <= logStartOffset
    const tooLarge = config.cleanupPolicy.delete && config.retentionBytes >= 0 && excessBytes >= segment.sizeBytes
    if (!deleted && !tooLarge && !(await tooOld(segment, question))) break
    excessBytes -= segment.sizeBytes
  }
  return count
}

async function tooOld(segment: Segment, question: RetentionQuestion): Promise<boolean> {
  const { config, nowMs } = question
  if (!config.cleanupPolicy.delete || config.retentionMs < 0) return false
  const largest = await question.largestTimestamp(segment)
  return nowMs - (largest >= 0 ? largest : segment.createdMs) > config.retentionMs
}
