/**
 * How fast throttled replicas may be copied: bytes a second over a window of samples, as Kafka counts it
 * (`leader.` and `follower.replication.throttled.rate`). Replicas that are in sync are never held back.
 */
import { type RateWindow, WindowedRate } from '../lib/windowed-rate.ts'

export type QuotaWindow = RateWindow

export class ReplicationQuota {
  readonly #rate: WindowedRate
  /** Bytes a second; infinite for no limit. */
  #limit = Number.POSITIVE_INFINITY

  constructor(window: QuotaWindow) {
    this.#rate = new WindowedRate(window)
  }

  get isLimited(): boolean {
    return this.#limit !== Number.POSITIVE_INFINITY
  }

  limit(bytesPerSecond: number): void {
    this.#limit = bytesPerSecond
  }

  record(bytes: number, nowMs: number): void {
    this.#rate.record(bytes, nowMs)
  }

  isExceeded(nowMs: number): boolean {
    return this.isLimited && this.#rate.perSecond(nowMs) > this.#limit
  }
}

/** `*`, or `partition:broker` pairs: the value of `leader.replication.throttled.replicas` and its like. */
export function isThrottledReplica(replicas: readonly string[], index: number, brokerId: number): boolean {
  return replicas.includes('*') || replicas.includes(`${index}:${brokerId}`)
}
