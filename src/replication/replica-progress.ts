/** How far one follower has come, as its leader learns it from that follower's fetches. Times are monotonic milliseconds. */
export interface FollowerFetch {
  /** Everything below it is on the follower's disk. */
  readonly offset: number
  readonly logStartOffset: number
  /** Where the leader's log ended when the fetch came. */
  readonly leaderEndOffset: number
  readonly nowMs: number
  /** The registration under which the follower fetches, -1 when it does not say. */
  readonly brokerEpoch: number
}

const unknown = -1
const never = Number.NEGATIVE_INFINITY

export class ReplicaProgress {
  readonly brokerId: number
  #logEndOffset = unknown
  #logStartOffset = unknown
  #brokerEpoch = -1
  #lastFetchMs = never
  #leaderEndAtLastFetch = unknown
  #lastCaughtUpMs = never

  constructor(brokerId: number) {
    this.brokerId = brokerId
  }

  /** -1 until it has fetched. */
  get logEndOffset(): number {
    return this.#logEndOffset
  }

  /** -1 until it has fetched. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }

  get brokerEpoch(): number {
    return this.#brokerEpoch
  }

  get lastCaughtUpMs(): number {
    return this.#lastCaughtUpMs
  }

  /** False for a fetch of an earlier life of the follower, which says nothing any more. */
  fetched({ offset, logStartOffset, leaderEndOffset, nowMs, brokerEpoch }: FollowerFetch): boolean {
    if (brokerEpoch >= 0 && brokerEpoch < this.#brokerEpoch) return false
    if (offset >= leaderEndOffset) this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, nowMs)
    // It has all that was there when it fetched last, so at that time it was on the way to being caught up.
    else if (offset >= this.#leaderEndAtLastFetch) {
      this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, this.#lastFetchMs)
    }
    this.#logEndOffset = offset
    this.#logStartOffset = logStartOffset
    this.#leaderEndAtLastFetch = Math.max(leaderEndOffset, this.#leaderEndAtLastFetch)
    this.#lastFetchMs = nowMs
    this.#brokerEpoch = brokerEpoch
    return true
  }

  /** The leader's log goes on from `endOffset`: until now the replica may have had all of it, in fetches that told nothing new. */
  leaderAppends(endOffset: number, nowMs: number): void {
    if (this.#logEndOffset === endOffset) this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, nowMs)
  }

  isCaughtUp(leaderEndOffset: number, nowMs: number, lagTimeMaxMs: number): boolean {
    return this.#logEndOffset === leaderEndOffset || nowMs - this.#lastCaughtUpMs <= lagTimeMaxMs
  }

  /** A leader epoch begins: members of the in-sync set get their whole time to fetch before they count as late. */
  startEpoch(inSync: boolean, leaderEndOffset: number, nowMs: number): void {
    this.#lastCaughtUpMs = inSync ? nowMs : never
    this.#lastFetchMs = inSync ? nowMs : never
    this.#leaderEndAtLastFetch = leaderEndOffset
  }
}
