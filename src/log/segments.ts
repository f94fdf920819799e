/** The segments of one log in order of their offsets; there is always at least one, the last is the active one. */
import { assert } from '../lib/assert.ts'
import type { Segment } from './segment.ts'

export class SegmentList {
  #segments: Segment[]
  #changes = 0

  constructor(segments: Segment[]) {
    assert(segments.length > 0, 'a log has at least one segment')
    this.#segments = segments
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  /** How often segments have been taken away. Those who wait in between see by it that they must look again. */
  get changes(): number {
    return this.#changes
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

  /** Whether it is one of them still: it may have been removed, cut off or replaced by another one of its base. */
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
    this.#changes++
    return this.#segments.splice(0, count)
  }

  /** Takes away the active segment; the one before it becomes active. */
  removeActive(): Segment {
    assert(this.#segments.length > 1, 'a log has at least one segment')
    this.#changes++
    return this.#segments.pop()!
  }

  /** Another segment in the place of some that follow one another and are all here; the active one is not among them. */
  replace(replaced: readonly Segment[], segment: Segment): void {
    const at = this.#segments.indexOf(replaced[0])
    assert(at >= 0 && at + replaced.length < this.#segments.length, 'segments to be replaced are here, and closed')
    assert(this.#segments[at + replaced.length - 1] === replaced[replaced.length - 1], 'they follow one another')
    this.#changes++
    this.#segments.splice(at, replaced.length, segment)
  }

  /** Another segment instead of all of them. */
  restart(segment: Segment): void {
    this.#changes++
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
