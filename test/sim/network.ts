/** Connections between simulated hosts: bytes arrive whole, in order, a little later. */
import { Duplex } from 'node:stream'
import type { Endpoint, ListenOptions, Network, Server, Socket } from '../../src/host/host.ts'
import type { SimClock } from './clock.ts'
import type { SimRandom } from './random.ts'

const delayMaxMs = 1
const firstPort = 20_000

export class SimNetwork implements Network {
  readonly #clock: SimClock
  readonly #random: SimRandom
  readonly #listeners = new Map<number, (socket: Socket) => void>()
  #port = firstPort

  constructor(clock: SimClock, random: SimRandom) {
    this.#clock = clock
    this.#random = random
  }

  async listen(endpoint: Endpoint, _options: ListenOptions, accept: (socket: Socket) => void): Promise<Server> {
    const port = endpoint.port || this.#port++
    if (this.#listeners.has(port)) throw new Error(`port ${port} is taken`)
    this.#listeners.set(port, accept)
    return {
      host: endpoint.host,
      port,
      close: async () => {
        this.#listeners.delete(port)
      },
    }
  }

  async connect(endpoint: Endpoint): Promise<Socket> {
    await this.#clock.sleep(this.#delayMs())
    const accept = this.#listeners.get(endpoint.port)
    if (!accept) throw new Error(`connection to ${endpoint.host}:${endpoint.port} refused`)
    const clientPort = this.#port++
    const near = new End((run, lastMs) => this.#later(run, lastMs))
    const far = new End((run, lastMs) => this.#later(run, lastMs))
    near.peer = far
    far.peer = near
    accept({ stream: far, remoteAddress: '127.0.0.1', remotePort: clientPort, localPort: endpoint.port })
    return { stream: near, remoteAddress: '127.0.0.1', remotePort: endpoint.port, localPort: clientPort }
  }

  /** Runs a little later, but not before what was sent before it. The time at which it will run. */
  #later(run: () => void, lastMs: number): number {
    const now = this.#clock.monotonic()
    const atMs = Math.max(lastMs, now + this.#delayMs())
    this.#clock.after(atMs - now, run)
    return atMs
  }

  #delayMs(): number {
    return (this.#random.below(1000) / 1000) * delayMaxMs
  }
}

class End extends Duplex {
  peer: End | null = null
  readonly #later: (run: () => void, lastMs: number) => number
  #lastMs = 0

  constructor(later: (run: () => void, lastMs: number) => number) {
    super({ allowHalfOpen: false })
    this.#later = later
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(() => this.peer?.push(chunk))
    done()
  }

  override _final(done: () => void): void {
    this.#send(() => this.peer?.push(null))
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#send(() => this.peer?.destroy())
    done(error)
  }

  #send(run: () => void): void {
    this.#lastMs = this.#later(run, this.#lastMs)
  }
}
