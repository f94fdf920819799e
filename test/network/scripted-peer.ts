/** A peer whose every answer the test decides: it shows the requests it got, and sends what it is told to. */
import type { Duplex } from 'node:stream'
import {
  type AnyApi,
  apiVersions,
  decodeRequest,
  decodeRequestHeader,
  encodeResponseFrame,
  FrameAssembler,
  type RequestHeader,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts'
import type { Network, Server, Socket } from '../../src/host/host.ts'

export class Asked {
  readonly header: RequestHeader
  readonly stream: Duplex
  readonly #frame: Buffer

  constructor(stream: Duplex, frame: Buffer) {
    this.stream = stream
    this.#frame = frame
    this.header = decodeRequestHeader(frame)
  }

  body<A extends AnyApi>(api: A): RequestOf<A> {
    return decodeRequest(api, this.header.apiVersion, this.#frame, this.header.bodyOffset)
  }

  answer<A extends AnyApi>(api: A, response: ResponseOf<A>, version = this.header.apiVersion): void {
    const frame = encodeResponseFrame(api, version, this.header.correlationId, response)
    this.stream.write(Buffer.concat(frame))
  }
}

export interface Known {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

export class ScriptedPeer {
  readonly connections: Duplex[] = []
  /** What it answers ApiVersions with; null: not at all. */
  known: readonly Known[] | null
  /** The highest ApiVersions version that it understands. */
  apiVersionsMax = 4
  readonly versionsAsked: number[] = []
  readonly #asked: Asked[] = []
  readonly #waiting: ((asked: Asked) => void)[] = []
  #server: Server | null = null

  constructor(known: readonly Known[] | null) {
    this.known = known
  }

  async listen(network: Network, port = 0): Promise<number> {
    const server = await network.listen({ host: '127.0.0.1', port }, { backlog: 10 }, socket => this.#accept(socket))
    this.#server = server
    return server.port
  }

  /** The next request that is not ApiVersions. */
  next(): Promise<Asked> {
    const asked = this.#asked.shift()
    return asked ? Promise.resolve(asked) : new Promise(resolve => this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    await this.#server?.close()
    for (const stream of this.connections) stream.destroy()
  }

  #accept({ stream }: Socket): void {
    this.connections.push(stream)
    const assembler = new FrameAssembler(1 << 20)
    stream.on('error', () => {})
    stream.on('end', () => stream.end())
    stream.on('data', (chunk: Buffer) => {
      for (const frame of assembler.push(chunk)) this.#take(new Asked(stream, frame))
    })
  }

  #take(asked: Asked): void {
    const { apiKey, apiVersion } = asked.header
    if (apiKey !== apiVersions.key) {
      const waiting = this.#waiting.shift()
      if (waiting) waiting(asked)
      else this.#asked.push(asked)
      return
    }
    this.versionsAsked.push(apiVersion)
    if (!this.known) return
    if (apiVersion <= this.apiVersionsMax) return asked.answer(apiVersions, { errorCode: 0, apiKeys: this.known })
    const apiKeys = [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: this.apiVersionsMax }]
    asked.answer(apiVersions, { errorCode: 35, apiKeys }, 0)
  }
}
