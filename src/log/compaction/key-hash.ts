/**
 * The hash that stands for a record's key while a log is compacted: SipHash-1-3 with 128 bits of output, under a key that
 * nobody else knows. Two keys that hash alike would be taken for one and the older record be lost, so it must not be
 * possible to choose keys that do (as it is for the faster hashes in use), and by chance it must not happen.
 */
import { assert } from '../../lib/assert.ts'

export const hashKeyBytes = 16

/** Rounds after the last word, before each half of the output. */
const finalRounds = 3

export class KeyHash {
  /** The hash that `of` made last, four words. */
  readonly words = new Int32Array(4)
  readonly #key: Int32Array

  /** `key`: 16 random bytes. */
  constructor(key: Buffer) {
    assert(key.length === hashKeyBytes, `a hash key of ${key.length} bytes`)
    this.#key = new Int32Array(4)
    for (let word = 0; word < 4; word++) this.#key[word] = key.readInt32LE(word * 4)
  }

  /** Hashes `length` bytes at `from`. */
  of(bytes: Buffer, from: number, length: number): void {
    const key = this.#key
    let v0l = key[0] ^ 0x70736575
    let v0h = key[1] ^ 0x736f6d65
    let v1l = key[2] ^ 0x6e646f6d ^ 0xee
    let v1h = key[3] ^ 0x646f7261
    let v2l = key[0] ^ 0x6e657261
    let v2h = key[1] ^ 0x6c796765
    let v3l = key[2] ^ 0x79746573
    let v3h = key[3] ^ 0x74656462
    const lastWord = length >>> 3
    const end = lastWord + finalRounds * 2
    let at = from
    // One round for each word and then the final ones; 64-bit words are pairs of a low and a high half.
    for (let step = 0; step <= end; step++) {
      let low = 0
      let high = 0
      if (step < lastWord) {
        low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
        high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)
        at += 8
      } else if (step === lastWord) {
        const left = length & 7
        for (let i = 0; i < left; i++) {
          if (i < 4) low |= bytes[at + i] << (i * 8)
          else high |= bytes[at + i] << ((i - 4) * 8)
        }
        high |= (length & 0xff) << 24
      } else if (step === lastWord + 1) v2l ^= 0xee
      else if (step === lastWord + 1 + finalRounds) {
        this.words[0] = v0l ^ v1l ^ v2l ^ v3l
        this.words[1] = v0h ^ v1h ^ v2h ^ v3h
        v1l ^= 0xdd
      }
      v3l ^= low
      v3h ^= high
      let sum = (v0l + v1l) | 0
      v0h = (v0h + v1h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0
      v0l = sum
      let high1 = (v1h << 13) | (v1l >>> 19)
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l
      v1h = high1 ^ v0h
      let swap = v0l
      v0l = v0h
      v0h = swap
      sum = (v2l + v3l) | 0
      v2h = (v2h + v3h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0
      v2l = sum
      high1 = (v3h << 16) | (v3l >>> 16)
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l
      v3h = high1 ^ v2h
      sum = (v0l + v3l) | 0
      v0h = (v0h + v3h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0
      v0l = sum
      high1 = (v3h << 21) | (v3l >>> 11)
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l
      v3h = high1 ^ v0h
      sum = (v2l + v1l) | 0
      v2h = (v2h + v1h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0
      v2l = sum
      high1 = (v1h << 17) | (v1l >>> 15)
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l
      v1h = high1 ^ v2h
      swap = v2l
      v2l = v2h
      v2h = swap
      v0l ^= low
      v0h ^= high
    }
    this.words[2] = v0l ^ v1l ^ v2l ^ v3l
    this.words[3] = v0h ^ v1h ^ v2h ^ v3h
  }
}
