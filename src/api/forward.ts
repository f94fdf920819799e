/**
 * Requests that only the active controller can serve, on their way to it: the client's own bytes in an Envelope, with who
 * asked and from where. The answer goes back as it came.
 */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { envelope } from '../../protocol/messages/58-envelope.ts'
import { encodeVersioned } from '../../protocol/stored/framing.ts'
import { defaultPrincipalData } from '../../protocol/stored/principal.ts'
import type { ControllerChannel } from '../controller/channel.ts'
import { whenShown } from '../controller/shown.ts'
import type { Host } from '../host/host.ts'
import { addressBytes } from '../lib/address-bytes.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { Peer } from '../network/peer.ts'

export interface ForwardingOptions {
  readonly host: Pick<Host, 'clock'>
  readonly channel: Pick<ControllerChannel, 'request'>
  /** Whether this node itself is the active controller, as far as it knows. */
  readonly isHere: () => boolean
  /** Everything below is in this broker's metadata, and its files are in place. */
  readonly served: Watermark
  /** How long a request may look for a controller. */
  readonly timeoutMs: number
}

/** Requests of one connection keep their order; others need not wait for them. */
const lanes = 4

export class Forwarding {
  readonly #options: ForwardingOptions

  constructor(options: ForwardingOptions) {
    this.#options = options
  }

  get isHere(): boolean {
    return this.#options.isHere()
  }

  /** The answer's frame, without its size. Throws KafkaError for a request that did not get through. */
  async forward(frame: Buffer, peer: Peer): Promise<Buffer> {
    const { channel, timeoutMs } = this.#options
    const at = peer.principal.indexOf(':')
    const principal = {
      type: peer.principal.slice(0, at),
      name: peer.principal.slice(at + 1),
      tokenAuthenticated: false,
    }
    const { errorCode, responseData } = await channel.request(
      envelope,
      {
        requestData: frame,
        requestPrincipal: encodeVersioned(defaultPrincipalData, 0, principal),
        clientHostAddress: addressBytes(peer.remoteAddress),
      },
      { timeoutMs, lane: `forward-${peer.connectionId % lanes}` },
    )
    if (errorCode !== Errors.NONE) throw new KafkaError(told(errorCode))
    if (!responseData) throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, 'the controller sent no answer')
    return responseData
  }

  /** Resolves when `test` holds of this broker's metadata, or when it has been waited for long enough. */
  shown(test: () => boolean): Promise<void> {
    return whenShown(this.#options.host.clock, this.#options.served, test)
  }
}

/** A client did not wrap anything: what the controller says of the wrapping is no news for it. */
function told(errorCode: number): ErrorCode {
  switch (errorCode) {
    case Errors.UNSUPPORTED_VERSION:
      return Errors.UNSUPPORTED_VERSION
    case Errors.REQUEST_TIMED_OUT:
      return Errors.REQUEST_TIMED_OUT
    default:
      return Errors.UNKNOWN_SERVER_ERROR
  }
}
