/**
 * The sparse offset index of one segment, in memory: file `<base offset>.index`, entries of 8 bytes (int32 offset
 * relative to the segment, int32 position in the segment file), both ascending.
 *
 * As in Apache Kafka an entry names the *last* offset of a batch and the position where that batch begins, so whoever
 * looks for an offset starts at the greatest entry not above it and scans forward. Derived data: whatever is wrong with
 * the file, it is rebuilt from the segment.
 */
import { assert } from '../lib/assert.ts'

export const offsetIndexEntryBytes = 8
const relativeOffsetMax = 0x7fffffff

export class OffsetIndex {
  readonly baseOffset: number
  /** Pairs of relative offset and position. */
  #entries: Int32Array
  #count = 0

  constructor(baseOffset: number, capacity = 0) {
    this.baseOffset = baseOffset
    this.#entries = new Int32Array(capacity * 2)
  }

  /** Null when the bytes cannot be an index of this segment, e.g. the zeros of a preallocated file. */
  static decode(baseOffset: number, bytes: Buffer, segmentBytes: number): OffsetIndex | null {
    if (bytes.length % offsetIndexEntryBytes !== 0) return null
    const count = bytes.length / offsetIndexEntryBytes
    const index = new OffsetIndex(baseOffset, count)
    let previousOffset = -1
    let previousPosition = -1
    for (let at = 0; at < bytes.length; at += offsetIndexEntryBytes) {
      const relative = bytes.readInt32BE(at)
      const position = bytes.readInt32BE(at + 4)
      if (relative <= previousOffset || position <= previousPosition || position >= segmentBytes) return null
      index.append(baseOffset + relative, position)
      previousOffset = relative
      previousPosition = position
    }
    return index
  }

  get count(): number {
    return this.#count
  }

  /** Memory held, bytes. */
  get heldBytes(): number {
    return this.#entries.byteLength
  }

  append(lastOffset: number, position: number): void {
    const relative = lastOffset - this.baseOffset
    assert(relative >= 0 && relative <= relativeOffsetMax, `offset ${lastOffset} outside segment ${this.baseOffset}`)
    if (this.#count * 2 === this.#entries.length) this.#grow()
    this.#entries[this.#count * 2] = relative
    this.#entries[this.#count * 2 + 1] = position
    this.#count++
  }

  /** Position of the greatest entry whose offset is at most `offset`, 0 when there is none. */
  floorPosition(offset: number): number {
    const slot = this.#floor(offset - this.baseOffset)
    return slot < 0 ? 0 : this.#entries[slot * 2 + 1]
  }

  lastPosition(): number {
    return this.#count === 0 ? 0 : this.#entries[this.#count * 2 - 1]
  }

  /** Keeps entries of offsets below `offset`. */
  truncateTo(offset: number): void {
    this.#count = this.#floor(offset - 1 - this.baseOffset) + 1
  }

  /** The file's bytes from entry `from` on. */
  encode(from = 0): Buffer {
    const bytes = Buffer.allocUnsafe((this.#count - from) * offsetIndexEntryBytes)
    for (let slot = from * 2, at = 0; slot < this.#count * 2; slot++, at += 4)
      bytes.writeInt32BE(this.#entries[slot], at)
    return bytes
  }

  #floor(relative: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle * 2] <= relative) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #grow(): void {
    const larger = new Int32Array(Math.max(16, this.#entries.length * 2))
    larger.set(this.#entries)
    this.#entries = larger
  }
}
