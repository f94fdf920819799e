/**
 * How many partitions a client may create and delete (`controller_mutation_rate`, KIP-599): a bucket of tokens for each, one
 * token for each partition.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { TokenBucket } from '../lib/token-bucket.ts'
import type { RateWindow } from '../lib/windowed-rate.ts'
import type { Quota } from '../metadata/entities.ts'
import { QuotaLimits } from './quota-limits.ts'
import { Scoped } from './scoped.ts'

/** What one request may do. */
export interface MutationAllowance {
  /** Throws KafkaError THROTTLING_QUOTA_EXCEEDED, if the client understands that, when it has to wait. */
  spend(partitionsCount: number): void
}

export class MutationQuota {
  readonly #window: RateWindow
  readonly #limits = new QuotaLimits('controller_mutation_rate')
  readonly #buckets: Scoped<TokenBucket>

  constructor(window: RateWindow) {
    this.#window = window
    this.#buckets = new Scoped<TokenBucket>({
      make: (limit, nowMs) => new TokenBucket(limit, this.#burstOf(limit), nowMs),
      isForgettable: (bucket, nowMs) => bucket.isFull(nowMs),
    })
  }

  get isOn(): boolean {
    return !this.#limits.isEmpty
  }

  update(quotas: Iterable<Quota>): void {
    if (this.#limits.replace(quotas)) this.#buckets.forgetLimits()
  }

  /**
   * For one request of a client; null when it is not limited. `strict`: what comes while tokens are owed is refused, else it is
   * only told to wait. `throttle` hears how long, each time it has to.
   */
  allowance(
    user: string,
    clientId: string,
    strict: boolean,
    clock: { monotonic(): number },
    throttle: (throttleMs: number) => void,
  ): MutationAllowance | null {
    const entry = this.#buckets.entryOf(user, clientId, clock.monotonic(), () => this.#limits.ofClient(user, clientId))
    if (entry === null) return null
    const { limit, counted: bucket } = entry
    bucket.limit(limit, this.#burstOf(limit), clock.monotonic())
    return {
      spend: partitionsCount => {
        const nowMs = clock.monotonic()
        if (strict) {
          const waitMs = bucket.waitMs(nowMs)
          if (waitMs > 0) {
            throttle(waitMs)
            throw new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED, 'The throttling quota has been exceeded.')
          }
          bucket.spend(partitionsCount, nowMs)
        } else {
          bucket.spend(partitionsCount, nowMs)
          const waitMs = bucket.waitMs(nowMs)
          if (waitMs > 0) throttle(waitMs)
        }
      },
    }
  }

  #burstOf(limit: number): number {
    const { samples, sampleMs } = this.#window
    return (limit * samples * sampleMs) / 1000
  }
}
