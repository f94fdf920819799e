/** All connections of a broker: who may come in, who stayed too long, and who speaks something else than Kafka. */
import type { Clock, Logger } from '../host/host.ts'
import type { Connection } from './connection.ts'
import type { NetworkLimits } from './limits.ts'
import type { Peer } from './peer.ts'

export class ConnectionRegistry {
  #limits: NetworkLimits
  readonly #clock: Clock
  readonly #log: Logger
  readonly #connections = new Set<Connection>()
  readonly #byAddress = new Map<string, number>()
  /** What was already told, by kind and address. */
  readonly #told = new Set<string>()
  #sweeping = false
  #nextId = 1
  #onEmpty: (() => void)[] = []

  constructor(limits: NetworkLimits, clock: Clock, log: Logger) {
    this.#limits = limits
    this.#clock = clock
    this.#log = log
  }

  get size(): number {
    return this.#connections.size
  }

  all(): Connection[] {
    return [...this.#connections]
  }

  /** From now on; who is in stays in. */
  set limits(limits: NetworkLimits) {
    this.#limits = limits
  }

  nextId(): number {
    return this.#nextId++
  }

  /**
   * Null when a connection from `address` may come in, else why not. One on a `privileged` listener (peers of the
   * cluster) takes the place of the connection longest unused when the broker is full.
   */
  refuses(address: string, privileged: boolean): string | null {
    const { connectionsPerIpMax, connectionsPerIpOverrides, connectionsMax } = this.#limits
    const perAddressMax = connectionsPerIpOverrides.get(address) ?? connectionsPerIpMax
    if ((this.#byAddress.get(address) ?? 0) >= perAddressMax) return 'too many connections from this address'
    if (this.#connections.size < connectionsMax) return null
    const victim = privileged ? this.#longestUnused() : null
    if (victim === null) return 'too many connections'
    victim.destroy('made room for a peer of the cluster')
    return null
  }

  add(connection: Connection): void {
    const { remoteAddress } = connection.peer
    this.#connections.add(connection)
    this.#byAddress.set(remoteAddress, (this.#byAddress.get(remoteAddress) ?? 0) + 1)
    this.#sweepLater()
  }

  remove(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    const { remoteAddress } = connection.peer
    const left = (this.#byAddress.get(remoteAddress) ?? 1) - 1
    if (left > 0) this.#byAddress.set(remoteAddress, left)
    else this.#byAddress.delete(remoteAddress)
    if (this.#connections.size > 0) return
    const waiting = this.#onEmpty
    this.#onEmpty = []
    for (const run of waiting) run()
  }

  /** Logs what was odd about a client: the first time by address and kind as a warning, then quietly. */
  noteOdd(peer: Pick<Peer, 'remoteAddress' | 'remotePort'>, reason: string, kind: string): void {
    const fields = { client: `${peer.remoteAddress}:${peer.remotePort}`, reason }
    const key = `${kind} ${peer.remoteAddress}`
    if (this.#told.has(key) || this.#told.size >= this.#limits.oddClientsMax) {
      this.#log.debug(fields, 'connection closed')
      return
    }
    this.#told.add(key)
    this.#log.warn(fields, `connection closed (${kind}); more of this from the same address is logged at debug level`)
  }

  /** Lets every connection answer what is in work; those that have not ended after `drainMs` are cut. */
  async drain(): Promise<void> {
    for (const connection of [...this.#connections]) connection.drain()
    if (this.#connections.size === 0) return
    await new Promise<void>(resolve => {
      const cancel = this.#clock.after(this.#limits.drainMs, () => this.destroyAll('shutting down'))
      this.#onEmpty.push(() => {
        cancel()
        resolve()
      })
    })
  }

  destroyAll(reason: string): void {
    for (const connection of [...this.#connections]) connection.destroy(reason)
  }

  #longestUnused(): Connection | null {
    let found: Connection | null = null
    for (const connection of this.#connections) {
      if (connection.inFlight > 0 || connection.peer.listener.privileged) continue
      if (found === null || connection.activeMs < found.activeMs) found = connection
    }
    return found
  }

  #sweepLater(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    this.#clock.after(this.#limits.sweepMs, () => {
      this.#sweeping = false
      const nowMs = this.#clock.monotonic()
      for (const connection of [...this.#connections]) connection.sweep(nowMs)
      if (this.#connections.size > 0) this.#sweepLater()
    })
  }
}

/** What those who speak another protocol most likely meant, by the first four bytes they sent. */
export function foreignProtocol(firstBytes: number): string | null {
  if (firstBytes >>> 16 === 0x1603) return 'looks like TLS on a plaintext listener'
  const text = String.fromCharCode(
    firstBytes >>> 24,
    (firstBytes >>> 16) & 255,
    (firstBytes >>> 8) & 255,
    firstBytes & 255,
  )
  if (['GET ', 'POST', 'PUT ', 'HEAD', 'OPTI', 'DELE', 'PATC', 'CONN', 'TRAC', 'PRI '].includes(text)) {
    return 'looks like HTTP'
  }
  if (text === 'SSH-') return 'looks like SSH'
  return null
}
