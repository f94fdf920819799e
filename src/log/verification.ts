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

  /** The guard to hand to `check` once the coordinator has confirmed. Several batches of one producer share it. */
  begin(producerId: number, sequence: number, epoch: number, bumpsEpoch: boolean, nowMs: number): symbol {
    const known = this.#states.get(producerId)
    const state: Verification = known ?? {
      guard: Symbol(`verification of producer ${producerId}`),
      lowestSequence: sequence,
      epoch,
      bumpsEpoch,
      sinceMs: nowMs,
    }
    const lower = epoch > state.epoch || (epoch === state.epoch && sequence < state.lowestSequence)
    this.#states.set(producerId, lower ? { ...state, lowestSequence: sequence, epoch } : state)
    return state.guard
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
