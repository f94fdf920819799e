/**
 * Large buffers that are used again. A read of a megabyte into a fresh buffer costs page faults on the way in and
 * garbage collection on the way out; together a third of what serving a consumer costs.
 */
import { assert } from './assert.ts'

/** Smaller ones are cheap to allocate. */
const pooledBytesMin = 64 * 1024

export class BufferPool {
  readonly #keepBytesMax: number
  readonly #free = new Map<number, Buffer[]>()
  /** Capacities of what is out, by their memory: a buffer that was never taken here is not kept. */
  readonly #taken = new WeakSet<ArrayBufferLike>()
  #keptBytes = 0

  /** Keeps no more than this for later. */
  constructor(keepBytesMax: number) {
    this.#keepBytesMax = keepBytesMax
  }

  get keptBytes(): number {
    return this.#keptBytes
  }

  /** At least `bytes` long, with whatever is in it. One that is never given back is lost to the pool, nothing else. */
  take(bytes: number): Buffer {
    if (bytes < pooledBytesMin) return Buffer.allocUnsafe(bytes)
    const capacity = capacityFor(bytes)
    let buffer = this.#free.get(capacity)?.pop()
    if (buffer) this.#keptBytes -= capacity
    else buffer = Buffer.allocUnsafeSlow(capacity)
    this.#taken.add(buffer.buffer)
    return buffer
  }

  /** Whoever gives a buffer back holds no view of it any more. */
  give(buffer: Buffer): void {
    if (buffer.length < pooledBytesMin) return
    assert(this.#taken.delete(buffer.buffer), 'a buffer is given back once, whole, to the pool it came from')
    if (this.#keptBytes + buffer.length > this.#keepBytesMax) return
    this.#keptBytes += buffer.length
    const free = this.#free.get(buffer.length)
    if (free) free.push(buffer)
    else this.#free.set(buffer.length, [buffer])
  }
}

/** Four sizes between one power of two and the next, so that at most a fifth is unused. */
function capacityFor(bytes: number): number {
  const step = 2 ** (31 - Math.clz32(bytes - 1)) / 4
  return Math.ceil(bytes / step) * step
}
