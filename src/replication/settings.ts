/** What replication goes by, out of the broker's configuration. */
import type { BrokerConfig } from '../config/broker.ts'
import type { EffectiveConfigs } from '../config/effective.ts'
import type { RateWindow } from '../lib/windowed-rate.ts'
import type { ThrottledSide } from './throttles.ts'

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
  /** Followers hear of a new high watermark at once: consumers read from them. */
  readonly tellsWatermarks: boolean
  readonly throttleWindow: RateWindow
  /** Of moves between log directories. */
  readonly moveWindow: RateWindow
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
    tellsWatermarks: config.replicaSelectorClass !== null,
    throttleWindow: {
      samples: config.replicationQuotaWindowNum,
      sampleMs: config.replicationQuotaWindowSizeSeconds * 1000,
    },
    moveWindow: {
      samples: config.alterLogDirsReplicationQuotaWindowNum,
      sampleMs: config.alterLogDirsReplicationQuotaWindowSizeSeconds * 1000,
    },
  }
}

/** The first pause after a failed fetch: leaders that have just been elected need a moment to learn of it. */
export const firstBackoffMs = 20

/** Bytes a second that throttled replicas may be copied with now; infinite for no limit. */
export function throttledRate(configs: EffectiveConfigs, side: ThrottledSide): number {
  return rateOf(configs.brokerText(`${side}.replication.throttled.rate`))
}

/** Bytes a second that moves between log directories may copy now; infinite for no limit. */
export function moveRate(configs: EffectiveConfigs): number {
  return rateOf(configs.brokerText('replica.alter.log.dirs.io.max.bytes.per.second'))
}

function rateOf(text: string | null): number {
  return text === null || BigInt(text) >= noLimit ? Number.POSITIVE_INFINITY : Number(text)
}

/** The largest int64 stands for no limit. */
const noLimit = 2n ** 63n - 1n

export function throttledReplicas(configs: EffectiveConfigs, side: ThrottledSide, topic: string): readonly string[] {
  return configs.topicValue(topic, `${side}.replication.throttled.replicas`)
}
