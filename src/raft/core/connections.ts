/** One request at a time to each place, and a pause after a failure. */

interface Line {
  /** Id of the request under way; null when there is none. */
  pending: number | null
  idleFromMs: number
}

export class Connections {
  readonly #lines = new Map<string, Line>()

  /** When a request may go to `place`; null while one is under way. */
  readyAtMs(place: string): number | null {
    const line = this.#lines.get(place)
    if (!line) return 0
    return line.pending === null ? line.idleFromMs : null
  }

  sent(place: string, id: number): void {
    this.#lines.set(place, { pending: id, idleFromMs: 0 })
  }

  /** False when nobody waits for this answer any more. */
  answered(place: string, id: number): boolean {
    const line = this.#lines.get(place)
    if (line?.pending !== id) return false
    this.#lines.delete(place)
    return true
  }

  /** Nothing goes to `place` before `untilMs`. */
  pause(place: string, untilMs: number): void {
    this.#lines.set(place, { pending: null, idleFromMs: untilMs })
  }

  /** Answers to what was sent so far are of no interest any more. */
  reset(): void {
    this.#lines.clear()
  }
}
