/**
 * Transactional writes whose transaction is being verified with its coordinator (KIP-890). A write is taken only with
 * the guard that was given before the question was asked: a marker in between, or time, takes the guard away, so a late
 * answer cannot open a transaction that nobody will ever end.
 */

export interface Verification {
  readonly guard: symbol
  /** The least sequence seen of this epoch: a later one must not be written before it. */
  readonly lowestSequence: number
  readonly epoch: number
  /** The producer's epoch rises with each transaction, its sequences start at 0 each time. */
  readonly bumpsEpoch: boolean
  readonly sinceMs: number
}

export class VerificationStates {
  readonly #states = new Map<number, Verification>()

  /**
   * The guard to hand to `check` once the coordinator has confirmed. Several batches of one producer and epoch share it. Who
   * asks with an older epoch has been replaced: its guard opens nothing, and is not remembered.
   */
  begin(producerId: number, sequence: number, epoch: number, bumpsEpoch: boolean, nowMs: number): symbol {
    const known = this.#states.get(producerId)
    if (known && epoch < known.epoch) return Symbol(`outdated verification of producer ${producerId}`)
    if (known?.epoch === epoch) {
      if (sequence < known.lowestSequence) this.#states.set(producerId, { ...known, lowestSequence: sequence })
      return known.guard
    }
    const guard = Symbol(`verification of producer ${producerId}`)
    this.#states.set(producerId, { guard, lowestSequence: sequence, epoch, bumpsEpoch, sinceMs: nowMs })
    return guard
  }

  get(producerId: number): Verification | null {
    return this.#states.get(producerId) ?? null
  }

  guardOf(producerId: number): symbol | null {
    return this.#states.get(producerId)?.guard ?? null
  }

  end(producerId: number): void {
    this.#states.delete(producerId)
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { sinceMs }] of this.#states) {
      if (nowMs - sinceMs >= expirationMs) this.#states.delete(producerId)
    }
  }

  clear(): void {
    this.#states.clear()
  }
}
