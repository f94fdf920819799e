/** Where a command's settings come from: the environment, a file, options, overrides; the later one wins. */
import { type BrokerConfig, ConfigError, parseBrokerConfig } from '../../src/config/broker.ts'
import { parseOverride, parseProperties, propertiesOfEnvironment } from '../../src/config/properties.ts'
import type { Host } from '../../src/host/host.ts'
import { hostName } from '../../src/host/node.ts'

export interface ConfigurationOptions {
  readonly config?: string
  readonly dataDir?: string
  readonly listen?: string
  readonly advertise?: string
  readonly nodeId?: string
  readonly override?: readonly string[]
  readonly env?: boolean
}

/** Throws ConfigError. */
export async function readConfiguration(options: ConfigurationOptions, host: Host): Promise<BrokerConfig> {
  const properties = new Map<string, string>()
  const take = (entries: Iterable<readonly [string, string]>) => {
    for (const [key, value] of entries) properties.set(key, value)
  }
  if (options.config !== undefined) take(parseProperties(await readText(options.config, host)))
  if (options.env) take(propertiesOfEnvironment(process.env))
  if (options.dataDir !== undefined) {
    properties.delete('log.dir')
    properties.set('log.dirs', options.dataDir)
  }
  if (options.nodeId !== undefined) {
    properties.delete('broker.id')
    properties.set('node.id', options.nodeId)
  }
  if (options.listen !== undefined) {
    properties.set('listeners', `PLAINTEXT://${options.listen}`)
    properties.delete('advertised.listeners')
  }
  if (options.advertise !== undefined) properties.set('advertised.listeners', `PLAINTEXT://${options.advertise}`)
  take((options.override ?? []).map(parseOverride))
  return parseBrokerConfig(properties, { hostName: hostName() })
}

async function readText(path: string, host: Host): Promise<string> {
  try {
    const file = await host.disk.open(path, 'read')
    try {
      return (await file.read(0, file.size)).toString('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new ConfigError([`cannot read ${path}: ${(error as Error).message}`])
  }
}
