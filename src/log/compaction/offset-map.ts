/**
 * The latest offset of each key in the part of a log that is being compacted, in one block of memory of fixed size: 16
 * bytes of hash and 8 of offset for a key, whatever its length. A full one ends the round early.
 */
import { assert } from '../../lib/assert.ts'
import { KeyHash } from './key-hash.ts'

/** Bytes for one key. */
export const offsetMapEntryBytes = 24

/** Words of a slot: four of hash, then the offset plus one as high and low half; zeros in a free one. */
const slotWords = offsetMapEntryBytes / 4
const highAt = 4
const lowAt = 5

const wordRange = 4294967296

export interface OffsetMapSize {
  /** Most memory, bytes. */
  readonly bytesMax: number
  /** How full it may get, above 0 and at most 1. */
  readonly loadFactor: number
  /** No more keys than this will come, where that is known: less memory is taken then. */
  readonly keysMax: number
}

export class OffsetMap {
  /** How many keys fit in. */
  readonly capacity: number
  readonly #hash: KeyHash
  readonly #slots: number
  readonly #words: Uint32Array
  #size = 0

  /** `hashKey`: random bytes that nobody else knows. */
  constructor(hashKey: Buffer, { bytesMax, loadFactor, keysMax }: OffsetMapSize) {
    const slotsMax = Math.max(2, Math.floor(bytesMax / offsetMapEntryBytes))
    // Twice the room that is needed makes for short searches; its pages cost nothing until they are touched.
    this.#slots = Math.min(slotsMax, Math.max(2, keysMax * 2))
    this.capacity = Math.max(1, Math.min(keysMax, Math.floor(this.#slots * loadFactor), this.#slots - 1))
    this.#hash = new KeyHash(hashKey)
    this.#words = new Uint32Array(this.#slots * slotWords)
  }

  get size(): number {
    return this.#size
  }

  /** Memory held, bytes. */
  get heldBytes(): number {
    return this.#words.byteLength
  }

  /** Notes that the key of `length` bytes at `from` has a record at `offset`, later than all before. */
  put(bytes: Buffer, from: number, length: number, offset: number): void {
    const at = this.#find(bytes, from, length)
    const words = this.#words
    if (words[at + highAt] === 0 && words[at + lowAt] === 0) {
      assert(this.#size < this.capacity, 'a map of offsets takes no more than its capacity')
      this.#size++
      const hash = this.#hash.words
      for (let word = 0; word < 4; word++) words[at + word] = hash[word]
    }
    words[at + highAt] = Math.floor((offset + 1) / wordRange)
    words[at + lowAt] = offset + 1
  }

  /** The latest offset of a key; -1 when it has none. */
  get(bytes: Buffer, from: number, length: number): number {
    const at = this.#find(bytes, from, length)
    return this.#words[at + highAt] * wordRange + this.#words[at + lowAt] - 1
  }

  /** Where the slot of this key begins, or the free one where it would go. */
  #find(bytes: Buffer, from: number, length: number): number {
    this.#hash.of(bytes, from, length)
    const hash = this.#hash.words
    const words = this.#words
    const h0 = hash[0] >>> 0
    const h1 = hash[1] >>> 0
    const h2 = hash[2] >>> 0
    const h3 = hash[3] >>> 0
    let slot = Math.floor((h0 / wordRange) * this.#slots)
    for (;;) {
      const at = slot * slotWords
      if (words[at + highAt] === 0 && words[at + lowAt] === 0) return at
      if (words[at] === h0 && words[at + 1] === h1 && words[at + 2] === h2 && words[at + 3] === h3) return at
      slot++
      if (slot === this.#slots) slot = 0
    }
  }
}
