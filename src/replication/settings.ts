/** What replication goes by, out of the broker's configuration. */
import type { BrokerConfig } from '../config/broker.ts'

export interface ReplicationSettings {
  /** A replica that was not caught up for so long is not in sync. */
  readonly lagTimeMaxMs: number
  readonly fetchersPerBroker: number
  /** How long a fetch may take beyond its wait. */
  readonly socketTimeoutMs: number
  readonly fetchWaitMaxMs: number
  readonly fetchMinBytes: number
  /** Of one partition. */
  readonly fetchMaxBytes: number
  readonly fetchResponseMaxBytes: number
  /** Longest pause after a failure; the first is shorter, it doubles with each. */
  readonly fetchBackoffMs: number
}

export function replicationSettings(config: BrokerConfig): ReplicationSettings {
  return {
    lagTimeMaxMs: config.replicaLagTimeMaxMs,
    fetchersPerBroker: config.numReplicaFetchers,
    socketTimeoutMs: config.replicaSocketTimeoutMs,
    fetchWaitMaxMs: config.replicaFetchWaitMaxMs,
    fetchMinBytes: config.replicaFetchMinBytes,
    fetchMaxBytes: config.replicaFetchMaxBytes,
    fetchResponseMaxBytes: config.replicaFetchResponseMaxBytes,
    fetchBackoffMs: config.replicaFetchBackoffMs,
  }
}

/** The first pause after a failed fetch: leaders that have just been elected need a moment to learn of it. */
export const firstBackoffMs = 20
