/**
 * Conversions between message formats, for old clients: one at a time over the whole broker, in small pieces between which
 * everything else runs. So they never hold up the event loop, and take no more memory together than one of them.
 */
import type { Pacing } from '../../protocol/records/pace.ts'
import type { Clock } from '../host/host.ts'

export class Conversions implements Pacing {
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `work` when all that were asked for before are done. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }

  pause(): Promise<void> {
    return new Promise(resolve => this.#clock.soon(resolve))
  }
}
