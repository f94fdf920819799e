import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type AnyApi,
  type DecodedResponseOf,
  decodeResponse,
  decodeResponseHeader,
  encodeRequestFrame,
  FrameAssembler,
  type RequestInputOf,
} from '../../protocol/index.ts'

/** A client that sends whatever bytes a test wants, and waits for frames or for the end. */
export class RawClient {
  readonly #socket: Duplex
  readonly #assembler = new FrameAssembler(2 ** 31 - 1)
  readonly #frames: Buffer[] = []
  readonly #waiting: ((frame: Buffer | null) => void)[] = []
  #ended = false
  /** Resolves when the other end has closed. */
  readonly closed: Promise<void>

  private constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('data', chunk => {
      for (const frame of this.#assembler.push(chunk)) {
        const waiting = this.#waiting.shift()
        if (waiting) waiting(frame)
        else this.#frames.push(frame)
      }
    })
    socket.on('error', () => {})
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#ended = true
        for (const waiting of this.#waiting.splice(0)) waiting(null)
        resolve()
      })
    })
  }

  /** Over a connection that is there already. */
  static over(socket: Duplex): RawClient {
    return new RawClient(socket)
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host, noDelay: true })
    const client = new RawClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return client
  }

  send(...chunks: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(chunks))
  }

  /** Bytes with their size in front. */
  sendFrame(body: Uint8Array): void {
    const size = Buffer.alloc(4)
    size.writeInt32BE(body.length)
    this.send(size, body)
  }

  /** The next answer, or null when the connection ended first. */
  next(): Promise<Buffer | null> {
    const frame = this.#frames.shift()
    if (frame) return Promise.resolve(frame)
    if (this.#ended) return Promise.resolve(null)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Sends a request and decodes its answer; null when the connection was closed instead. */
  async call<A extends AnyApi>(
    api: A,
    version: number,
    request: RequestInputOf<A>,
    correlationId = 1,
  ): Promise<DecodedResponseOf<A> | null> {
    this.send(...encodeRequestFrame(api, version, correlationId, 'test', request))
    const frame = await this.next()
    if (frame === null) return null
    const header = decodeResponseHeader(api, version, frame)
    if (header.correlationId !== correlationId) throw new Error(`answer to ${header.correlationId}`)
    return decodeResponse(api, version, frame, header.bodyOffset)
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
