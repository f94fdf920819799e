/** A proxy that carries connections to one port, late, or that lets them go to pieces in ways the kernel cannot. */
import { once } from 'node:events'
import * as net from 'node:net'
import type { SimRandom } from '../sim/random.ts'

/** One direction of a connection: what was received goes out after a delay, in order, unless it is held. */
class Lane {
  readonly #to: net.Socket
  readonly #delayMs: () => number
  #queue: { readonly chunk: Buffer | null; readonly due: number }[] = []
  #lastDue = 0
  #held = false
  #timer: NodeJS.Timeout | null = null

  constructor(to: net.Socket, delayMs: () => number) {
    this.#to = to
    this.#delayMs = delayMs
  }

  /** null: the end. */
  push(chunk: Buffer | null): void {
    this.#lastDue = Math.max(this.#lastDue, performance.now() + this.#delayMs())
    this.#queue.push({ chunk, due: this.#lastDue })
    this.#flush()
  }

  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#flush()
  }

  #flush(): void {
    if (this.#held || this.#timer) return
    while (this.#queue.length > 0) {
      const [{ chunk, due }] = this.#queue
      const wait = due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = null
          this.#flush()
        }, wait)
        return
      }
      this.#queue.shift()
      if (this.#to.destroyed) continue
      if (chunk) this.#to.write(chunk)
      else this.#to.end()
    }
  }
}

interface Carried {
  readonly client: net.Socket
  readonly server: net.Socket
  readonly up: Lane
  readonly down: Lane
  /** Set when the client's end is gone on purpose and the server may not notice. */
  late: boolean
}

export class LinkProxy {
  readonly #target: { host: string; port: number }
  readonly #random: SimRandom
  readonly #server: net.Server
  readonly #carried = new Set<Carried>()
  delayMs = 0
  jitterMs = 0

  private constructor(target: { host: string; port: number }, random: SimRandom) {
    this.#target = target
    this.#random = random
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, client => this.#carry(client))
  }

  static async listen(address: string, target: { host: string; port: number }, random: SimRandom): Promise<LinkProxy> {
    const proxy = new LinkProxy(target, random)
    proxy.#server.listen(0, address)
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  get connections(): number {
    return this.#carried.size
  }

  /** Every connection that there is goes wrong in its own way, until `release`. */
  breakConnections(): void {
    for (const carried of this.#carried) {
      carried.up.hold()
      const fate = this.#random.below(3)
      // The client sees its connection end; what it has sent is on its way still, and will arrive when nobody expects it.
      if (fate === 0) this.#loseClient(carried)
      // Everything stands still, both ways.
      else if (fate === 1) carried.down.hold()
      // The server does what it was asked, and no answer comes.
      else {
        carried.up.release()
        carried.down.hold()
      }
    }
  }

  #loseClient(carried: Carried): void {
    carried.late = true
    setTimeout(() => carried.client.destroy(), this.#random.below(1500))
  }

  /** Everything that was held arrives. */
  release(): void {
    for (const { up, down } of this.#carried) {
      up.release()
      down.release()
    }
  }

  /** Ends what it carries; new connections may come. */
  drop(): void {
    for (const { client, server } of this.#carried) {
      client.destroy()
      server.destroy()
    }
  }

  close(): void {
    this.#server.close()
    this.drop()
  }

  #carry(client: net.Socket): void {
    const server = net.connect({ ...this.#target, noDelay: true, allowHalfOpen: true })
    const delay = () => this.delayMs + (this.jitterMs > 0 ? this.#random.below(this.jitterMs) : 0)
    const carried: Carried = { client, server, up: new Lane(server, delay), down: new Lane(client, delay), late: false }
    this.#carried.add(carried)
    client.on('data', chunk => carried.up.push(chunk))
    server.on('data', chunk => carried.down.push(chunk))
    client.on('end', () => carried.up.push(null))
    server.on('end', () => carried.down.push(null))
    client.on('error', () => {})
    server.on('error', () => {})
    client.on('close', () => {
      if (!carried.late) server.destroy()
    })
    server.on('close', () => {
      client.destroy()
      this.#carried.delete(carried)
    })
  }
}
