/**
 * The network between simulated machines: connections, as TCP has them. Bytes arrive in order, some time later, in
 * pieces of any size; a sender is held back when the other end does not read.
 *
 * Injected, because a cluster has to survive them:
 * - slow links, with now and then one piece that is much slower than the rest;
 * - cuts between two machines, one way or both: what was sent waits, is sent again once the cut heals, and after long
 *   enough the sender is told that the connection is lost, while the other end hears nothing;
 * - connections that end while bytes are on their way: a request of a client that has given up still arrives, late,
 *   unless the reset overtakes it;
 * - a stall of one direction of one connection;
 * - a process that dies (its machine ends its connections) and a machine that dies (nobody is told; once it is up
 *   again it answers what still comes with a reset);
 * - a process that is paused: its machine accepts connections and bytes for it, up to the window.
 */
import {
  ConnectError,
  type Endpoint,
  type ListenOptions,
  type Network,
  type Server,
  type Socket,
} from '../../src/host/host.ts'
import type { SimClock } from './clock.ts'
import { End, type Gate, type Route } from './connection.ts'
import type { SimRandom } from './random.ts'

const firstPort = 20_000
const backlogMax = 128

export interface LinkOptions {
  readonly delayMinMs: number
  readonly delayMaxMs: number
  /** One piece in so many takes longer. */
  readonly spikeOneIn: number
  readonly spikeMaxMs: number
  /** After so long without getting anything through, a sender is told that the connection is lost. */
  readonly giveUpMinMs: number
  readonly giveUpMaxMs: number
  readonly windowBytesMin: number
  readonly windowBytesMax: number
}

export const quickLinks: LinkOptions = {
  delayMinMs: 0.01,
  delayMaxMs: 1,
  spikeOneIn: Number.POSITIVE_INFINITY,
  spikeMaxMs: 0,
  giveUpMinMs: 8000,
  giveUpMaxMs: 20_000,
  windowBytesMin: 64 * 1024,
  windowBytesMax: 1024 * 1024,
}

interface Process {
  readonly name: string
  readonly address: string
  readonly gate: Gate
  readonly listeners: Map<number, (socket: Socket) => void>
  readonly ends: Set<End>
}

export class Fabric {
  readonly clock: SimClock
  readonly random: SimRandom
  readonly links: LinkOptions
  /** Hears of every arrival, for the hash of the trace. */
  arrived: (bytes: number) => void = () => {}
  /** The process that a machine now runs, by the name of the machine. */
  readonly #running = new Map<string, Process>()
  /** Machines without power. */
  readonly #dark = new Set<string>()
  readonly #addresses = new Map<string, string>()
  /** Cut directions, as 'from>to'. */
  readonly #cuts = new Set<string>()
  readonly #ends = new Set<End>()
  #port = firstPort

  constructor(clock: SimClock, random: SimRandom, links: Partial<LinkOptions> = {}) {
    this.clock = clock
    this.random = random
    this.links = { ...quickLinks, ...links }
  }

  /** The network as a new process on the machine `name` sees it. */
  attach(name: string, gate: Gate): SimNetwork {
    let address = this.#addresses.get(name)
    if (!address) {
      address = `10.0.0.${this.#addresses.size + 1}`
      this.#addresses.set(name, address)
    }
    const process: Process = { name, address, gate, listeners: new Map(), ends: new Set() }
    this.#running.set(name, process)
    this.#dark.delete(name)
    return new SimNetwork(this, process)
  }

  /** The process of a machine ended. `power`: so did the machine, and nobody is told. */
  detach(name: string, power: boolean): void {
    const process = this.#running.get(name)
    this.#running.delete(name)
    if (power) this.#dark.add(name)
    for (const end of process?.ends ?? []) {
      if (power) end.vanish()
      else end.abandon()
    }
  }

  isDark(name: string): boolean {
    return this.#dark.has(name)
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`)
  }

  heal(from: string, to: string): void {
    if (this.#cuts.delete(`${from}>${to}`)) this.#healed()
  }

  healAll(): void {
    this.#cuts.clear()
    this.#healed()
    for (const end of this.#ends) end.stalledUntilMs = 0
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`)
  }

  get cuts(): readonly string[] {
    return [...this.#cuts]
  }

  /** One direction of a connection that exists now delivers nothing for a while. The name of it, null without one. */
  stallOne(forMs: number): string | null {
    const ends = [...this.#ends]
    if (ends.length === 0) return null
    const end = this.random.pick(ends)
    end.stalledUntilMs = this.clock.monotonic() + forMs
    return `${end.route.from}>${end.route.to}`
  }

  /** What a machine sends on its connections of now stands still for a while. */
  stallFrom(name: string, forMs: number): void {
    for (const end of this.#ends) if (end.route.from === name) end.stalledUntilMs = this.clock.monotonic() + forMs
  }

  /** A connection that exists now is reset from both sides. */
  resetOne(): string | null {
    const ends = [...this.#ends]
    if (ends.length === 0) return null
    const end = this.random.pick(ends)
    end.reset()
    return `${end.route.from}>${end.route.to}`
  }

  delayMs(): number {
    const { delayMinMs, delayMaxMs, spikeOneIn, spikeMaxMs } = this.links
    if (Number.isFinite(spikeOneIn) && this.random.oneIn(spikeOneIn)) return this.#between(delayMinMs, spikeMaxMs)
    return this.#between(delayMinMs, delayMaxMs)
  }

  newPort(): number {
    return this.#port++
  }

  async connect(from: Process, endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
    const outcome = await new Promise<string | Socket>(resolve => {
      const decide = (found: string | Socket) =>
        this.clock.after(this.delayMs(), () => from.gate.enter(() => resolve(found)))
      const untilMs = this.clock.monotonic() + timeoutMs
      this.clock.after(this.delayMs(), () => this.#knock(from, endpoint, untilMs, 200, decide))
    })
    if (typeof outcome !== 'string') return outcome
    throw new ConnectError(`connection to ${endpoint.host}:${endpoint.port} ${outcome}`, outcome === 'refused')
  }

  forget(end: End): void {
    this.#ends.delete(end)
    this.#running.get(end.route.from)?.ends.delete(end)
  }

  /** A SYN, sent again for as long as it takes. */
  #knock(
    from: Process,
    endpoint: Endpoint,
    untilMs: number,
    waitMs: number,
    decide: (outcome: string | Socket) => void,
  ): void {
    const name = this.#machineOf(endpoint.host, from.name)
    const now = this.clock.monotonic()
    if (now >= untilMs) return decide('timed out')
    if (this.isCut(from.name, name) || this.isCut(name, from.name) || this.isDark(name)) {
      this.clock.after(Math.min(waitMs, untilMs - now), () => this.#knock(from, endpoint, untilMs, waitMs * 2, decide))
      return
    }
    const target = this.#running.get(name)
    const accept = target?.listeners.get(endpoint.port)
    if (!target || !accept || target.ends.size > backlogMax * 8) return decide('refused')
    if (!from.gate.alive) return
    decide(this.#join(from, target, endpoint.port, accept))
  }

  #join(from: Process, to: Process, port: number, accept: (socket: Socket) => void): Socket {
    const clientPort = this.newPort()
    const near = this.#end({ from: from.name, to: to.name }, from.gate, false)
    const far = this.#end({ from: to.name, to: from.name }, to.gate, true)
    near.peer = far
    far.peer = near
    from.ends.add(near)
    to.ends.add(far)
    const socket = { stream: far, remoteAddress: from.address, remotePort: clientPort, localPort: port }
    to.gate.enter(() => accept(socket))
    return { stream: near, remoteAddress: to.address, remotePort: port, localPort: clientPort }
  }

  #end(route: Route, gate: Gate, allowHalfOpen: boolean): End {
    const { giveUpMinMs, giveUpMaxMs, windowBytesMin, windowBytesMax } = this.links
    const giveUpMs = this.#between(giveUpMinMs, giveUpMaxMs)
    const windowBytes = Math.floor(this.#between(windowBytesMin, windowBytesMax))
    const end = new End(this, route, gate, { giveUpMs, windowBytes, allowHalfOpen })
    this.#ends.add(end)
    return end
  }

  #machineOf(host: string, own: string): string {
    if (this.#running.has(host) || this.#dark.has(host) || this.#addresses.has(host)) return host
    for (const [name, address] of this.#addresses) if (address === host) return name
    return own
  }

  #healed(): void {
    for (const end of this.#ends) end.retransmit()
  }

  #between(min: number, max: number): number {
    return min + (this.random.below(100_000) / 100_000) * (max - min)
  }
}

/** The network as one process sees it. */
export class SimNetwork implements Network {
  readonly #fabric: Fabric
  readonly #process: Process

  constructor(fabric: Fabric, process: Process) {
    this.#fabric = fabric
    this.#process = process
  }

  /** A machine that is alone. */
  static alone(clock: SimClock, random: SimRandom): SimNetwork {
    const gate: Gate = { alive: true, enter: run => run() }
    return new Fabric(clock, random).attach('alone', gate)
  }

  async listen(endpoint: Endpoint, _options: ListenOptions, accept: (socket: Socket) => void): Promise<Server> {
    const { listeners } = this.#process
    const port = endpoint.port || this.#fabric.newPort()
    if (listeners.has(port)) throw new Error(`port ${port} is taken`)
    listeners.set(port, accept)
    return {
      host: endpoint.host,
      port,
      close: async () => {
        listeners.delete(port)
      },
    }
  }

  connect(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
    return this.#fabric.connect(this.#process, endpoint, timeoutMs)
  }
}
