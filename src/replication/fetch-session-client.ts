/**
 * The follower's end of a fetch session (KIP-227): knows what the leader's end holds, so that a request names only the
 * partitions that are new, have moved or are gone.
 */
import { Errors } from '../../protocol/errors.ts'

const noSession = 0
const initialEpoch = 0
const epochMax = 2 ** 31 - 1

/** What one partition is asked for. */
export interface Wanted {
  readonly topicId: string
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  readonly logStartOffset: number
}

export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly added: readonly Wanted[]
  readonly forgotten: readonly { readonly topicId: string; readonly partition: number }[]
}

export class FetchSessionClient {
  #id = noSession
  #epoch = initialEpoch
  /** What the leader was told last, by partition. */
  readonly #told = new Map<string, Wanted>()
  /** Partitions whose entry may differ from what the leader was told. */
  readonly #changed = new Set<string>()

  /** Look at this partition again with the next request. */
  change(key: string): void {
    this.#changed.add(key)
  }

  /** The position in which the leader answers about this partition; null when it was not asked. */
  told(key: string): Wanted | null {
    return this.#told.get(key) ?? null
  }

  /** The leader holds a session: a request names only what changed, and may overtake one that waits. */
  get isEstablished(): boolean {
    return this.#epoch !== initialEpoch
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0
  }

  get isEmpty(): boolean {
    return this.#told.size === 0
  }

  /** `wantedOf` says what is wanted of a partition now, null for nothing. */
  next(wantedOf: (key: string) => Wanted | null): SessionRequest {
    const full = this.#epoch === initialEpoch
    const forgotten: { topicId: string; partition: number }[] = []
    const added: Wanted[] = []
    for (const key of this.#changed) {
      const wanted = wantedOf(key)
      const before = this.#told.get(key)
      if (wanted) {
        this.#told.set(key, wanted)
        if (!full && !(before && same(before, wanted))) added.push(wanted)
      } else if (before) {
        this.#told.delete(key)
        forgotten.push({ topicId: before.topicId, partition: before.partition })
      }
    }
    this.#changed.clear()
    const sessionEpoch = this.#epoch
    if (!full) this.#epoch = sessionEpoch === epochMax ? 1 : sessionEpoch + 1
    return {
      sessionId: this.#id,
      sessionEpoch,
      added: full ? [...this.#told.values()] : added,
      forgotten: full ? [] : forgotten,
    }
  }

  answered(request: SessionRequest, errorCode: number, sessionId: number): void {
    if (errorCode !== Errors.NONE) {
      if (errorCode === Errors.FETCH_SESSION_ID_NOT_FOUND) this.#id = noSession
      this.#epoch = initialEpoch
    } else if (sessionId === noSession) {
      // A leader without room for a session is asked for everything each time.
      this.#id = noSession
      this.#epoch = initialEpoch
    } else if (request.sessionEpoch === initialEpoch) {
      this.#id = sessionId
      this.#epoch = 1
    }
  }

  /** Nobody knows whether the leader got the last request: a new session takes the place of the old. */
  lost(): void {
    this.#epoch = initialEpoch
  }
}

function same(a: Wanted, b: Wanted): boolean {
  return (
    a.fetchOffset === b.fetchOffset &&
    a.currentLeaderEpoch === b.currentLeaderEpoch &&
    a.lastFetchedEpoch === b.lastFetchedEpoch &&
    a.logStartOffset === b.logStartOffset
  )
}
