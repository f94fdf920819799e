/** One connection of the test client: pipelined, and every request has a deadline after which the connection is given up. */
import * as net from 'node:net'
import {
  type AnyApi,
  type DecodedResponseOf,
  decodeResponse,
  decodeResponseHeader,
  encodeRequestFrame,
  FrameAssembler,
  type RequestInputOf,
} from '../../../protocol/index.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** No answer. `sent`: the request may have arrived, or may yet. */
export class Outage extends Error {
  readonly sent: boolean

  constructor(message: string, sent: boolean) {
    super(message)
    this.sent = sent
  }
}

interface Waiting {
  resolve(frame: Buffer): void
  reject(error: Outage): void
  readonly timer: NodeJS.Timeout
}

const frameBytesMax = 100 << 20

export class Connection {
  readonly #socket: net.Socket
  readonly #waiting = new Map<number, Waiting>()
  #correlationId = 0
  #ended: string | null = null

  private constructor(socket: net.Socket) {
    this.#socket = socket
    const assembler = new FrameAssembler(frameBytesMax)
    socket.on('data', chunk => {
      for (const frame of assembler.push(chunk)) {
        const correlationId = frame.readInt32BE(0)
        const waiting = this.#waiting.get(correlationId)
        if (!waiting) return this.#end(`answer to ${correlationId}`)
        this.#waiting.delete(correlationId)
        clearTimeout(waiting.timer)
        waiting.resolve(frame)
      }
    })
    socket.on('error', error => this.#end((error as NodeJS.ErrnoException).code ?? error.message))
    socket.on('close', () => this.#end('closed'))
  }

  static open({ host, port }: Endpoint, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, noDelay: true })
      const fail = (why: string) => {
        socket.destroy()
        reject(new Outage(`connecting to ${host}:${port}: ${why}`, false))
      }
      const timer = setTimeout(() => fail('timed out'), timeoutMs)
      socket.once('error', error => {
        clearTimeout(timer)
        fail((error as NodeJS.ErrnoException).code ?? error.message)
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new Connection(socket))
      })
    })
  }

  get ended(): boolean {
    return this.#ended !== null
  }

  request<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInputOf<A>,
    timeoutMs: number,
  ): Promise<DecodedResponseOf<A>> {
    if (this.#ended !== null) return Promise.reject(new Outage(this.#ended, false))
    const correlationId = this.#correlationId++
    const frame = new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => this.#end(`${api.name}: timed out`), timeoutMs)
      this.#waiting.set(correlationId, { resolve, reject, timer })
    })
    this.#socket.write(Buffer.concat(encodeRequestFrame(api, version, correlationId, 'chaos', body)))
    return frame.then(bytes =>
      decodeResponse(api, version, bytes, decodeResponseHeader(api, version, bytes).bodyOffset),
    )
  }

  close(): void {
    this.#end('closed by the client')
  }

  #end(why: string): void {
    if (this.#ended !== null) return
    this.#ended = why
    this.#socket.destroy()
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Outage(why, true))
    }
    this.#waiting.clear()
  }
}
