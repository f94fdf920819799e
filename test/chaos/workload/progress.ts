/** How long each partition has gone without an acknowledged write: what a failover is to a client. */
import { monotonicMs } from './clock.ts'

export interface Gaps {
  /** Per partition, the longest time without an acknowledgement since the mark, the one that goes on included. */
  readonly gapMs: Readonly<Record<string, number>>
  /** Per partition, when the last acknowledged write began. */
  readonly lastBegun: Readonly<Record<string, number>>
}

interface PartitionProgress {
  lastEnded: number
  lastBegun: number
  longest: number
}

export class Progress {
  readonly #partitions = new Map<string, PartitionProgress>()

  constructor(partitions: readonly string[]) {
    const now = monotonicMs()
    for (const partition of partitions) {
      this.#partitions.set(partition, { lastEnded: now, lastBegun: Number.NEGATIVE_INFINITY, longest: 0 })
    }
  }

  begin(): number {
    return monotonicMs()
  }

  acknowledged(partition: string, begun: number): void {
    const state = this.#partitions.get(partition)!
    const now = monotonicMs()
    state.longest = Math.max(state.longest, now - state.lastEnded)
    state.lastEnded = now
    state.lastBegun = Math.max(state.lastBegun, begun)
  }

  /** From now on gaps are counted anew; what has gone on until now counts from its beginning. */
  mark(): void {
    for (const state of this.#partitions.values()) state.longest = 0
  }

  get gaps(): Gaps {
    const now = monotonicMs()
    const all = [...this.#partitions]
    return {
      gapMs: Object.fromEntries(all.map(([name, state]) => [name, Math.max(state.longest, now - state.lastEnded)])),
      lastBegun: Object.fromEntries(all.map(([name, state]) => [name, state.lastBegun])),
    }
  }
}
