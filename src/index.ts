/**
 * Ottla inside your own process: `startBroker` gives a Kafka broker on a free port, in milliseconds.
 *
 *     await using broker = await startBroker()
 *     const kafka = new Kafka({ brokers: [broker.bootstrap] })
 *
 * Many can run in one process. Closing one leaves no handle open. `startCluster` gives several that are one cluster. For
 * tests that want to look inside and to interfere there is `ottla/testing`.
 */
import { Cluster, type ClusterOptions } from './cluster/cluster.ts'

export { Cluster, type ClusterBroker, type ClusterOptions, type StopOptions } from './cluster/cluster.ts'
export { type BrokerOptions, type RunningBroker, startBroker } from './cluster/embedded.ts'
export { ConfigError } from './config/broker.ts'
export type { LogLevel } from './host/node.ts'
export type { ClientMetricsPush, ClientMetricsReceiver } from './telemetry/client-telemetry.ts'
export type { ClientMetric } from './telemetry/otlp.ts'

/** Starts a cluster; resolves when every broker takes clients. Throws ConfigError for settings that are wrong. */
export function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return Cluster.start(options)
}
