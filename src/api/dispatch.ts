/**
 * From a frame to a handler and back: header, version gate, decoding, the handler, its failures, encoding.
 *
 * What cannot be understood closes the connection without an answer, as Apache Kafka does: an unknown key, a version that
 * is not served, an API that does not belong on the listener, a body that does not parse. The one exception is an unknown
 * version of ApiVersions, which is how clients find out what there is.
 */
import { apiName } from '../../protocol/apis.ts'
import { decodeRequest, decodeResponse } from '../../protocol/compile.ts'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeResponseFrame,
  type RequestHeader,
} from '../../protocol/header.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { ParseError } from '../../protocol/reader.ts'
import type { AnyApi, ListenerKind, RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { DiskError } from '../host/host.ts'
import { AssertionError } from '../lib/assert.ts'
import type { Answer, Serve, Turn } from '../network/connection.ts'
import { CloseConnection, type Peer } from '../network/peer.ts'
import { percentageOf } from '../quota/client-quotas.ts'
import type { Handler } from './define.ts'
import type { Forwarding } from './forward.ts'
import type { AdvertisedApi, RequestContext, Rooms } from './request.ts'

type Response = ResponseOf<AnyApi> | null

const sizeBytes = 4
/** What an answer can say. */
const throttleMsMax = 2 ** 31 - 1

/** Of a request that came inside another one: the other one's turn is what counts. */
const noTurn: Turn = { release() {}, whenSent() {}, throttle() {} }

class Context implements RequestContext {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly requestBytes: number
  readonly clientId: string
  readonly peer: Peer
  readonly ofClient: boolean
  readonly broker: Rooms
  readonly advertised: readonly AdvertisedApi[]
  readonly #turn: Turn
  readonly #dispatcher: Dispatcher
  /** The longest that a quota asks the client to wait. */
  throttleMs = 0
  /** When it was taken into work, while a quota counts its time; else -1. */
  #startedMs: number
  /** How long it kept the event loop before it first waited, -1 while it still does. */
  #spentMs = -1

  constructor(
    header: RequestHeader,
    requestBytes: number,
    peer: Peer,
    broker: Rooms,
    advertised: readonly AdvertisedApi[],
    turn: Turn,
    dispatcher: Dispatcher,
  ) {
    this.#dispatcher = dispatcher
    this.apiKey = header.apiKey
    this.version = header.apiVersion
    this.correlationId = header.correlationId
    this.requestBytes = requestBytes
    this.clientId = header.clientId ?? ''
    this.peer = peer
    this.ofClient = peer.listener.kind === 'broker' || turn === noTurn
    this.broker = broker
    this.advertised = advertised
    this.#turn = turn
    const isCounted = peer.listener.kind === 'broker' && turn !== noTurn && broker.quotas.request.isOn
    this.#startedMs = isCounted ? broker.host.clock.monotonic() : -1
  }

  get user(): string {
    const { principal } = this.peer
    return principal.slice(principal.indexOf(':') + 1)
  }

  release(): void {
    this.#turn.release()
  }

  serveForwarded(frame: Buffer, from: Peer): Promise<Buffer> {
    return this.#dispatcher.serveForwarded(frame, from)
  }

  whenSent(run: () => void): void {
    this.#turn.whenSent(run)
  }

  throttle(throttleMs: number): void {
    if (throttleMs <= this.throttleMs) return
    this.throttleMs = Math.min(throttleMs, throttleMsMax)
    this.#turn.throttle(this.throttleMs)
  }

  exempt(): void {
    this.#startedMs = -1
  }

  /** What it does from here on happens among others. */
  waits(): void {
    if (this.#startedMs >= 0 && this.#spentMs < 0) this.#spentMs = this.broker.host.clock.monotonic() - this.#startedMs
  }

  chargeTime(): number {
    if (this.#startedMs < 0) return 0
    this.waits()
    this.#startedMs = -1
    const { quotas, host } = this.broker
    const used = percentageOf(this.#spentMs)
    const throttleMs = quotas.request.charge(this.user, this.clientId, used, host.clock.monotonic())
    if (throttleMs > 0) this.throttle(throttleMs)
    return throttleMs
  }
}

/** What one kind of listener serves. */
class Catalogue {
  /** By API key. */
  readonly handlers: readonly (Handler | undefined)[]
  readonly advertised: readonly AdvertisedApi[]

  constructor(handlers: readonly Handler[], kind: ListenerKind) {
    const served = handlers.filter(handler => handler.listeners.includes(kind)).sort((a, b) => a.api.key - b.api.key)
    const byKey: (Handler | undefined)[] = []
    for (const handler of served) byKey[handler.api.key] = handler
    this.handlers = byKey
    this.advertised = served.map(({ api, minVersion, maxVersion }) => ({ apiKey: api.key, minVersion, maxVersion }))
  }
}

export class Dispatcher {
  readonly #rooms: Rooms
  readonly #catalogues: Readonly<Record<ListenerKind, Catalogue>>

  constructor(handlers: readonly Handler[], rooms: Rooms) {
    this.#rooms = rooms
    this.#catalogues = {
      broker: new Catalogue(handlers, 'broker'),
      controller: new Catalogue(handlers, 'controller'),
    }
  }

  /** What the connections call. Throws CloseConnection where there is nothing to answer. */
  readonly serve: Serve = (frame, peer, turn) => {
    const catalogue = this.#catalogues[peer.listener.kind]
    if (frame.length < 8) throw new CloseConnection('a request shorter than its header')
    const apiKey = frame.readInt16BE(0)
    const version = frame.readInt16BE(2)
    const handler = catalogue.handlers[apiKey]
    if (handler === undefined) throw new CloseConnection(`API ${apiName(apiKey)} is not served on this listener`)
    const { api } = handler
    if (version < handler.minVersion || version > handler.maxVersion) {
      if (apiKey === apiVersions.key) return unknownApiVersions(frame.readInt32BE(4), catalogue)
      throw new CloseConnection(`${api.name} version ${version} is not served`)
    }
    let header: RequestHeader
    let request: RequestOf<AnyApi>
    try {
      header = decodeRequestHeader(frame)
      request = decodeRequest(api, version, frame, header.bodyOffset)
    } catch (error) {
      if (error instanceof ParseError) throw new CloseConnection(`${api.name}: ${error.message}`)
      throw error
    }
    const bytes = frame.length + sizeBytes
    const context = new Context(header, bytes, peer, this.#rooms, catalogue.advertised, turn, this)
    const { forwarding } = this.#rooms
    if (handler.forward && forwarding && peer.listener.kind === 'broker') {
      return this.#serveOrForward(handler, request, context, frame, forwarding)
    }
    let response: Response | Promise<Response>
    try {
      response = handler.handle(request, context)
    } catch (error) {
      return this.#encode(api, context, this.#failed(handler, request, context, error))
    }
    if (!(response instanceof Promise)) return this.#encode(api, context, response)
    context.waits()
    return response.then(
      value => this.#encode(api, context, value),
      error => this.#encode(api, context, this.#failed(handler, request, context, error)),
    )
  }

  /** The answer to a request that fails as a whole, without its handler. Throws CloseConnection where there is none. */
  refuse(frame: Buffer, peer: Peer, error: KafkaError): Answer {
    const catalogue = this.#catalogues[peer.listener.kind]
    const handler = catalogue.handlers[frame.readInt16BE(0)]
    if (handler === undefined) throw new CloseConnection('an API that is not served on this listener')
    const header = decodeRequestHeader(frame)
    const request = decodeRequest(handler.api, header.apiVersion, frame, header.bodyOffset)
    const bytes = frame.length + sizeBytes
    const context = new Context(header, bytes, peer, this.#rooms, catalogue.advertised, noTurn, this)
    return this.#encode(handler.api, context, this.#failed(handler, request, context, error))
  }

  /** What is served here on the listeners of a kind, in the order of the keys. */
  advertised(kind: ListenerKind): readonly AdvertisedApi[] {
    return this.#catalogues[kind].advertised
  }

  /** See `RequestContext.serveForwarded`. */
  async serveForwarded(frame: Buffer, from: Peer): Promise<Buffer> {
    const handler = frame.length < 8 ? undefined : this.#catalogues.controller.handlers[frame.readInt16BE(0)]
    if (!handler?.forward) throw new KafkaError(Errors.INVALID_REQUEST)
    const version = frame.readInt16BE(2)
    if (version < handler.minVersion || version > handler.maxVersion) throw new KafkaError(Errors.UNSUPPORTED_VERSION)
    let header: RequestHeader
    let request: RequestOf<AnyApi>
    try {
      header = decodeRequestHeader(frame)
      request = decodeRequest(handler.api, version, frame, header.bodyOffset)
    } catch (error) {
      if (error instanceof ParseError) throw new KafkaError(Errors.INVALID_REQUEST)
      throw error
    }
    const context = new Context(
      header,
      frame.length + sizeBytes,
      from,
      this.#rooms,
      this.#catalogues.controller.advertised,
      noTurn,
      this,
    )
    const answer = await this.#answer(handler, request, context)
    if (answer === 'not controller') throw new KafkaError(Errors.NOT_CONTROLLER)
    return Buffer.concat(answer ?? []).subarray(sizeBytes)
  }

  async #serveOrForward(
    handler: Handler,
    request: RequestOf<AnyApi>,
    context: Context,
    frame: Buffer,
    forwarding: Forwarding,
  ): Promise<Answer> {
    if (forwarding.isHere) {
      const answer = await this.#answer(handler, request, context)
      if (answer !== 'not controller') return answer
    }
    const { api } = handler
    try {
      const forwarded = await forwarding.forward(frame, context.peer)
      const shown = handler.forward?.shown
      if (shown || this.#rooms.quotas.mutation.isOn) {
        const { bodyOffset } = decodeResponseHeader(api, context.version, forwarded)
        const response = decodeResponse(api, context.version, forwarded, bodyOffset)
        context.throttle(throttleTold(response))
        if (shown) await forwarding.shown(() => shown(request, response, context))
      }
      const size = Buffer.alloc(sizeBytes)
      size.writeInt32BE(forwarded.length)
      return [size, forwarded]
    } catch (error) {
      return this.#encode(api, context, this.#failed(handler, request, context, error))
    }
  }

  /** What this node itself answers, or that it is not the active controller. */
  async #answer(handler: Handler, request: RequestOf<AnyApi>, context: Context): Promise<Answer | 'not controller'> {
    let response: Response
    try {
      response = await handler.handle(request, context)
    } catch (error) {
      if (error instanceof KafkaError && error.code === Errors.NOT_CONTROLLER) return 'not controller'
      response = this.#failed(handler, request, context, error)
    }
    return this.#encode(handler.api, context, response)
  }

  /** The answer to a request whose handler threw. */
  #failed(handler: Handler, request: RequestOf<AnyApi>, context: Context, error: unknown): Response {
    if (error instanceof AssertionError || error instanceof CloseConnection) throw error
    if (!(error instanceof KafkaError)) {
      const fields = { err: error, api: handler.api.name, version: context.version, clientId: context.clientId }
      this.#rooms.host.log.error(fields, 'a request failed unexpectedly')
    }
    const code = error instanceof DiskError ? Errors.KAFKA_STORAGE_ERROR : Errors.UNKNOWN_SERVER_ERROR
    const failure = error instanceof KafkaError ? error : new KafkaError(code)
    const response = handler.failed(request, failure, context)
    if (response === null) throw new CloseConnection(`${handler.api.name} failed: ${failure.message}`)
    return response
  }

  #encode(api: AnyApi, context: Context, response: Response): Answer {
    if (response === null) return null
    context.chargeTime()
    const { throttleMs } = context
    // Not put there otherwise: the tables know that it is 0.
    const told =
      throttleMs > 0 && api.response.fields.throttleTimeMs ? { ...response, throttleTimeMs: throttleMs } : response
    try {
      return encodeResponseFrame(api, context.version, context.correlationId, told)
    } catch (error) {
      if (error instanceof AssertionError) throw error
      const fields = { err: error, api: api.name, version: context.version }
      this.#rooms.host.log.error(fields, 'an answer could not be encoded')
      throw new CloseConnection(`the answer of ${api.name} could not be encoded`)
    }
  }
}

/** What the controller asks a client to wait: the broker that the client is connected to sees to it. */
function throttleTold(response: object): number {
  return 'throttleTimeMs' in response && typeof response.throttleTimeMs === 'number' ? response.throttleTimeMs : 0
}

/** KIP-511: version 0, so that whoever asks can read it, with the range to ask in again. */
function unknownApiVersions(correlationId: number, catalogue: Catalogue): Answer {
  return encodeResponseFrame(apiVersions, 0, correlationId, {
    errorCode: Errors.UNSUPPORTED_VERSION,
    apiKeys: catalogue.advertised.filter(({ apiKey }) => apiKey === apiVersions.key),
  })
}
