/**
 * Bounds the request bytes held in memory. Bytes are counted as they arrive, not as the wire claims them.
 *
 * When the budget is spent, sockets are no longer read, save one at a time that is amid a frame: its frame may become
 * whole, be answered and give its bytes back. Without that, many half frames could wait for each other for ever.
 */

export interface Spender {
  /** The budget allows reading again. */
  budgetFreed(): void
}

interface Waiting {
  readonly budget: ByteBudget
  readonly amidFrame: boolean
}

export class ByteBudget {
  readonly #bytesMax: number
  readonly #parent: ByteBudget | null
  #used = 0
  /** Of the root only, in the order of arrival. */
  readonly #waiting = new Map<Spender, Waiting>()
  /** Of the root only: who reads on although the budget is spent. */
  #exempt: Spender | null = null

  constructor(bytesMax: number, parent: ByteBudget | null = null) {
    this.#bytesMax = bytesMax
    this.#parent = parent
  }

  get used(): number {
    return this.#used
  }

  take(bytes: number): void {
    this.#used += bytes
    this.#parent?.take(bytes)
  }

  give(bytes: number): void {
    this.#used -= bytes
    if (this.#parent) this.#parent.give(bytes)
    else this.#wake()
  }

  /** Whether `spender` may read on. If not, it is called once the budget allows. */
  mayRead(spender: Spender, amidFrame: boolean): boolean {
    if (!this.#spent) return true
    const root = this.#root
    if (root.#exempt === null && amidFrame) root.#exempt = spender
    if (root.#exempt === spender) return true
    root.#waiting.set(spender, { budget: this, amidFrame })
    return false
  }

  /** The frame of `spender` is whole, or its connection closed: another may have its turn. */
  passOn(spender: Spender): void {
    const root = this.#root
    root.#waiting.delete(spender)
    if (root.#exempt !== spender) return
    root.#exempt = null
    root.#wake()
  }

  get #spent(): boolean {
    if (this.#used >= this.#bytesMax) return true
    const parent = this.#parent
    return parent ? parent.#spent : false
  }

  get #root(): ByteBudget {
    return this.#parent ? this.#parent.#root : this
  }

  #wake(): void {
    if (this.#waiting.size === 0) return
    for (const [spender, { budget, amidFrame }] of [...this.#waiting]) {
      if (budget.#spent) {
        if (this.#exempt !== null || !amidFrame) continue
        this.#exempt = spender
      }
      if (this.#waiting.delete(spender)) spender.budgetFreed()
    }
  }
}
