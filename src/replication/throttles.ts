/** Which replicas are held back when they are copied, and how fast copying may be: set by tools that move partitions. */
import type { Clock } from '../host/host.ts'
import { getOrCreate } from '../lib/get-or-create.ts'
import type { Partition } from './partition.ts'
import { isThrottledReplica, type QuotaWindow, ReplicationQuota } from './replication-quota.ts'

/** `leader`: what this broker gives to followers. `follower`: what it fetches. */
export type ThrottledSide = 'leader' | 'follower'

export interface ThrottlesOptions {
  readonly clock: Clock
  readonly brokerId: number
  readonly window: QuotaWindow
  /** Bytes a second; infinite for no limit. */
  readonly rate: (side: ThrottledSide) => number
  /** `*`, or `partition:broker` pairs. */
  readonly replicas: (side: ThrottledSide, topic: string) => readonly string[]
}

const sides: readonly ThrottledSide[] = ['leader', 'follower']

export class Throttles {
  readonly #options: ThrottlesOptions
  readonly #quotas: Readonly<Record<ThrottledSide, ReplicationQuota>>
  /** By topic; asked for when needed, forgotten when settings change. */
  readonly #replicas: Readonly<Record<ThrottledSide, Map<string, readonly string[]>>>

  constructor(options: ThrottlesOptions) {
    this.#options = options
    this.#quotas = { leader: new ReplicationQuota(options.window), follower: new ReplicationQuota(options.window) }
    this.#replicas = { leader: new Map(), follower: new Map() }
  }

  /** How long a replica that is held back waits before it tries again, milliseconds. */
  get pauseMs(): number {
    return this.#options.window.sampleMs
  }

  /** Settings of the broker or of a topic changed. */
  update(): void {
    for (const side of sides) {
      this.#quotas[side].limit(this.#options.rate(side))
      this.#replicas[side].clear()
    }
  }

  record(side: ThrottledSide, partition: Partition, bytes: number): void {
    const quota = this.#quotas[side]
    if (bytes > 0 && quota.isLimited && this.#isThrottled(side, partition)) {
      quota.record(bytes, this.#options.clock.monotonic())
    }
  }

  /** Whether the replica of `replicaId` gets nothing for now. */
  holdsBack(side: ThrottledSide, partition: Partition, replicaId: number): boolean {
    const quota = this.#quotas[side]
    if (!quota.isLimited || !this.#isThrottled(side, partition)) return false
    const isr = partition.leadership?.isr ?? partition.state.isr
    return !isr.includes(replicaId) && quota.isExceeded(this.#options.clock.monotonic())
  }

  #isThrottled(side: ThrottledSide, { topic, index }: Partition): boolean {
    const replicas = getOrCreate(this.#replicas[side], topic, () => this.#options.replicas(side, topic))
    return replicas.length > 0 && isThrottledReplica(replicas, index, this.#options.brokerId)
  }
}
