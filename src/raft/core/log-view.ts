/** What deciding takes of the log, and the comparison of two histories. */

export interface OffsetAndEpoch {
  readonly endOffset: number
  readonly epoch: number
}

/** Answers at once, from memory. */
export interface LogView {
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Epoch of the last record, or of the snapshot when there is none after it; 0 in the beginning. */
  readonly lastEpoch: number
  /** Where `epoch` ended, or the largest epoch below it; null when it is larger than every epoch known. */
  endOffsetForEpoch(epoch: number): OffsetAndEpoch | null
  /** Ends at or after the log start; null when there is none. */
  readonly earliestSnapshot: OffsetAndEpoch | null
  readonly latestSnapshot: OffsetAndEpoch | null
}

export type Position =
  | { readonly kind: 'valid' }
  | { readonly kind: 'diverging'; readonly at: OffsetAndEpoch }
  | { readonly kind: 'snapshot'; readonly id: OffsetAndEpoch }

/** Whether a replica that ends at `offset`, with its last record of `epoch`, can go on from here. */
export function validatePosition(log: LogView, offset: number, epoch: number): Position {
  const { earliestSnapshot: earliest, latestSnapshot: latest } = log
  if (offset === 0 && epoch === 0 && log.logStartOffset === 0 && (latest === null || latest.endOffset === 0)) {
    return { kind: 'valid' }
  }
  if (earliest && latest && latest.endOffset > 0) {
    const before = offset < log.logStartOffset || offset === 0
    // The record before the log start is gone; the snapshot knows whose it was.
    const otherHistory = offset === log.logStartOffset && earliest.endOffset === offset && epoch !== earliest.epoch
    if (before || otherHistory || epoch < earliest.epoch) return { kind: 'snapshot', id: latest }
  }
  const end = endOfEpoch(log, epoch)
  if (end.epoch !== epoch || end.endOffset < offset) return { kind: 'diverging', at: end }
  return { kind: 'valid' }
}

/** Where a log has to be cut when its leader says that `at` is the end of what both may have. */
export function truncationOffset(log: LogView, at: OffsetAndEpoch): number {
  if (at.epoch === 0) return Math.min(at.endOffset, log.logEndOffset)
  const own = endOfEpoch(log, at.epoch)
  return own.epoch === at.epoch ? Math.min(own.endOffset, at.endOffset) : own.endOffset
}

/** True when a log that ends so has all that `log` has. */
export function isUpToDate(log: LogView, lastOffset: number, lastEpoch: number): boolean {
  return lastEpoch > log.lastEpoch || (lastEpoch === log.lastEpoch && lastOffset >= log.logEndOffset)
}

function endOfEpoch(log: LogView, epoch: number): OffsetAndEpoch {
  const end = log.endOffsetForEpoch(epoch)
  if (!end) return { endOffset: log.logEndOffset, epoch: log.lastEpoch }
  const { earliestSnapshot: earliest } = log
  // The log begins where a snapshot of just this epoch ends.
  if (earliest && earliest.epoch === epoch && end.endOffset <= earliest.endOffset && end.epoch !== epoch)
    return earliest
  return end
}
