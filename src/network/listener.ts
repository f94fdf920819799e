/** The sockets a broker listens on. Several, with names, as in Kafka's `listeners`; a client learns the addresses of the one it came in by. */
import type { Host, Server, Socket } from '../host/host.ts'
import { ByteBudget } from './byte-budget.ts'
import { Connection, type ConnectionSetting, type Serve } from './connection.ts'
import { ConnectionRates } from './connection-rates.ts'
import { ConnectionRegistry, foreignProtocol } from './connection-registry.ts'
import type { NetworkLimits } from './limits.ts'
import type { ListenerIdentity, SecurityProtocol } from './peer.ts'

export interface ListenerSettings {
  readonly name: string
  readonly securityProtocol: SecurityProtocol
  /** The address to bind; empty for all. */
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** What clients are told; null for the bound address (`localhost` when bound to all). */
  readonly advertisedHost: string | null
  readonly advertisedPort: number | null
  readonly kind: ListenerIdentity['kind']
  /** Peers of the cluster come in here: they are let in when connections are short. */
  readonly privileged: boolean
}

export interface BoundListener extends ListenerIdentity {
  readonly host: string
  readonly port: number
}

/** All listeners of one broker. */
export class Listeners {
  readonly #host: Host
  #limits: NetworkLimits
  readonly #serve: Serve
  readonly #registry: ConnectionRegistry
  readonly #rates: ConnectionRates
  /** Let in or turned away later, because of a rate. */
  readonly #held = new Set<Socket>()
  readonly #budget: ByteBudget
  readonly #servers: Server[] = []
  readonly #bound: BoundListener[] = []
  #serversClosed: Promise<unknown> = Promise.resolve()

  constructor(host: Host, limits: NetworkLimits, serve: Serve) {
    this.#host = host
    this.#limits = limits
    this.#serve = serve
    this.#rates = new ConnectionRates(host.clock)
    this.#registry = new ConnectionRegistry(limits, host.clock, host.log)
    this.#budget = new ByteBudget(limits.totalBytesMax)
  }

  get bound(): readonly BoundListener[] {
    return this.#bound
  }

  /** Connections open now. */
  get connections(): number {
    return this.#registry.size
  }

  /** Those connections, for who wants to see or to cut them. */
  get connected(): Connection[] {
    return this.#registry.all()
  }

  /** Request bytes in memory now. */
  get heldBytes(): number {
    return this.#budget.used
  }

  /** New limits, for connections that come in from now on. */
  set limits(limits: NetworkLimits) {
    this.#limits = limits
    this.#registry.limits = limits
  }

  /** Binds one more. Rejects when the address is taken or does not exist. */
  async open(settings: ListenerSettings): Promise<BoundListener> {
    const budget = new ByteBudget(this.#limits.listenerBytesMax, this.#budget)
    let listener: BoundListener | null = null
    const early: Socket[] = []
    const endpoint = { host: settings.host, port: settings.port }
    const server = await this.#host.network.listen(endpoint, { backlog: this.#limits.backlog }, socket => {
      if (listener) this.#admit(socket, listener, budget)
      else early.push(socket)
    })
    this.#servers.push(server)
    listener = {
      name: settings.name,
      securityProtocol: settings.securityProtocol,
      kind: settings.kind,
      privileged: settings.privileged,
      host: server.host,
      port: server.port,
      advertisedHost: settings.advertisedHost ?? (isWildcard(settings.host) ? 'localhost' : settings.host),
      advertisedPort: settings.advertisedPort ?? server.port,
    }
    this.#bound.push(listener)
    for (const socket of early) this.#admit(socket, listener, budget)
    return listener
  }

  /** No connection comes in from now on. */
  stopAccepting(): void {
    this.#serversClosed = Promise.all(this.#servers.splice(0).map(server => server.close()))
  }

  /** Stops accepting, answers what is in work within the limit, and closes everything. */
  async close(): Promise<void> {
    if (this.#servers.length > 0) this.stopAccepting()
    for (const { stream } of this.#held) stream.destroy()
    await this.#registry.drain()
    await this.#serversClosed
  }

  #admit(socket: Socket, listener: BoundListener, budget: ByteBudget): void {
    const { connectionRates, connectionsHeldMax } = this.#limits
    if (connectionRates === null) return this.#accept(socket, listener, budget)
    // Where peers of the cluster have a listener of their own, they need not wait behind clients.
    const ofPeers = listener.privileged && this.#bound.length > 1
    const { admitted, afterMs } = this.#rates.admit(socket.remoteAddress, ofPeers, connectionRates)
    if (admitted && afterMs === 0) return this.#accept(socket, listener, budget)
    const { stream } = socket
    if (!admitted) this.#registry.noteOdd(socket, 'too many new connections of this address', 'connection rate')
    const ignore = () => {}
    stream.on('error', ignore)
    if (this.#held.size >= connectionsHeldMax) {
      stream.destroy()
      return
    }
    // Nobody reads it meanwhile: what it sends stays in the socket.
    this.#held.add(socket)
    this.#host.clock.after(afterMs, () => {
      this.#held.delete(socket)
      stream.off('error', ignore)
      if (admitted && !stream.destroyed) return this.#accept(socket, listener, budget)
      stream.on('error', ignore)
      stream.destroy()
    })
  }

  #accept(socket: Socket, listener: BoundListener, budget: ByteBudget): void {
    const registry = this.#registry
    const refusal = registry.refuses(socket.remoteAddress, listener.privileged)
    if (refusal !== null) {
      registry.noteOdd(socket, refusal, refusal)
      socket.stream.on('error', () => {})
      socket.stream.destroy()
      return
    }
    const setting: ConnectionSetting = {
      limits: this.#limits,
      clock: this.#host.clock,
      log: this.#host.log,
      budget,
      serve: this.#serve,
      closed: connection => registry.remove(connection),
      violated: (connection, reason, firstBytes) => {
        registry.noteOdd(connection.peer, reason, foreignProtocol(firstBytes) ?? 'not understood')
      },
    }
    const peer = {
      connectionId: registry.nextId(),
      listener,
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      localPort: socket.localPort,
      principal: 'User:ANONYMOUS',
      softwareName: 'unknown',
      softwareVersion: 'unknown',
    }
    registry.add(new Connection(socket.stream, peer, setting))
  }
}

function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}
