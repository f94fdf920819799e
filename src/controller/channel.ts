/**
 * How this node talks to whoever is the active controller, itself included: requests follow a controller that moves, and
 * wait for one when there is none, until their deadline.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import type { Cancel, Endpoint, Host } from '../host/host.ts'
import { PeerError, type Peers } from '../network/peers.ts'

/** What is known of the quorum's leader, who is the active controller. */
export interface LeaderView {
  /** -1: unknown. */
  readonly leaderId: number
  leaderEndpoint(): Endpoint | null
  listen(listener: { leaderChanged(to: { readonly leaderId: number; readonly epoch: number }): void }): () => void
}

export interface ChannelOptions {
  readonly host: Pick<Host, 'clock'>
  readonly nodeId: number
  readonly peers: Pick<Peers, 'request'>
  readonly quorum: LeaderView
  /** Asks this node's own controller, as a peer on its listener would. */
  readonly local: <A extends AnyApi>(api: A, body: RequestInputOf<A>) => Promise<DecodedResponseOf<A>>
  /** How long one controller may take before the request is sent anew. */
  readonly attemptTimeoutMs: number
}

export interface ChannelRequestOptions<A extends AnyApi> {
  /** From now to the answer, whatever happens to the controller meanwhile. */
  readonly timeoutMs: number
  /** Requests of one lane are answered in order: those that take long have one of their own. */
  readonly lane?: string
  readonly minVersion?: number
  readonly maxVersion?: number
  /** Whether an answer means that another controller must be asked. By default, a top-level NOT_CONTROLLER. */
  readonly isElsewhere?: (response: DecodedResponseOf<A>) => boolean
}

/** Pauses between two attempts, milliseconds; they double. A new leader ends a pause. */
const pauseMs = 20
const pauseMaxMs = 200

export class ControllerChannel {
  readonly #options: ChannelOptions
  readonly #stopListening: () => void
  /** Those who wait for another leader. */
  readonly #waiting = new Set<() => void>()
  #closed = false

  constructor(options: ChannelOptions) {
    this.#options = options
    this.#stopListening = options.quorum.listen({ leaderChanged: () => this.#wake() })
  }

  /**
   * The answer of the active controller. What an attempt without an answer did is not known: a request may be done twice.
   * Rejects with KafkaError REQUEST_TIMED_OUT, or UNSUPPORTED_VERSION when the controller does not speak the API.
   */
  async request<A extends AnyApi>(
    api: A,
    body: RequestInputOf<A>,
    options: ChannelRequestOptions<A>,
  ): Promise<DecodedResponseOf<A>> {
    const { clock } = this.#options.host
    const deadlineMs = clock.monotonic() + options.timeoutMs
    for (let attempt = 0; ; attempt++) {
      const remainingMs = deadlineMs - clock.monotonic()
      if (this.#closed || remainingMs <= 0) throw new KafkaError(Errors.REQUEST_TIMED_OUT)
      const response = await this.#attempt(api, body, remainingMs, options)
      if (response !== null) return response
      const nextMs = Math.min(pauseMaxMs, pauseMs * 2 ** Math.min(attempt, 10), deadlineMs - clock.monotonic())
      await this.#pause(Math.max(0, nextMs))
    }
  }

  /** Whoever waits is told that it took too long. */
  close(): void {
    this.#closed = true
    this.#stopListening()
    this.#wake()
  }

  /** Null when it is worth another attempt. */
  async #attempt<A extends AnyApi>(
    api: A,
    body: RequestInputOf<A>,
    remainingMs: number,
    options: ChannelRequestOptions<A>,
  ): Promise<DecodedResponseOf<A> | null> {
    const { quorum, nodeId, attemptTimeoutMs } = this.#options
    const { leaderId } = quorum
    const to = leaderId === nodeId ? null : quorum.leaderEndpoint()
    if (leaderId !== nodeId && to === null) return null
    const timeoutMs = Math.min(attemptTimeoutMs, remainingMs)
    const sent = to ? this.#remote(to, api, body, timeoutMs, options) : this.#local(api, body)
    const response = await this.#unlessLeaderChanges(sent, leaderId, timeoutMs)
    if (response === null) return null
    return (options.isElsewhere ?? isNotController)(response) ? null : response
  }

  async #remote<A extends AnyApi>(
    to: Endpoint,
    api: A,
    body: RequestInputOf<A>,
    timeoutMs: number,
    { lane = 'control', minVersion, maxVersion }: ChannelRequestOptions<A>,
  ): Promise<DecodedResponseOf<A> | null> {
    try {
      return await this.#options.peers.request(to, api, body, { lane, timeoutMs, minVersion, maxVersion })
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      if (error.reason === 'version') throw new KafkaError(Errors.UNSUPPORTED_VERSION, error.message)
      return null
    }
  }

  async #local<A extends AnyApi>(api: A, body: RequestInputOf<A>): Promise<DecodedResponseOf<A> | null> {
    try {
      return await this.#options.local(api, body)
    } catch (error) {
      // The node is on its way up or down: like a connection that is refused.
      if (error instanceof PeerError) return null
      throw error
    }
  }

  /** Null as soon as somebody else leads: an old leader that is cut off would only be waited for. */
  #unlessLeaderChanges<T>(sent: Promise<T>, leaderId: number, timeoutMs: number): Promise<T | null> {
    const { quorum, host } = this.#options
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel()
        this.#waiting.delete(woken)
      }
      const giveUp = () => {
        settle()
        resolve(null)
      }
      const woken = () => {
        if (this.#closed || quorum.leaderId !== leaderId) giveUp()
      }
      // The answer may have arrived while this process stood still: one look at the sockets comes first.
      const cancel: Cancel = host.clock.after(timeoutMs, () => host.clock.soon(giveUp))
      this.#waiting.add(woken)
      sent.then(
        response => {
          settle()
          resolve(response)
        },
        (error: Error) => {
          settle()
          reject(error)
        },
      )
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        cancel()
        this.#waiting.delete(done)
        resolve()
      }
      const cancel = this.#options.host.clock.after(ms, done)
      this.#waiting.add(done)
      if (this.#closed) done()
    })
  }

  #wake(): void {
    for (const run of [...this.#waiting]) run()
  }
}

function isNotController(response: object): boolean {
  return 'errorCode' in response && response.errorCode === Errors.NOT_CONTROLLER
}
