/** The segments of one log in order of their offsets; there is always at least one, the last is the active one. */
import { assert } from '../lib/assert.ts'
import type { Segment } from './segment.ts'

export class SegmentList {
  #segments: Segment[]

  constructor(segments: Segment[]) {
    assert(segments.length > 0, 'a log has at least one segment')
    this.#segments = segments
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get first(): Segment {
    return this.#segments[0]
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1]
  }

  get sizeBytes(): number {
    let bytes = 0
    for (const segment of this.#segments) bytes += segment.sizeBytes
    return bytes
  }

  /** The segment whose range holds `offset`; the first one for offsets before it. */
  floor(offset: number): Segment {
    return this.#segments[this.#floorSlot(offset)]
  }

  /** The segment after this one; undefined for the active one and for one that is no longer here. */
  after(segment: Segment): Segment | undefined {
    return this.#segments.find(other => other.baseOffset > segment.baseOffset)
  }

  has(segment: Segment): boolean {
    return this.floor(segment.baseOffset) === segment
  }

  /** Adds a new active segment. */
  add(segment: Segment): void {
    assert(segment.baseOffset > this.active.baseOffset, `segment ${segment.baseOffset} after ${this.active.baseOffset}`)
    this.#segments.push(segment)
  }

  /** Takes away the `count` oldest, never the active one. */
  removeOldest(count: number): Segment[] {
    assert(count < this.#segments.length, 'the active segment stays')
    return this.#segments.splice(0, count)
  }

  /** Takes away the active segment; the one before it becomes active. */
  removeActive(): Segment {
    assert(this.#segments.length > 1, 'a log has at least one segment')
    return this.#segments.pop()!
  }

  /** Another segment instead of all of them. */
  restart(segment: Segment): void {
    this.#segments = [segment]
  }

  #floorSlot(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#segments[middle].baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}
