/**
 * The newest batches of a log, as they were appended: readers at the end are served from here without touching the disk,
 * and the write loop takes its bytes from here. Batches that still wait for the disk are never dropped; the rest is
 * bounded per log and over all logs, the oldest go first.
 */
export interface CachedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Where it lies, or will lie, in its segment file. */
  readonly position: number
  readonly bytes: Buffer
}

/** Shared by all logs: what they may hold together. */
export class TailCacheBudget {
  readonly #bytesMax: number
  /** One entry for each batch added, in order: whose turn it is to give. */
  #givers: TailCache[] = []
  #next = 0
  #heldBytes = 0
  #heldBatches = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  add(cache: TailCache, bytes: number): void {
    this.#heldBytes += bytes
    this.#heldBatches++
    this.#givers.push(cache)
    while (this.#heldBytes > this.#bytesMax && this.#next < this.#givers.length) {
      const giver = this.#givers[this.#next]
      if (!giver.takeStaleTurn() && !giver.dropOldest()) break
      this.#next++
    }
    if (this.#givers.length > 2 * this.#heldBatches + 1024) this.#sweep()
  }

  removed(bytes: number, batches: number): void {
    this.#heldBytes -= bytes
    this.#heldBatches -= batches
  }

  #sweep(): void {
    const live: TailCache[] = []
    for (let at = this.#next; at < this.#givers.length; at++) {
      const giver = this.#givers[at]
      if (!giver.takeStaleTurn()) live.push(giver)
    }
    this.#givers = live
    this.#next = 0
  }
}

export class TailCache {
  readonly #budget: TailCacheBudget
  readonly #bytesMax: number
  #batches: (CachedBatch | undefined)[] = []
  /** Batches before this slot are gone. */
  #first = 0
  #heldBytes = 0
  /** Batches from this offset on are still to be written, and stay. */
  #pinnedFrom: number
  /** Turns in the budget's queue whose batch is gone already. */
  #staleTurns = 0

  constructor(budget: TailCacheBudget, bytesMax: number, endOffset: number) {
    this.#budget = budget
    this.#bytesMax = bytesMax
    this.#pinnedFrom = endOffset
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  add(batch: CachedBatch): void {
    this.#batches.push(batch)
    this.#heldBytes += batch.bytes.length
    this.#budget.add(this, batch.bytes.length)
    while (this.#heldBytes > this.#bytesMax && this.dropOldest()) this.#staleTurns++
  }

  /** All below `offset` is in the file and may go. */
  unpinTo(offset: number): void {
    this.#pinnedFrom = offset
  }

  /**
   * Slot of the batch that holds `offset` (or the first after it, where compaction left a gap), -1 when the cache begins
   * later than that.
   */
  find(offset: number): number {
    let low = this.#first
    let high = this.#batches.length
    const oldest = this.#batches[low]
    if (oldest === undefined || oldest.baseOffset > offset) return -1
    while (low < high) {
      const middle = (low + high) >>> 1
      const batch = this.#batches[middle]
      if (batch !== undefined && batch.lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low < this.#batches.length ? low : -1
  }

  /** The batch in a slot that `find` returned, or in one after it; undefined at the end. */
  at(slot: number): CachedBatch | undefined {
    return this.#batches[slot]
  }

  /** Batches that end before `offset` are no longer what the log holds there. */
  dropBefore(offset: number): void {
    for (let oldest = this.#batches[this.#first]; oldest && oldest.lastOffset < offset; ) {
      if (!this.dropOldest()) return
      this.#staleTurns++
      oldest = this.#batches[this.#first]
    }
  }

  /** False when the oldest still waits for the disk, or there is none. */
  dropOldest(): boolean {
    const batch = this.#batches[this.#first]
    if (batch === undefined || batch.lastOffset >= this.#pinnedFrom) return false
    this.#batches[this.#first++] = undefined
    this.#heldBytes -= batch.bytes.length
    this.#budget.removed(batch.bytes.length, 1)
    if (this.#first > 64 && this.#first * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#first)
      this.#first = 0
    }
    return true
  }

  /** After truncation nothing cached is true any more; also when the log goes. */
  clear(endOffset: number): void {
    const count = this.#batches.length - this.#first
    this.#staleTurns += count
    this.#budget.removed(this.#heldBytes, count)
    this.#batches = []
    this.#first = 0
    this.#heldBytes = 0
    this.#pinnedFrom = endOffset
  }

  /** For the budget: true when the turn at the head of its queue belongs to a batch that is gone. */
  takeStaleTurn(): boolean {
    if (this.#staleTurns === 0) return false
    this.#staleTurns--
    return true
  }
}

/**
 * Bytes that may be kept: a small view of a large buffer would keep all of that alive, so it is copied. A view of most of
 * its buffer is kept as it is.
 */
export function ownBytes(view: Buffer): Buffer {
  return view.length * 8 < view.buffer.byteLength ? Buffer.from(view) : view
}
