/** Where a follower has to cut its log, by what its leader said of the epochs (KIP-101, KIP-279, KIP-595). */
/** An epoch, and the offset after its last record. */
export interface EpochEnd {
  readonly epoch: number
  readonly endOffset: number
}

/**
 * The leader's log has the follower's last epoch not at all, or shorter: `leaders` is the largest epoch not above it that
 * the leader has, and its end there; `own` the same of the follower for `leaders.epoch`, null when it knows no epoch so
 * old. When the follower lacks that very epoch it cuts to the end of an older one, and asks again.
 */
export function truncationOffset(leaders: EpochEnd, own: EpochEnd | null, logEndOffset: number): number {
  if (own === null) return Math.min(leaders.endOffset, logEndOffset)
  if (own.epoch !== leaders.epoch) return Math.min(own.endOffset, logEndOffset)
  return Math.min(own.endOffset, leaders.endOffset, logEndOffset)
}
