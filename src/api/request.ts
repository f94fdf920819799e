/** What a handler gets beside the request itself: who asks, and the rooms of the broker that it may ask in turn. */
import type { BrokerConfig } from '../config/broker.ts'
import type { EffectiveConfigs } from '../config/effective.ts'
import type { Controller } from '../controller/controller.ts'
import type { ControllerRequests } from '../controller/requests.ts'
import type { Coordinators } from '../coordinator/coordinators.ts'
import type { ProducerIds } from '../coordinator/producer-ids.ts'
import type { MarkerWriter } from '../coordinator/transaction/marker-writer.ts'
import type { Verifier } from '../coordinator/transaction/verifier.ts'
import type { Transactions } from '../coordinator/transactions.ts'
import type { Host } from '../host/host.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { Logs } from '../log/logs.ts'
import type { MetadataState } from '../metadata/state.ts'
import type { Peer } from '../network/peer.ts'
import type { Peers } from '../network/peers.ts'
import type { ClientQuotas } from '../quota/client-quotas.ts'
import type { Quorum } from '../raft/quorum.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { Conversions } from './conversions.ts'
import type { FetchSessionCache } from './fetch-sessions.ts'
import type { Forwarding } from './forward.ts'

/** Everything a handler may reach. Filled in once by the composition root. */
export interface Rooms {
  readonly nodeId: number
  readonly clusterId: string
  readonly host: Host
  readonly config: BrokerConfig
  /** Which value of each setting is in effect now. */
  readonly configs: EffectiveConfigs
  readonly metadata: MetadataState
  readonly controller: Controller
  /** What this broker itself asks of the controller. */
  readonly controllerRequests: ControllerRequests
  readonly partitions: Partitions
  readonly coordinators: Coordinators
  readonly transactions: Transactions
  /** Ends transactions in partitions that this broker leads. */
  readonly markers: MarkerWriter
  readonly verifier: Verifier
  /** The way of requests to the active controller; null when this node is alone, and always the controller. */
  readonly forwarding: Forwarding | null
  /** Connections to the other nodes of the cluster. */
  readonly peers: Peers
  readonly producerIds: ProducerIds
  readonly logs: Logs
  readonly quorum: Quorum
  readonly fetchSessions: FetchSessionCache
  readonly conversions: Conversions
  readonly quotas: ClientQuotas
  /** Metrics that clients push. */
  readonly telemetry: ClientTelemetry
  readonly features: Features
  /** Goes from 0 to 1 when the broker closes: whoever waits for records answers with what there is. */
  readonly closing: Watermark
}

export interface AdvertisedApi {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** What ApiVersions says of feature levels (KIP-584). */
export interface Features {
  readonly supported: readonly { readonly name: string; readonly minVersion: number; readonly maxVersion: number }[]
  /** Levels agreed in the cluster, by name. Level 0 means the feature is off. */
  finalized(): ReadonlyMap<string, number>
  /** The metadata offset up to which `finalized` is known; -1 before the first. */
  finalizedEpoch(): number
}

export interface RequestContext {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  /** Of the request as it came, its size prefix included. */
  readonly requestBytes: number
  /** Empty when the client sent null. A copy: safe to keep. */
  readonly clientId: string
  readonly peer: Peer
  /** The name of whoever asks, as quotas know it. */
  readonly user: string
  /** Asked by a client, here or at the broker that passed it on, and not by a node of the cluster for itself. */
  readonly ofClient: boolean
  readonly broker: Rooms
  /** What this listener serves, as ApiVersions tells it; ordered by key. */
  readonly advertised: readonly AdvertisedApi[]
  /**
   * The order of this request's effects is settled, so the connection may start its next request while this one still
   * waits (for a sync, for replicas). Answers leave in request order all the same. Calling it twice does nothing.
   */
  release(): void
  /**
   * Serves a request that another broker passed on, and gives the answer's frame without its size. Throws KafkaError:
   * NOT_CONTROLLER when this node is not, or did not stay, the active controller.
   */
  serveForwarded(frame: Buffer, from: Peer): Promise<Buffer>
  /** Runs when the bytes of the answer have left this process, and may change again; never when they don't. */
  whenSent(run: () => void): void
  /**
   * A quota is exceeded: the answer says so, and the connection starts no further request for so long. Of several the
   * longest counts.
   */
  throttle(throttleMs: number): void
  /** Counts the time that this request took so far in its quota, once, and throttles. How long it has to wait, 0 for not. */
  chargeTime(): number
  /** A request of a broker of the cluster, which no quota holds back. */
  exempt(): void
}
