/** One request and what became of it. Bodies are decoded when somebody looks at them. */
import { apiByKey, apiName, knowsVersion } from '../../protocol/apis.ts'
import { decodeRequest, decodeResponse } from '../../protocol/compile.ts'
import { Errors } from '../../protocol/errors.ts'
import { decodeRequestHeader, decodeResponseHeader, type RequestHeader } from '../../protocol/header.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { ParseError } from '../../protocol/reader.ts'
import type { AnyApi } from '../../protocol/schema.ts'
import type { Peer } from '../network/peer.ts'
import type { ApiName, RequestBody, ResponseBody } from './bodies.ts'
import { type Body, isBody, listOf, type NamedPart, type NameOf, partsOf } from './parts.ts'

/**
 * `pending`: in work. `answered`: its answer was handed to the connection. `unanswered`: there is none, because the request
 * asked for none (Produce with acks=0) or a hook dropped it. `disconnected`: the connection was closed instead.
 */
export type Outcome = 'pending' | 'answered' | 'unanswered' | 'disconnected'

export interface Exchange<N extends ApiName = ApiName> {
  /** Counts requests from 1 in the order in which they came. */
  readonly number: number
  /** Such as 'Produce'. A key that no API has reads `Unknown(n)`. */
  readonly api: string
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  /** Empty when the client sent none. */
  readonly clientId: string
  /** The connection it came by. */
  readonly connection: number
  /** The broker it came to. */
  readonly broker: number
  /** When it came and when it was answered, by the broker's clock; milliseconds since the epoch. */
  readonly receivedMs: number
  readonly answeredMs: number | null
  readonly outcome: Outcome
  /** What a hook did to it, such as 'fail NOT_LEADER_OR_FOLLOWER'; null for a request that was left alone. */
  readonly intervention: string | null
  /** The body as the client sent it. Throws ParseError for one that nobody can read. */
  readonly request: RequestBody<N>
  /** The answer as the client gets it; null while and when there is none. */
  readonly response: ResponseBody<N> | null
  /** The topics and partitions that the request names. */
  readonly partitions: readonly NamedPart[]
  /** Resolves when it is no longer pending. */
  readonly finished: Promise<void>
}

const sizeBytes = 4

/** What a fetch session follows. */
export interface FollowedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export interface Arrival {
  readonly number: number
  readonly frame: Buffer
  readonly peer: Peer
  readonly broker: number
  readonly receivedMs: number
  readonly nameOf: NameOf
}

export class Entry implements Exchange {
  readonly number: number
  readonly api: string
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string
  readonly connection: number
  readonly broker: number
  readonly receivedMs: number
  readonly listener: string
  answeredMs: number | null = null
  outcome: Outcome = 'pending'
  intervention: string | null = null
  readonly #table: AnyApi | undefined
  readonly #bodyOffset: number
  /** The name of a topic by its id, as the broker that was asked knows it. */
  readonly nameOf: NameOf
  /** Without its size. */
  readonly #frame: Buffer
  #answer: Buffer | null = null
  #request: RequestBody | null = null
  #response: ResponseBody | null = null
  #parts: readonly NamedPart[] | null = null
  #followed: readonly FollowedPartition[] | null = null
  #finished: Promise<void> | null = null
  #finish: () => void = () => {}

  /** The frame must be one that nobody else writes to. */
  constructor({ number, frame, peer, broker, receivedMs, nameOf }: Arrival) {
    const header = headerOf(frame)
    this.number = number
    this.apiKey = header.apiKey
    this.version = header.apiVersion
    this.correlationId = header.correlationId
    this.clientId = header.clientId ?? ''
    this.api = apiName(header.apiKey)
    this.connection = peer.connectionId
    this.listener = peer.listener.name
    this.broker = broker
    this.receivedMs = receivedMs
    this.#table = apiByKey(header.apiKey)
    this.#bodyOffset = header.bodyOffset
    this.nameOf = nameOf
    this.#frame = frame
  }

  /** Null for a key that no API has. */
  get table(): AnyApi | null {
    return this.#table ?? null
  }

  get request(): RequestBody {
    if (!this.#table || this.#bodyOffset < 0 || !knowsVersion(this.#table, this.version)) {
      throw new ParseError(`no table has ${this.api} version ${this.version}`, 0)
    }
    this.#request ??= decodeRequest(this.#table, this.version, this.#frame, this.#bodyOffset)
    return this.#request
  }

  get response(): ResponseBody | null {
    if (!this.#table || this.#answer === null) return null
    if (this.#response === null) {
      const version = this.#isRefusalOfVersion(this.#answer) ? 0 : this.version
      const { bodyOffset } = decodeResponseHeader(this.#table, version, this.#answer)
      this.#response = decodeResponse(this.#table, version, this.#answer, bodyOffset)
    }
    return this.#response
  }

  get partitions(): readonly NamedPart[] {
    if (this.#parts !== null) return this.#parts
    if (this.#table === undefined) return []
    const body = this.#followed === null ? this.request : { topics: this.fetched() }
    this.#parts = partsOf(this.#table, this.version, body, this.nameOf)
    return this.#parts
  }

  get finished(): Promise<void> {
    if (this.outcome !== 'pending') return Promise.resolve()
    this.#finished ??= new Promise(resolve => {
      this.#finish = resolve
    })
    return this.#finished
  }

  /** A Fetch: what it asks for includes what its session follows. */
  follows(followedBy: (sessionId: number) => readonly FollowedPartition[]): void {
    const { sessionId } = this.request
    if (typeof sessionId === 'number' && sessionId !== 0) this.#followed = followedBy(sessionId)
  }

  /** A Fetch: what it asks for, that of its session included, in the form of a request. */
  fetched(): Body[] {
    const named = listOf(this.request, 'topics').filter(isBody)
    const followed = (this.#followed ?? []).map(({ topic, topicId, partition }) => {
      return { topic, topicId, partitions: [{ partition }] }
    })
    const isNamed = ({ topic, topicId, partition }: FollowedPartition) =>
      named.some(each => each.topic === topic && each.topicId === topicId && numbersIn(each).includes(partition))
    return [...named, ...followed.filter((_each, i) => !isNamed((this.#followed ?? [])[i]))]
  }

  /** The client's bytes, without their size. */
  bytesOfRequest(): Buffer {
    return this.#frame
  }

  /** What it holds in memory. */
  get bytes(): number {
    return this.#frame.length + (this.#answer?.length ?? 0)
  }

  /** Takes a copy of the answer, whose bytes may be another's soon. */
  answered(chunks: readonly Uint8Array[] | null, nowMs: number): void {
    this.#answer = chunks === null ? null : Buffer.concat(chunks).subarray(sizeBytes)
    this.#end(chunks === null ? 'unanswered' : 'answered', nowMs)
  }

  /** It gets no answer, now or ever. */
  leftWithout(outcome: 'unanswered' | 'disconnected', nowMs: number): void {
    this.#end(outcome, nowMs)
  }

  /** That one is in version 0, whatever was asked for (KIP-511). */
  #isRefusalOfVersion(answer: Buffer): boolean {
    return this.apiKey === apiVersions.key && answer.readInt16BE(4) === Errors.UNSUPPORTED_VERSION
  }

  #end(outcome: Outcome, nowMs: number): void {
    this.outcome = outcome
    this.answeredMs = nowMs
    this.#finish()
  }

  toString(): string {
    const from = this.clientId === '' ? '' : ` from ${this.clientId}`
    const parts = this.#shownParts()
    const intervention = this.intervention === null ? '' : ` (${this.intervention})`
    return `#${this.number} ${this.api} v${this.version}${parts}${from}: ${this.outcome}${intervention}`
  }

  /** How a failed assertion, or console.log, shows it. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Exchange { ${this} }`
  }

  #shownParts(): string {
    try {
      const shown = this.partitions.map(({ topic, partition }) => (partition < 0 ? topic : `${topic}-${partition}`))
      return shown.length === 0 ? '' : ` [${shown.join(', ')}]`
    } catch {
      return ''
    }
  }
}

/** As much of it as can be read: what is broken is the broker's to refuse. */
function headerOf(frame: Buffer): RequestHeader {
  try {
    return decodeRequestHeader(frame)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const at = (offset: number) => (frame.length >= offset + 2 ? frame.readInt16BE(offset) : -1)
    return { apiKey: at(0), apiVersion: at(2), correlationId: -1, clientId: null, bodyOffset: -1 }
  }
}

function numbersIn(topic: Body): unknown[] {
  return listOf(topic, 'partitions').map(each => (isBody(each) ? each.partition : each))
}
