/**
 * Outbound connections: to the other nodes of the cluster, and those of `src/client/` to any cluster. Requests of one lane to one endpoint share a
 * connection and are pipelined; lanes keep a long poll from holding up a vote.
 */
import { decodeResponse } from '../../protocol/compile.ts'
import { encodeRequestFrame } from '../../protocol/header.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Cancel, Endpoint, Host } from '../host/host.ts'
import { PeerError, type PeerLimits, peerLimits } from './peer-error.ts'
import { PeerLink, type Request } from './peer-link.ts'

export { PeerError, type PeerFailure, type PeerLimits, peerLimits } from './peer-error.ts'

export interface PeersOptions {
  /** How this node names itself in every request. */
  readonly clientId: string
  /** Told in ApiVersions. */
  readonly softwareVersion?: string
  /** Also speak versions that Apache Kafka 4 no longer has: to servers of any age. */
  readonly legacyVersions?: boolean
  readonly limits?: Partial<PeerLimits>
}

export interface AskOptions {
  /** 'raft', 'control', 'fetch-0', ... Requests of one lane are answered in order. */
  readonly lane: string
  /** From now to the answer, connecting included. */
  readonly timeoutMs: number
  readonly minVersion?: number
  readonly maxVersion?: number
}

export class Peers {
  readonly #host: Pick<Host, 'clock' | 'network' | 'random' | 'log'>
  readonly #options: PeersOptions
  readonly #limits: PeerLimits
  readonly #links = new Map<string, PeerLink>()
  #cancelSweep: Cancel
  #closed = false

  constructor(host: Pick<Host, 'clock' | 'network' | 'random' | 'log'>, options: PeersOptions) {
    this.#host = host
    this.#options = options
    this.#limits = { ...peerLimits, ...options.limits }
    this.#cancelSweep = this.#scheduleSweep()
  }

  /** Lanes that are open or were used not long ago. */
  get lanes(): number {
    return this.#links.size
  }

  /**
   * Asks in the highest common version of the API and gives the decoded answer. Its `bytes` and `records` are views of the
   * chunks that arrived: copy what is kept. Rejects with PeerError, or RangeError for a value that the wire cannot hold.
   */
  request<A extends AnyApi>(
    to: Endpoint,
    api: A,
    body: RequestInputOf<A>,
    options: AskOptions,
  ): Promise<DecodedResponseOf<A>> {
    return new Promise((resolve, reject) => {
      this.#ask(to, api, body, options, {
        answered: (version, frame, bodyOffset) => resolve(decodeResponse(api, version, frame, bodyOffset)),
        failed: reject,
      })
    })
  }

  /** Sends what has no answer (Produce with acks=0); resolves when it is handed to the socket. Rejects with PeerError. */
  tell<A extends AnyApi>(to: Endpoint, api: A, body: RequestInputOf<A>, options: AskOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ask(to, api, body, options, { handedOver: resolve, answered: () => {}, failed: reject })
    })
  }

  /** Ends every connection; whoever waits is rejected. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelSweep()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #ask<A extends AnyApi>(
    to: Endpoint,
    api: A,
    body: RequestInputOf<A>,
    { minVersion = 0, maxVersion = Number.POSITIVE_INFINITY, timeoutMs, lane }: AskOptions,
    ending: Pick<Request, 'answered' | 'handedOver' | 'failed'>,
  ): void {
    if (this.#closed) return ending.failed(new PeerError('closed', to, 'closing'))
    this.#link(to, lane).ask({
      api,
      minVersion,
      maxVersion,
      timeoutMs,
      frame: (version, id) => encodeRequestFrame(api, version, id, this.#options.clientId, body),
      ...ending,
    })
  }

  #link(to: Endpoint, lane: string): PeerLink {
    const name = `${lane} ${to.host}:${to.port}`
    let link = this.#links.get(name)
    if (!link) {
      const { clientId, softwareVersion = 'unknown', legacyVersions = false } = this.#options
      const limits = this.#limits
      link = new PeerLink({ host: this.#host, to, clientId, softwareVersion, legacyVersions, limits })
      this.#links.set(name, link)
    }
    return link
  }

  #scheduleSweep(): Cancel {
    const { clock } = this.#host
    return clock.after(this.#limits.sweepMs, () => {
      const nowMs = clock.monotonic()
      for (const [name, link] of this.#links) {
        if (nowMs - link.usedMs < this.#limits.idleMs) continue
        this.#links.delete(name)
        link.close()
      }
      this.#cancelSweep = this.#scheduleSweep()
    })
  }
}
