/** Tokens that come back at a steady rate up to a burst. Spending may go below zero: whoever comes next has to wait. */
export class TokenBucket {
  #tokens: number
  #perSecond: number
  #burst: number
  #filledMs: number

  /** Begins full. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#filledMs = nowMs
  }

  /** From now on; what was spent stays spent. */
  limit(perSecond: number, burst: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = Math.min(this.#tokens, burst)
  }

  spend(count: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#tokens = Math.min(this.#tokens - count, this.#burst)
  }

  /** How long until there are none owed, milliseconds; 0 when none are. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs)
    return this.#tokens >= 0 ? 0 : Math.round((-this.#tokens / this.#perSecond) * 1000)
  }

  isFull(nowMs: number): boolean {
    this.#fill(nowMs)
    return this.#tokens >= this.#burst
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(this.#tokens + ((nowMs - this.#filledMs) / 1000) * this.#perSecond, this.#burst)
    this.#filledMs = nowMs
  }
}
