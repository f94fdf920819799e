/**
 * How many connections may come in a second: of one address (KIP-612), and of all. An address that exceeds its rate is turned
 * away after a while, so that it does not come back at once; what exceeds the broker's rate waits for its turn.
 */
import type { Clock } from '../host/host.ts'
import { getOrCreate } from '../lib/get-or-create.ts'
import { type RateWindow, WindowedRate } from '../lib/windowed-rate.ts'

export interface ConnectionRateLimits {
  readonly window: RateWindow
  /** Connections a second of all clients, infinite for no limit (`max.connection.creation.rate`). */
  readonly perSecond: number
  /** Connections a second of one address, null for no limit. */
  ofAddress(address: string): number | null
}

export interface Admission {
  readonly admitted: boolean
  /** How long to wait before it is let in, or turned away. */
  readonly afterMs: number
}

const atOnce: Admission = { admitted: true, afterMs: 0 }

/** With more addresses than this those that are quiet are forgotten. */
const addressesMax = 10_000
/** Nobody waits longer to be let in. */
const waitMsMax = 30_000

export class ConnectionRates {
  readonly #clock: Clock
  readonly #ofAddress = new Map<string, WindowedRate>()
  #all: WindowedRate | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts one connection. Peers of the cluster (`privileged`) count but do not wait. */
  admit(address: string, privileged: boolean, limits: ConnectionRateLimits): Admission {
    const nowMs = this.#clock.monotonic()
    const { window, perSecond } = limits
    const limit = limits.ofAddress(address)
    if (limit !== null) {
      if (this.#ofAddress.size >= addressesMax) this.#forget(nowMs)
      const rate = getOrCreate(this.#ofAddress, address, () => new WindowedRate(window))
      rate.record(1, nowMs)
      const overMs = throttleMs(rate, limit, nowMs)
      if (overMs > 0) {
        rate.record(-1, nowMs)
        return { admitted: false, afterMs: Math.min(overMs, window.sampleMs) }
      }
    }
    if (perSecond === Number.POSITIVE_INFINITY) return atOnce
    this.#all ??= new WindowedRate(window)
    this.#all.record(1, nowMs)
    if (privileged) return atOnce
    return { admitted: true, afterMs: Math.min(throttleMs(this.#all, perSecond, nowMs), waitMsMax) }
  }

  #forget(nowMs: number): void {
    for (const [address, rate] of this.#ofAddress) if (rate.isIdle(nowMs)) this.#ofAddress.delete(address)
  }
}

function throttleMs(rate: WindowedRate, limit: number, nowMs: number): number {
  const over = rate.perSecond(nowMs) - limit
  return over <= 0 ? 0 : Math.round((over / Math.max(limit, 1e-3)) * rate.windowMs(nowMs))
}
