/** Long work in small pieces: whoever does it asks now and then whether to let others run. */

export interface Pacing {
  /** Resolves when the work may go on. */
  pause(): Promise<void>
}

/** Bytes of work, in or out, between two pauses: about a millisecond. */
const pieceBytes = 128 * 1024

export class Pace {
  readonly #pacing: Pacing
  #leftBytes = pieceBytes

  constructor(pacing: Pacing) {
    this.#pacing = pacing
  }

  /** Counts work; true when it is time for a `pause`. */
  isDue(bytes: number): boolean {
    this.#leftBytes -= bytes
    return this.#leftBytes <= 0
  }

  pause(): Promise<void> {
    this.#leftBytes = pieceBytes
    return this.#pacing.pause()
  }
}
