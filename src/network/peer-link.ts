/**
 * One lane to one peer: connects when there is something to ask, agrees on versions, and starts over with a growing pause
 * when the connection is lost. A request is sent once: what became of it after a loss only its sender can judge.
 */
import { currentVersions } from '../../protocol/apis.ts'
import { decodeResponse } from '../../protocol/compile.ts'
import { Errors } from '../../protocol/errors.ts'
import { encodeRequestFrame } from '../../protocol/header.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { AnyApi } from '../../protocol/schema.ts'
import { type Cancel, ConnectError, type Endpoint, type Host, type Socket } from '../host/host.ts'
import { PeerError, type PeerLimits } from './peer-error.ts'
import { PeerSocket } from './peer-socket.ts'

/** One request on its way; `answered` throws ParseError. */
export interface Request {
  readonly api: AnyApi
  readonly minVersion: number
  readonly maxVersion: number
  readonly timeoutMs: number
  frame(version: number, correlationId: number): Buffer[]
  answered(version: number, frame: Buffer, bodyOffset: number): void
  /** Where there is no answer: called instead of `answered`, once the request is with the socket. */
  handedOver?(): void
  failed(error: Error): void
}

interface Pending {
  readonly request: Request
  cancelTimer: Cancel
  /** -1 until it is sent. */
  correlationId: number
  /** What the peer had sent by then. */
  heardBefore: number
}

interface Versions {
  readonly low: number
  readonly high: number
}

export interface LinkOptions {
  readonly host: Pick<Host, 'clock' | 'network' | 'random'>
  readonly to: Endpoint
  readonly clientId: string
  readonly softwareVersion: string
  readonly legacyVersions: boolean
  readonly limits: PeerLimits
}

export class PeerLink {
  readonly #options: LinkOptions
  /** Those that wait for the connection, in order. */
  readonly #queued = new Set<Pending>()
  readonly #sent = new Set<Pending>()
  #socket: PeerSocket | null = null
  /** By API key; null until the peer has told. */
  #versions: ReadonlyMap<number, Versions> | null = null
  #connecting = false
  #failures = 0
  #cancelBackoff: Cancel | null = null
  #usedMs: number
  #closed = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.#usedMs = options.host.clock.monotonic()
  }

  /** When it was last asked for something, monotonic milliseconds; now while an answer is awaited. */
  get usedMs(): number {
    return this.#queued.size + this.#sent.size > 0 ? this.#options.host.clock.monotonic() : this.#usedMs
  }

  ask(request: Request): void {
    const { host, to, limits } = this.#options
    this.#usedMs = host.clock.monotonic()
    if (this.#closed) return request.failed(new PeerError('closed', to, 'closing'))
    if (this.#queued.size + (this.#socket?.inFlight ?? 0) >= limits.requestsMax)
      return request.failed(new PeerError('unreachable', to, `${limits.requestsMax} requests are waiting`))
    const pending: Pending = { request, cancelTimer: () => {}, correlationId: -1, heardBefore: 0 }
    // After a pause of this process the answer may be in the socket already: one look at it comes first.
    pending.cancelTimer = host.clock.after(request.timeoutMs, () => host.clock.soon(() => this.#expire(pending)))
    if (this.#socket && this.#versions) return this.#send(this.#socket, this.#versions, pending)
    this.#queued.add(pending)
    this.#connect()
  }

  /** Whoever waits is told; nothing can be asked any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cancelBackoff?.()
    this.#failQueued('closed', 'closing')
    this.#socket?.destroy('closing')
  }

  #connect(): void {
    if (this.#connecting || this.#socket || this.#cancelBackoff || this.#closed) return
    this.#connecting = true
    const { host, to, limits } = this.#options
    host.network.connect(to, limits.connectTimeoutMs).then(
      socket => {
        this.#connecting = false
        this.#connected(socket)
      },
      (error: Error) => {
        this.#connecting = false
        this.#unreachable(error.message, error instanceof ConnectError && error.refused)
      },
    )
  }

  #connected({ stream }: Socket): void {
    if (this.#closed) {
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    const { host, limits } = this.#options
    const socket = new PeerSocket(stream, limits.frameBytesMax, reason => this.#lost(socket, reason))
    this.#socket = socket
    const cancel = host.clock.after(limits.negotiationTimeoutMs, () =>
      host.clock.soon(() => {
        if (this.#socket === socket && !this.#versions) socket.destroy('the peer did not tell its versions')
      }),
    )
    this.#negotiate(socket, apiVersions.versions.high, cancel)
  }

  /** KIP-511: a server that does not know our version answers in version 0 and says which ones it knows. */
  #negotiate(socket: PeerSocket, version: number, done: Cancel): void {
    const { clientId, softwareVersion } = this.#options
    const body = { clientSoftwareName: 'ottla', clientSoftwareVersion: softwareVersion }
    const frame = (id: number) => encodeRequestFrame(apiVersions, version, id, clientId, body)
    socket.send(apiVersions, version, frame, {
      answered: (frame, bodyOffset) => {
        const refused = frame.length >= bodyOffset + 2 && frame.readInt16BE(bodyOffset) === Errors.UNSUPPORTED_VERSION
        const { errorCode, apiKeys } = decodeResponse(apiVersions, refused ? 0 : version, frame, bodyOffset)
        if (refused && version > 0) {
          const known = apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)
          this.#negotiate(socket, Math.min(known?.maxVersion ?? 0, version - 1), done)
          return
        }
        done()
        if (errorCode !== Errors.NONE)
          return socket.destroy(`the peer refuses to tell its versions: error ${errorCode}`)
        this.#ready(
          socket,
          new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { low: minVersion, high: maxVersion }])),
        )
      },
      closed: done,
    })
  }

  #ready(socket: PeerSocket, versions: ReadonlyMap<number, Versions>): void {
    this.#versions = versions
    this.#failures = 0
    const queued = [...this.#queued]
    this.#queued.clear()
    for (const pending of queued) this.#send(socket, versions, pending)
  }

  #send(socket: PeerSocket, versions: ReadonlyMap<number, Versions>, pending: Pending): void {
    const { request } = pending
    const version = commonVersion(request, versions.get(request.api.key), this.#options.legacyVersions)
    if (version === null) {
      pending.cancelTimer()
      const problem = `no common version of ${request.api.name}`
      return request.failed(new PeerError('version', this.#options.to, problem))
    }
    pending.heardBefore = socket.heard
    try {
      if (request.handedOver) {
        socket.tell(id => request.frame(version, id))
        pending.cancelTimer()
        return request.handedOver()
      }
      pending.correlationId = socket.send(request.api, version, id => request.frame(version, id), {
        answered: (frame, bodyOffset) => {
          request.answered(version, frame, bodyOffset)
          this.#settle(pending)
        },
        closed: reason => {
          this.#settle(pending)
          request.failed(new PeerError('closed', this.#options.to, reason))
        },
      })
    } catch (error) {
      pending.cancelTimer()
      if (!(error instanceof RangeError)) throw error
      return request.failed(error)
    }
    this.#sent.add(pending)
  }

  #settle(pending: Pending): void {
    pending.cancelTimer()
    this.#sent.delete(pending)
    this.#usedMs = this.#options.host.clock.monotonic()
  }

  #expire(pending: Pending): void {
    const { request, correlationId, heardBefore } = pending
    const wasQueued = this.#queued.delete(pending)
    if (!wasQueued && !this.#sent.delete(pending)) return
    const socket = this.#socket
    socket?.abandon(correlationId)
    request.failed(new PeerError('timeout', this.#options.to, `no answer within ${request.timeoutMs} ms`))
    // Not a word since it was asked: the peer, or the way to it, may be gone without a sign (KIP-601 has the like).
    if (!wasQueued && socket && socket.heard === heardBefore) socket.destroy('the peer does not answer')
  }

  #lost(socket: PeerSocket, reason: string): void {
    if (this.#socket !== socket) return
    const negotiated = this.#versions !== null
    this.#socket = null
    this.#versions = null
    if (this.#closed) return
    if (!negotiated) this.#unreachable(reason)
    else if (this.#queued.size > 0) this.#connect()
  }

  /** Tells those that wait, and lets a growing, jittered time pass before the next attempt. */
  #unreachable(reason: string, refused = false): void {
    const { host, limits } = this.#options
    if (this.#closed) return
    const pauseMs = Math.min(
      limits.reconnectBackoffMaxMs,
      limits.reconnectBackoffMs * 2 ** Math.min(this.#failures, 20),
    )
    this.#failures++
    const jitteredMs = pauseMs * 0.8 + (pauseMs * 0.4 * host.random.below(1024)) / 1024
    this.#cancelBackoff = host.clock.after(jitteredMs, () => {
      this.#cancelBackoff = null
      if (this.#queued.size > 0) this.#connect()
    })
    this.#failQueued('unreachable', reason, refused)
  }

  #failQueued(reason: 'unreachable' | 'closed', why: string, refused = false): void {
    const queued = [...this.#queued]
    this.#queued.clear()
    for (const { request, cancelTimer } of queued) {
      cancelTimer()
      request.failed(new PeerError(reason, this.#options.to, why, refused))
    }
  }
}

function commonVersion(request: Request, peer: Versions | undefined, legacy: boolean): number | null {
  const { api, minVersion, maxVersion } = request
  const current = currentVersions(api)
  const own = current && legacy ? { low: api.versions.low, high: current.high } : current
  if (!own || !peer) return null
  const version = Math.min(own.high, peer.high, maxVersion)
  return version >= Math.max(own.low, peer.low, minVersion) ? version : null
}
