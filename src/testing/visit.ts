/** A request on its way through a test double, and its forms: bytes of the wire, and bodies. */
import { decodeResponse } from '../../protocol/compile.ts'
import { decodeResponseHeader, encodeRequestFrame, encodeResponseFrame } from '../../protocol/header.ts'
import type { AnyApi, RequestInputOf, ResponseOf } from '../../protocol/schema.ts'
import { assert } from '../lib/assert.ts'
import type { Answer, Turn } from '../network/connection.ts'
import type { Peer } from '../network/peer.ts'
import type { Entry } from './exchange.ts'
import type { Body } from './parts.ts'
import type { Seat } from './seat.ts'

const sizeBytes = 4

export class Visit {
  readonly seat: Seat
  readonly entry: Entry
  readonly api: AnyApi
  readonly peer: Peer
  readonly #frame: Buffer
  readonly #turn: Turn

  /** The broker may write to the frame. */
  constructor(seat: Seat, entry: Entry, frame: Buffer, peer: Peer, turn: Turn) {
    assert(entry.table !== null, 'only a request of a known API can be hooked')
    this.seat = seat
    this.entry = entry
    this.api = entry.table
    this.peer = peer
    this.#frame = frame
    this.#turn = turn
  }

  /** Has the broker serve it as it came. */
  async pass(): Promise<Answer> {
    return this.seat.pass(this.#frame, this.peer, this.#turn)
  }

  /** Has the broker serve something else in its place. */
  async passInstead(request: Body): Promise<Body | null> {
    const { version, correlationId, clientId } = this.entry
    const input: RequestInputOf<AnyApi> = request
    const chunks = encodeRequestFrame(this.api, version, correlationId, clientId, input)
    const frame = Buffer.concat(chunks).subarray(sizeBytes)
    return this.decoded(await this.seat.pass(frame, this.peer, this.#turn))
  }

  decoded(answer: Answer): Body | null {
    if (answer === null) return null
    const frame = Buffer.concat(answer).subarray(sizeBytes)
    const { bodyOffset } = decodeResponseHeader(this.api, this.entry.version, frame)
    return decodeResponse(this.api, this.entry.version, frame, bodyOffset)
  }

  encoded(response: Body): Answer {
    const { version, correlationId } = this.entry
    const body: ResponseOf<AnyApi> = response
    return encodeResponseFrame(this.api, version, correlationId, body)
  }
}
