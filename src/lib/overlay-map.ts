/**
 * A map that is cheap to copy: copies share what they began with, and each keeps its own few changes on top. With n
 * entries both a copy and a change cost about the square root of n.
 */

/** Stands for an entry of the base that was taken out. */
const gone = Symbol('gone')

/** Changes that a small map may gather before it is made anew. */
const changesMin = 16

export class OverlayMap<K, V> {
  #base: ReadonlyMap<K, V> = new Map()
  #changes = new Map<K, V | typeof gone>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    const changed = this.#changes.get(key)
    if (changed === undefined) return this.#base.get(key)
    return changed === gone ? undefined : changed
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  set(key: K, value: V): void {
    if (!this.has(key)) this.#size++
    this.#change(key, value)
  }

  delete(key: K): void {
    if (!this.has(key)) return
    this.#size--
    if (this.#base.has(key)) this.#change(key, gone)
    else this.#changes.delete(key)
  }

  /** Neither copy sees what becomes of the other. */
  clone(): OverlayMap<K, V> {
    const copy = new OverlayMap<K, V>()
    copy.#base = this.#base
    copy.#changes = new Map(this.#changes)
    copy.#size = this.#size
    return copy
  }

  /** In the order of insertion, but for keys that were taken out and put back. */
  *[Symbol.iterator](): Generator<[K, V], void, void> {
    for (const [key, value] of this.#base) {
      const changed = this.#changes.get(key)
      if (changed === undefined) yield [key, value]
      else if (changed !== gone) yield [key, changed]
    }
    for (const [key, value] of this.#changes) {
      if (value !== gone && !this.#base.has(key)) yield [key, value]
    }
  }

  *keys(): Generator<K, void, void> {
    for (const [key] of this) yield key
  }

  *values(): Generator<V, void, void> {
    for (const [, value] of this) yield value
  }

  #change(key: K, value: V | typeof gone): void {
    this.#changes.set(key, value)
    if (this.#changes.size <= Math.max(changesMin, Math.sqrt(this.#base.size))) return
    this.#base = new Map(this)
    this.#changes = new Map()
  }
}
