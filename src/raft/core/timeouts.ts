/** How long the quorum waits for what; the names are those of the settings `controller.quorum.*`. */
export interface QuorumTimeouts {
  readonly electionTimeoutMs: number
  readonly fetchTimeoutMs: number
  readonly electionBackoffMaxMs: number
  readonly requestTimeoutMs: number
  readonly retryBackoffMs: number
}

export const defaultQuorumTimeouts: QuorumTimeouts = {
  electionTimeoutMs: 1000,
  fetchTimeoutMs: 2000,
  electionBackoffMaxMs: 1000,
  requestTimeoutMs: 2000,
  retryBackoffMs: 20,
}

export const quorumLimits = {
  /** A leader waits so many fetch timeouts for a majority before it steps down. */
  checkQuorumFactor: 1.5,
  /** A replica that does not vote and has not fetched for so long is forgotten. */
  observerSessionMs: 300_000,
  /** A new voter must have been caught up within this time. */
  caughtUpWithinMs: 3_600_000,
  /** How long the leader waits for news before it answers a fetch. */
  fetchMaxWaitMs: 500,
  /** Smallest step of the wait after a lost election. */
  electionBackoffBaseMs: 50,
  /** How long a follower waits for the leader to come back when its machine says that nobody listens, */
  leaderGoneMs: 50,
  /** and up to so much longer, so that one of them is first. */
  leaderGoneJitterMs: 200,
} as const
