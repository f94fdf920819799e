/**
 * Keeps the indexes of closed segments in memory within a budget; the least recently used go first and are read again
 * from their files when needed. The indexes of active segments are always in memory and not counted here.
 */
import type { Segment } from './segment.ts'

export class IndexCache {
  readonly #bytesMax: number
  /** In order of use, the least recent first, with the bytes counted for each. */
  readonly #held = new Map<Segment, number>()
  #heldBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The indexes of this closed segment are in memory and in use now; others may lose theirs. */
  used(segment: Segment): void {
    this.forget(segment)
    const bytes = segmentIndexBytes(segment)
    this.#held.set(segment, bytes)
    this.#heldBytes += bytes
    for (const other of this.#held.keys()) {
      if (this.#heldBytes <= this.#bytesMax || other === segment) return
      this.forget(other)
      other.offsetIndex = null
      other.timeIndex = null
      // Most segments have none: those who look for some need not read that again.
      if (other.aborted?.length) other.aborted = null
    }
  }

  /** The segment is gone, or active again. */
  forget(segment: Segment): void {
    const bytes = this.#held.get(segment)
    if (bytes === undefined) return
    this.#held.delete(segment)
    this.#heldBytes -= bytes
  }
}

function segmentIndexBytes(segment: Segment): number {
  const { offsetIndex, timeIndex, aborted } = segment
  return (offsetIndex?.heldBytes ?? 0) + (timeIndex?.heldBytes ?? 0) + (aborted?.length ?? 0) * 64
}
