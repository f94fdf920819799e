/**
 * Which brokers were heard of lately. Kept in memory only: whoever becomes the active controller gives every broker a
 * whole session before it judges.
 */

export interface Session {
  readonly brokerEpoch: number
  /** Monotonic milliseconds of the last heartbeat. */
  readonly contactMs: number
  /** How far the broker has applied the metadata log; -1 before its first heartbeat. */
  readonly metadataOffset: number
  /** A broker in controlled shutdown may go when everybody knows the metadata up to here; -1 otherwise. */
  readonly shutdownOffset: number
  /** Whether this controller itself heard of the broker. */
  readonly heard: boolean
}

/** A change of the table above; applied like a record, and never written. Null ends the session. */
export interface SessionChange {
  readonly kind: 'session'
  readonly brokerId: number
  readonly session: Session | null
}

export class Sessions {
  readonly #timeoutMs: number
  readonly #byBroker = new Map<number, Session>()

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get(brokerId: number): Session | null {
    return this.#byBroker.get(brokerId) ?? null
  }

  /** Null when it is over. */
  remainingMs(brokerId: number, monotonicMs: number): number | null {
    const session = this.#byBroker.get(brokerId)
    if (!session) return null
    const remaining = session.contactMs + this.#timeoutMs - monotonicMs
    return remaining > 0 ? remaining : null
  }

  apply({ brokerId, session }: SessionChange): void {
    if (session) this.#byBroker.set(brokerId, session)
    else this.#byBroker.delete(brokerId)
  }
}
