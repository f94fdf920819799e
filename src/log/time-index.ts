/**
 * The sparse time index of one segment, in memory: file `<base offset>.timeindex`, entries of 12 bytes (int64 timestamp,
 * int32 offset relative to the segment), timestamps ascending.
 *
 * An entry says: the largest timestamp up to and including this offset is this one. As in Apache Kafka its offset is the
 * last of the batch that carries the timestamp. Derived data, rebuilt from the segment when anything is wrong.
 */
import { assert } from '../lib/assert.ts'

export const timeIndexEntryBytes = 12
const relativeOffsetMax = 0x7fffffff

export class TimeIndex {
  readonly baseOffset: number
  #timestamps: Float64Array
  #offsets: Int32Array
  #count = 0

  constructor(baseOffset: number, capacity = 0) {
    this.baseOffset = baseOffset
    this.#timestamps = new Float64Array(capacity)
    this.#offsets = new Int32Array(capacity)
  }

  /** Null when the bytes cannot be an index of this segment. */
  static decode(baseOffset: number, bytes: Buffer): TimeIndex | null {
    if (bytes.length % timeIndexEntryBytes !== 0) return null
    const index = new TimeIndex(baseOffset, bytes.length / timeIndexEntryBytes)
    let previousTimestamp = -1
    let previousOffset = -1
    for (let at = 0; at < bytes.length; at += timeIndexEntryBytes) {
      const timestamp = Number(bytes.readBigInt64BE(at))
      const relative = bytes.readInt32BE(at + 8)
      if (timestamp <= previousTimestamp || relative < 0 || relative <= previousOffset) return null
      index.maybeAppend(timestamp, baseOffset + relative)
      previousTimestamp = timestamp
      previousOffset = relative
    }
    return index
  }

  get count(): number {
    return this.#count
  }

  get heldBytes(): number {
    return this.#timestamps.byteLength + this.#offsets.byteLength
  }

  /** Largest timestamp noted, -1 when there is none. */
  get lastTimestamp(): number {
    return this.#count === 0 ? -1 : this.#timestamps[this.#count - 1]
  }

  /** Offset of the batch with the largest timestamp (its last), the segment's base when there is none. */
  get lastOffset(): number {
    return this.baseOffset + (this.#count === 0 ? 0 : this.#offsets[this.#count - 1])
  }

  /** Notes the largest timestamp so far; nothing unless it is larger than the last one noted. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= this.lastTimestamp) return
    const relative = offset - this.baseOffset
    assert(relative >= 0 && relative <= relativeOffsetMax, `offset ${offset} outside segment ${this.baseOffset}`)
    if (this.#count === this.#offsets.length) this.#grow()
    this.#timestamps[this.#count] = timestamp
    this.#offsets[this.#count] = relative
    this.#count++
  }

  /** Offset from which to scan for the first record not older than `timestamp`: all before are older. */
  scanFrom(timestamp: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#timestamps[middle] < timestamp) low = middle + 1
      else high = middle
    }
    return low === 0 ? this.baseOffset : this.baseOffset + this.#offsets[low - 1]
  }

  /** Keeps entries of offsets below `offset`. */
  truncateTo(offset: number): void {
    while (this.#count > 0 && this.#offsets[this.#count - 1] >= offset - this.baseOffset) this.#count--
  }

  /** The file's bytes from entry `from` on. */
  encode(from = 0): Buffer {
    const bytes = Buffer.allocUnsafe((this.#count - from) * timeIndexEntryBytes)
    for (let slot = from, at = 0; slot < this.#count; slot++, at += timeIndexEntryBytes) {
      bytes.writeBigInt64BE(BigInt(this.#timestamps[slot]), at)
      bytes.writeInt32BE(this.#offsets[slot], at + 8)
    }
    return bytes
  }

  #grow(): void {
    const capacity = Math.max(16, this.#offsets.length * 2)
    const timestamps = new Float64Array(capacity)
    const offsets = new Int32Array(capacity)
    timestamps.set(this.#timestamps)
    offsets.set(this.#offsets)
    this.#timestamps = timestamps
    this.#offsets = offsets
  }
}
