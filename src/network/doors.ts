/**
 * Where requests come in: the listeners of one node, and gates at which those wait that come before it can serve them.
 *
 * A broker has doors of its own. Doors can also be lent to it: then they, and the connections of clients, live on when the
 * broker ends, and whoever comes meanwhile waits for the next one. A test double does that.
 */
import type { KafkaError } from '../../protocol/errors.ts'
import type { Host } from '../host/host.ts'
import type { Answer, Serve } from './connection.ts'
import { Gate } from './gate.ts'
import type { NetworkLimits } from './limits.ts'
import { type BoundListener, type ListenerSettings, Listeners } from './listener.ts'
import type { ListenerIdentity, Peer } from './peer.ts'

/** What stands behind the doors. */
export interface Service {
  readonly serve: Serve
  /** The answer to a request that fails as a whole; nobody acts on it. Throws CloseConnection where there is none. */
  refuse(frame: Buffer, peer: Peer, error: KafkaError): Answer
}

export interface Doors {
  readonly bound: readonly BoundListener[]
  /** For connections that come in from now on. */
  limits: NetworkLimits
  /** Binds one more listener; one of that name that is bound already stays. Rejects when the address is taken. */
  bind(settings: ListenerSettings): Promise<unknown>
  /** Lets in whoever waits at the listeners of a kind, and all that come. */
  open(kind: ListenerIdentity['kind'], service: Service): void
  /** Nobody new comes in from now on. */
  stopAccepting(): void
  /** Resolves when everybody inside has their answer. */
  close(): Promise<void>
}

/** Those of a broker that is served over them for all its life. */
export class OwnDoors implements Doors {
  readonly #gates = { broker: new Gate(), controller: new Gate() }
  readonly #listeners: Listeners

  constructor(host: Host, limits: NetworkLimits) {
    this.#listeners = new Listeners(host, limits, (frame, peer, turn) =>
      this.#gates[peer.listener.kind].serve(frame, peer, turn),
    )
  }

  get bound(): readonly BoundListener[] {
    return this.#listeners.bound
  }

  set limits(limits: NetworkLimits) {
    this.#listeners.limits = limits
  }

  bind(settings: ListenerSettings): Promise<unknown> {
    return this.#listeners.open(settings)
  }

  open(kind: ListenerIdentity['kind'], { serve }: Service): void {
    this.#gates[kind].open(serve)
  }

  stopAccepting(): void {
    this.#listeners.stopAccepting()
  }

  close(): Promise<void> {
    return this.#listeners.close()
  }
}
