/**
 * One kind of quota of clients: what they use is counted by user and client id, and who is over is told how long to wait
 * until the rate over the window is back at the limit (KIP-13, KIP-55, KIP-219).
 */
import { type RateWindow, WindowedRate } from '../lib/windowed-rate.ts'
import type { Quota } from '../metadata/entities.ts'
import type { QuotaKeyName } from './quota-keys.ts'
import { type LimitOf, QuotaLimits } from './quota-limits.ts'
import { Scoped } from './scoped.ts'

export interface ClientQuotaOptions {
  readonly key: QuotaKeyName
  readonly window: RateWindow
  /** Nobody is held back longer. */
  readonly throttleMsMax?: number
}

export class ClientQuota {
  readonly #options: ClientQuotaOptions
  readonly #limits: QuotaLimits
  readonly #rates: Scoped<WindowedRate>

  constructor(options: ClientQuotaOptions) {
    this.#options = options
    this.#limits = new QuotaLimits(options.key)
    this.#rates = new Scoped({
      make: () => new WindowedRate(options.window),
      isForgettable: (rate, nowMs) => rate.isIdle(nowMs),
    })
  }

  /** Somebody is limited. While nobody is, nothing needs to be counted. */
  get isOn(): boolean {
    return !this.#limits.isEmpty
  }

  /** The quotas of the cluster are these now. What was counted stays. */
  update(quotas: Iterable<Quota>): void {
    if (this.#limits.replace(quotas)) this.#rates.forgetLimits()
  }

  /** Counts what a client used. How long it has to wait now, milliseconds; 0 when it is within its limit. */
  charge(user: string, clientId: string, used: number, nowMs: number): number {
    const entry = this.#entryOf(user, clientId, nowMs)
    if (entry === null) return 0
    const { limit, counted: rate } = entry
    rate.record(used, nowMs)
    const over = rate.perSecond(nowMs) - limit
    if (over <= 0) return 0
    const throttleMs = Math.round((over / limit) * rate.windowMs(nowMs))
    return Math.min(throttleMs, this.#options.throttleMsMax ?? Number.POSITIVE_INFINITY)
  }

  /** It was not used after all. */
  giveBack(user: string, clientId: string, used: number, nowMs: number): void {
    this.#entryOf(user, clientId, nowMs)?.counted.record(-used, nowMs)
  }

  /** The most that a client may use within one window; infinite without a limit. */
  windowMax(user: string, clientId: string, nowMs: number): number {
    const entry = this.#entryOf(user, clientId, nowMs)
    if (entry === null) return Number.POSITIVE_INFINITY
    const { samples, sampleMs } = this.#options.window
    return (entry.limit * (samples - 1) * sampleMs) / 1000
  }

  #entryOf(user: string, clientId: string, nowMs: number) {
    return this.#rates.entryOf(user, clientId, nowMs, (): LimitOf | null => this.#limits.ofClient(user, clientId))
  }
}
