/**
 * How fast throttled replicas may be copied: bytes a second over a window of samples, as Kafka counts it
 * (`leader.` and `follower.replication.throttled.rate`). Replicas that are in sync are never held back.
 */
export interface QuotaWindow {
  readonly samples: number
  readonly sampleMs: number
}

interface Sample {
  startMs: number
  bytes: number
}

export class ReplicationQuota {
  readonly #window: QuotaWindow
  readonly #samples: Sample[] = []
  /** Bytes a second; infinite for no limit. */
  #rate = Number.POSITIVE_INFINITY

  constructor(window: QuotaWindow) {
    this.#window = window
  }

  get isLimited(): boolean {
    return this.#rate !== Number.POSITIVE_INFINITY
  }

  limit(bytesPerSecond: number): void {
    this.#rate = bytesPerSecond
  }

  record(bytes: number, nowMs: number): void {
    const last = this.#samples.at(-1)
    if (last && nowMs - last.startMs < this.#window.sampleMs) last.bytes += bytes
    else this.#samples.push({ startMs: nowMs, bytes })
    while (this.#samples.length > this.#window.samples) this.#samples.shift()
  }

  isExceeded(nowMs: number): boolean {
    if (!this.isLimited) return false
    const { samples, sampleMs } = this.#window
    while (this.#samples.length > 0 && nowMs - this.#samples[0].startMs >= samples * sampleMs) this.#samples.shift()
    if (this.#samples.length === 0) return false
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0)
    // At first there are fewer samples than the window has: the time before counts as quiet, but for the first of it.
    const elapsedMs = Math.max(nowMs - this.#samples[0].startMs, (samples - 1) * sampleMs)
    return (bytes * 1000) / elapsedMs > this.#rate
  }
}

/** `*`, or `partition:broker` pairs: the value of `leader.replication.throttled.replicas` and its like. */
export function isThrottledReplica(replicas: readonly string[], index: number, brokerId: number): boolean {
  return replicas.includes('*') || replicas.includes(`${index}:${brokerId}`)
}
