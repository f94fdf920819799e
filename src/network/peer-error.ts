/** How asking a peer can fail, and the limits of it, in one table. */
import type { Endpoint } from '../host/host.ts'

/**
 * `unreachable`: nothing was sent. `version`: nothing was sent, the peer does not speak a wanted version.
 * `closed`, `timeout`: it may or may not have been done.
 */
export type PeerFailure = 'unreachable' | 'timeout' | 'closed' | 'version'

export class PeerError extends Error {
  readonly reason: PeerFailure
  /** The peer's machine says that nobody listens there (any more). */
  readonly refused: boolean
  constructor(reason: PeerFailure, to: Endpoint, problem: string, refused = false) {
    super(`${to.host}:${to.port}: ${problem}`)
    this.name = 'PeerError'
    this.reason = reason
    this.refused = refused
  }
}

export interface PeerLimits {
  /** Largest answer, without its size prefix. */
  readonly frameBytesMax: number
  /** Shorter than the second retransmission of a lost SYN: a new attempt finds a healed network sooner. */
  readonly connectTimeoutMs: number
  readonly negotiationTimeoutMs: number
  /** Pause after a failed attempt to connect; it doubles with each, and a fifth of it is drawn by lot either way. */
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  /** Requests of one lane that wait for the connection or for their answer. */
  readonly requestsMax: number
  /** A lane that nobody used for this long is closed: sooner than the other end would. */
  readonly idleMs: number
  readonly sweepMs: number
}

export const peerLimits: PeerLimits = {
  frameBytesMax: 256 * 1024 * 1024,
  connectTimeoutMs: 2000,
  negotiationTimeoutMs: 10_000,
  reconnectBackoffMs: 20,
  reconnectBackoffMaxMs: 500,
  requestsMax: 1024,
  idleMs: 540_000,
  sweepMs: 30_000,
}
