/** The transactions that keep read-committed consumers waiting: the open ones, and ends that are not replicated yet. */

interface Ended {
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
}

export class OpenTransactions {
  /** First offset by producer id, in the order of their first offsets: they begin in the order of the log. */
  readonly #open = new Map<number, number>()
  /** In the order of their markers. */
  #ended: Ended[] = []
  /** The least first offset of `#ended`, Infinity when there is none. */
  #endedFirstOffset = Number.POSITIVE_INFINITY

  begin(producerId: number, firstOffset: number): void {
    this.#open.set(producerId, firstOffset)
  }

  complete(producerId: number, lastOffset: number): void {
    const firstOffset = this.#open.get(producerId)
    if (firstOffset === undefined) return
    this.#open.delete(producerId)
    this.#ended.push({ firstOffset, lastOffset })
    this.#endedFirstOffset = Math.min(this.#endedFirstOffset, firstOffset)
  }

  /** Null when no transaction is open. */
  firstOpenOffset(): number | null {
    for (const firstOffset of this.#open.values()) return firstOffset
    return null
  }

  /** The least first offset of what is open or ended at or after the high watermark; null when there is none. */
  firstUnstableOffset(highWatermark: number): number | null {
    this.ended(highWatermark)
    const first = Math.min(this.firstOpenOffset() ?? Number.POSITIVE_INFINITY, this.#endedFirstOffset)
    return first === Number.POSITIVE_INFINITY ? null : first
  }

  /** Forgets those whose marker is below `offset`. */
  ended(offset: number): void {
    if (this.#ended.length === 0 || this.#ended[0].lastOffset >= offset) return
    const kept = this.#ended.findIndex(ended => ended.lastOffset >= offset)
    this.#ended = kept < 0 ? [] : this.#ended.slice(kept)
    this.#endedFirstOffset = this.#ended.reduce((least, { firstOffset }) => Math.min(least, firstOffset), Infinity)
  }

  clear(): void {
    this.#open.clear()
    this.#ended = []
    this.#endedFirstOffset = Number.POSITIVE_INFINITY
  }
}
