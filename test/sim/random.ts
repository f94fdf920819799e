/** Randomness of a simulated host: the same seed gives the same draws. */
import type { Random } from '../../src/host/host.ts'
import { uuidFrom } from '../../src/host/node-clock.ts'

export class SimRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
    // Neighbouring seeds begin alike: the first draws are thrown away.
    for (let i = 0; i < 4; i++) this.#next()
  }

  below(n: number): number {
    if (n <= 1) return 0
    if (n <= 2 ** 32) return Math.floor((this.#next() / 2 ** 32) * n)
    return Math.floor(((this.#next() * 2 ** 21 + (this.#next() >>> 11)) / 2 ** 53) * n)
  }

  bytes(n: number): Buffer {
    const bytes = Buffer.allocUnsafe(n)
    for (let at = 0; at < n; at++) bytes[at] = this.#next() >>> 24
    return bytes
  }

  uuid(): string {
    return uuidFrom(n => this.bytes(n))
  }

  /** True once in `n` draws. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]
  }

  /** A source of its own, so that what one part draws does not depend on how often another one does. */
  fork(): SimRandom {
    return new SimRandom(this.#next())
  }

  /** mulberry32: 32 bits of state are plenty for choosing faults. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
}
