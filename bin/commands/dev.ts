/** `ottla dev`: runs a whole cluster in this process, for the desk, until SIGINT or SIGTERM. */
import { ConfigError } from '../../src/config/broker.ts'
import { parseOverride } from '../../src/config/properties.ts'
import type { LogLevel } from '../../src/host/node.ts'
import { type Cluster, startCluster } from '../../src/index.ts'
import { fail } from './fail.ts'

export interface DevOptions {
  readonly brokers: number
  readonly port: number
  readonly dataDir?: string
  readonly override?: readonly string[]
  readonly logLevel?: LogLevel
}

export async function dev(options: DevOptions): Promise<void> {
  const { brokers, port, dataDir, logLevel = 'warn' } = options
  try {
    const config = Object.fromEntries((options.override ?? []).map(parseOverride))
    const cluster = await startCluster({ brokers, port, dataDir, config, logLevel, host: 'localhost' })
    stopOnSignals(cluster)
    for (const { id, bootstrap } of cluster.brokers) {
      process.stdout.write(`ottla ready on ${bootstrap} (node ${id}, cluster ${cluster.clusterId})\n`)
    }
  } catch (error) {
    if (error instanceof ConfigError || isOfMachine(error)) fail(error)
    throw error
  }
}

function isOfMachine(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: unknown }
  return ['DiskError', 'MetaPropertiesError', 'FormatError'].includes(name ?? '') || typeof code === 'string'
}

/** The first signal stops all of them cleanly, a second one does not wait. */
function stopOnSignals(cluster: Cluster): void {
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
    cluster.close().then(
      () => process.exit(0),
      error => fail(error),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
