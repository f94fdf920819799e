/**
 * The doors of one broker of a test double. They stay open while the broker behind them is replaced by an earlier state of
 * itself: clients keep their connections, and whoever asks meanwhile waits.
 */
import type { Rooms } from '../api/request.ts'
import type { Broker } from '../broker.ts'
import type { LentDoors } from '../cluster/workshop.ts'
import type { Clock, Host } from '../host/host.ts'
import type { Answer, Serve, Turn } from '../network/connection.ts'
import type { Service } from '../network/doors.ts'
import { Gate } from '../network/gate.ts'
import { type NetworkLimits, networkLimits } from '../network/limits.ts'
import { type BoundListener, type ListenerSettings, Listeners } from '../network/listener.ts'
import { CloseConnection, type ListenerIdentity, type Peer } from '../network/peer.ts'

/** How long a broker that is replaced may take to answer what is in work, milliseconds of real time. */
const answersMsMax = 500

/** Who looks at requests on their way in. */
export type Watch = (seat: Seat, frame: Buffer, peer: Peer, turn: Turn) => Answer | Promise<Answer>

/** A client's connection. */
export interface TestConnection {
  /** As the journal names it. */
  readonly number: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** As the client's library named itself in ApiVersions; `unknown` when it did not. */
  readonly softwareName: string
  readonly softwareVersion: string
  disconnect(): void
}

export class Seat implements LentDoors {
  readonly broker: number
  readonly #clock: Clock
  readonly #listeners: Listeners
  readonly #gates = { broker: new Gate(), controller: new Gate() }
  #service: Service | null = null
  #rooms: Rooms | null = null
  #stays = false
  /** Requests that the broker has in work. */
  #inWork = 0
  #idle: () => void = () => {}

  constructor(broker: number, host: Host, realClock: Clock, watch: Watch) {
    this.broker = broker
    this.#clock = realClock
    this.#listeners = new Listeners({ ...host, clock: realClock }, networkLimits, (frame, peer, turn) =>
      watch(this, frame, peer, turn),
    )
  }

  get bound(): readonly BoundListener[] {
    return this.#listeners.bound
  }

  set limits(limits: NetworkLimits) {
    this.#listeners.limits = limits
  }

  /** The name of a topic by its id; empty when this broker does not know it. */
  readonly nameOf = (topicId: string): string => this.#rooms?.metadata.topicsById.get(topicId)?.name ?? ''

  /** What a fetch session of this broker follows. */
  readonly followedBy = (sessionId: number) => this.#rooms?.fetchSessions.followedBy(sessionId) ?? []

  /** What is behind the doors now. Throws CloseConnection while nothing is. */
  get service(): Service {
    if (this.#service === null) throw new CloseConnection('there is no broker behind these doors')
    return this.#service
  }

  async bind(settings: ListenerSettings): Promise<void> {
    if (!this.bound.some(({ name }) => name === settings.name)) await this.#listeners.open(settings)
  }

  open(kind: ListenerIdentity['kind'], service: Service): void {
    this.#service = service
    this.#gates[kind].open((frame, peer, turn) => this.#counted(service.serve, frame, peer, turn))
  }

  taken(broker: Broker): void {
    this.#rooms = broker.rooms
  }

  /** The broker goes, and another comes: the listeners stay open this time. */
  stay(): void {
    this.#stays = true
  }

  /** Who comes from now on is served by the next broker, if the doors stay. */
  stopAccepting(): void {
    if (!this.#stays) this.#listeners.stopAccepting()
    for (const gate of Object.values(this.#gates)) gate.shut()
  }

  /** Resolves when the broker that goes has answered everything, or has had its time. */
  async close(): Promise<void> {
    if (!this.#stays) {
      await this.#listeners.close()
      return
    }
    this.#stays = false
    if (this.#inWork === 0) return
    await new Promise<void>(resolve => {
      const cancel = this.#clock.after(answersMsMax, resolve)
      this.#idle = () => {
        cancel()
        resolve()
      }
    })
  }

  /** Those that came in by a listener. */
  connections(listener: string): TestConnection[] {
    const open = this.#listeners.connected.filter(({ peer }) => peer.listener.name === listener)
    return open.map(connection => {
      const { connectionId: number, remoteAddress, remotePort, softwareName, softwareVersion } = connection.peer
      const disconnect = () => connection.destroy('the test disconnects')
      return { number, remoteAddress, remotePort, softwareName, softwareVersion, disconnect }
    })
  }

  /** Has the broker serve it, now or when there is one. */
  pass(frame: Buffer, peer: Peer, turn: Turn): Answer | Promise<Answer> {
    return this.#gates[peer.listener.kind].serve(frame, peer, turn)
  }

  #counted(serve: Serve, frame: Buffer, peer: Peer, turn: Turn): Answer | Promise<Answer> {
    const answer = serve(frame, peer, turn)
    if (!(answer instanceof Promise)) return answer
    this.#inWork += 1
    return answer.finally(() => {
      this.#inWork -= 1
      if (this.#inWork === 0) this.#idle()
    })
  }
}
