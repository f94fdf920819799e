/**
 * Notices at once when the process of a broker is gone, instead of after a whole session without heartbeats.
 *
 * Every node that may lead the controllers holds an idle connection to each broker. When one breaks and the broker's
 * machine then says that nobody listens there, the process has ended. Whatever else goes wrong (no answer, no route, a
 * connection that never stood) says nothing: the session decides. A false alarm would only move leaderships, and a
 * broker that was heard of since is not judged (docs/decisions/0010-gone-brokers.md).
 */
import { ConnectError, type Endpoint, type Host, type Socket } from '../host/host.ts'
import type { Broker } from '../metadata/entities.ts'
import type { MetadataState } from '../metadata/state.ts'

export interface GoneBroker {
  readonly brokerId: number
  readonly brokerEpoch: number
  /** Monotonic milliseconds. */
  readonly sinceMs: number
}

export interface BrokerLinksOptions {
  readonly host: Pick<Host, 'clock' | 'network'>
  readonly metadata: MetadataState
  /** This node knows of itself. */
  readonly ownId: number
  /** The listener that brokers reach each other by. */
  readonly listenerName: string
  /** Must not throw. */
  readonly gone: (broker: GoneBroker) => void
}

const limits = {
  connectTimeoutMs: 2000,
  /** Between attempts to reach a broker that could not be reached. */
  retryMs: 1000,
} as const

export class BrokerLinks {
  readonly #options: BrokerLinksOptions
  readonly #links = new Map<number, BrokerLink>()
  readonly #stopListening: () => void

  constructor(options: BrokerLinksOptions) {
    this.#options = options
    const { metadata } = options
    this.#stopListening = metadata.listen({ brokerChanged: (brokerId, broker) => this.#changed(brokerId, broker) })
    for (const [brokerId, broker] of metadata.brokers) this.#changed(brokerId, broker)
  }

  /** Those that are known to be gone now. */
  get gone(): readonly GoneBroker[] {
    return [...this.#links.values()].flatMap(({ gone }) => (gone ? [gone] : []))
  }

  close(): void {
    this.#stopListening()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #changed(brokerId: number, broker: Broker | null): void {
    if (brokerId === this.#options.ownId) return
    const link = this.#links.get(brokerId)
    if (broker && link?.brokerEpoch === broker.epoch) return
    link?.close()
    this.#links.delete(brokerId)
    if (!broker) return
    const { endpoints } = broker
    const endpoint = endpoints.find(({ name }) => name === this.#options.listenerName) ?? endpoints.at(0)
    if (endpoint) this.#links.set(brokerId, new BrokerLink(this.#options, broker, endpoint))
  }
}

class BrokerLink {
  readonly brokerEpoch: number
  readonly #options: BrokerLinksOptions
  readonly #brokerId: number
  readonly #endpoint: Endpoint
  gone: GoneBroker | null = null
  #stood = false
  /** When a connection broke last. */
  #brokenMs = Number.NEGATIVE_INFINITY
  #closed = false
  #end: () => void = () => {}

  constructor(options: BrokerLinksOptions, { id, epoch }: Broker, { host, port }: Endpoint) {
    this.#options = options
    this.#brokerId = id
    this.brokerEpoch = epoch
    this.#endpoint = { host, port }
    this.#connect()
  }

  close(): void {
    this.#closed = true
    this.#end()
  }

  #connect(): void {
    if (this.#closed) return
    this.#options.host.network.connect(this.#endpoint, limits.connectTimeoutMs).then(
      socket => this.#connected(socket),
      error => this.#failed(error instanceof ConnectError && error.refused),
    )
  }

  #connected({ stream }: Socket): void {
    stream.on('error', () => {})
    if (this.#closed) {
      stream.destroy()
      return
    }
    this.#stood = true
    this.gone = null
    this.#end = () => stream.destroy()
    // Nobody sends anything; without this the end of the stream would not be seen.
    stream.resume()
    stream.once('end', () => stream.destroy())
    stream.once('close', () => this.#broken())
  }

  /** A broker that lets nobody in for long, being full, is not asked again and again. */
  #broken(): void {
    const { clock } = this.#options.host
    const nowMs = clock.monotonic()
    const again = nowMs - this.#brokenMs < limits.retryMs
    this.#brokenMs = nowMs
    if (!again) this.#connect()
    else if (!this.#closed) this.#end = clock.after(limits.retryMs, () => this.#connect())
  }

  #failed(refused: boolean): void {
    if (this.#closed) return
    const { host, gone } = this.#options
    if (refused && this.#stood && !this.gone) {
      this.gone = { brokerId: this.#brokerId, brokerEpoch: this.brokerEpoch, sinceMs: host.clock.monotonic() }
      gone(this.gone)
    }
    this.#end = host.clock.after(limits.retryMs, () => this.#connect())
  }
}
