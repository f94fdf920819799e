/** One outbound connection: requests out, answers matched by their correlation ids. Knows nothing of versions or retries. */
import type { Duplex } from 'node:stream'
import { FrameAssembler, FrameError } from '../../protocol/frame.ts'
import { decodeResponseHeader } from '../../protocol/header.ts'
import { ParseError } from '../../protocol/reader.ts'
import type { AnyApi } from '../../protocol/schema.ts'

/** Who waits for an answer. Exactly one of the two is called, once, unless the request is abandoned. */
export interface Waiter {
  /** Throws ParseError for an answer that is none. `frame` begins with the header, `bodyOffset` is where that ends. */
  answered(frame: Buffer, bodyOffset: number): void
  closed(reason: string): void
}

interface Sent {
  readonly api: AnyApi
  readonly version: number
  /** Null once nobody waits any more: the late answer is dropped. */
  waiter: Waiter | null
}

const correlationIdMax = 2 ** 31 - 1

export class PeerSocket {
  readonly #stream: Duplex
  readonly #assembler: FrameAssembler
  readonly #closed: (reason: string) => void
  readonly #sent = new Map<number, Sent>()
  #nextId = 0
  #heard = 0
  #gone = false

  /** `closed` is called once, after everybody who waited. */
  constructor(stream: Duplex, frameBytesMax: number, closed: (reason: string) => void) {
    this.#stream = stream
    this.#assembler = new FrameAssembler(frameBytesMax)
    this.#closed = closed
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('end', () => this.destroy('the peer closed the connection'))
    stream.on('error', (error: Error) => this.destroy(error.message))
    stream.on('close', () => this.destroy('the connection was lost'))
  }

  /** Requests whose answer is not here yet, those that nobody waits for included. */
  get inFlight(): number {
    return this.#sent.size
  }

  /** How often the peer has sent something. */
  get heard(): number {
    return this.#heard
  }

  /** Sends a request and returns its correlation id. `frameOf` makes the whole frame, its size included. */
  send(api: AnyApi, version: number, frameOf: (correlationId: number) => Buffer[], waiter: Waiter): number {
    const id = this.#takeId()
    const chunks = frameOf(id)
    this.#sent.set(id, { api, version, waiter })
    this.#write(chunks)
    return id
  }

  /** Sends a request that has no answer. */
  tell(frameOf: (correlationId: number) => Buffer[]): void {
    this.#write(frameOf(this.#takeId()))
  }

  /** Nobody waits for this answer any more. */
  abandon(correlationId: number): void {
    const sent = this.#sent.get(correlationId)
    if (sent) sent.waiter = null
  }

  /** Ends the connection; whoever waits is told. Calling it twice does nothing. */
  destroy(reason: string): void {
    if (this.#gone) return
    this.#gone = true
    this.#stream.destroy()
    const sent = [...this.#sent.values()]
    this.#sent.clear()
    for (const { waiter } of sent) waiter?.closed(reason)
    this.#closed(reason)
  }

  #takeId(): number {
    const id = this.#nextId
    this.#nextId = id === correlationIdMax ? 0 : id + 1
    return id
  }

  #write(chunks: readonly Buffer[]): void {
    this.#stream.cork()
    for (const chunk of chunks) this.#stream.write(chunk)
    this.#stream.uncork()
  }

  #received(chunk: Buffer): void {
    if (this.#gone) return
    this.#heard++
    try {
      for (const frame of this.#assembler.push(chunk)) this.#answer(frame)
      if (this.#assembler.failure) throw this.#assembler.failure
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof ParseError)) throw error
      this.destroy(`an answer that cannot be read: ${error.message}`)
    }
  }

  #answer(frame: Buffer): void {
    if (this.#gone) return
    if (frame.length < 4) throw new ParseError('an answer shorter than its header', 0)
    const id = frame.readInt32BE(0)
    const sent = this.#sent.get(id)
    if (!sent) throw new ParseError(`an answer to ${id}, which was not asked`, 0)
    if (sent.waiter) {
      const { bodyOffset } = decodeResponseHeader(sent.api, sent.version, frame)
      const { waiter } = sent
      waiter.answered(frame, bodyOffset)
    }
    this.#sent.delete(id)
  }
}
