/** Where a command's settings come from: a file, the environment, options, overrides; the later one wins. */
import { type BrokerConfig, ConfigError, parseBrokerConfig } from '../../src/config/broker.ts'
import { parseListenerAddress } from '../../src/config/listeners.ts'
import { parseOverride, parseProperties, propertiesOfEnvironment } from '../../src/config/properties.ts'
import { parseList } from '../../src/config/setting.ts'
import type { Host } from '../../src/host/host.ts'
import { machineName } from '../../src/host/node-name.ts'

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
  const file = await configFile(options, host)
  if (file !== null) take(parseProperties(await readText(file, host)))
  if (options.env) {
    take(propertiesOfEnvironment(process.env))
    imageDefaults(properties)
  }
  if (options.dataDir !== undefined) {
    properties.delete('log.dir')
    properties.set('log.dirs', options.dataDir)
  }
  if (options.nodeId !== undefined) {
    properties.delete('broker.id')
    properties.set('node.id', options.nodeId)
  }
  if (options.listen !== undefined) listenOn(options.listen, properties)
  if (options.advertise !== undefined) advertise(options.advertise, properties)
  for (const text of options.override ?? []) take([override(text)])
  return parseBrokerConfig(properties, { hostName: machineName() })
}

/** A container image says by OTTLA_CONFIG where a configuration may be mounted. */
async function configFile({ config, env }: ConfigurationOptions, host: Host): Promise<string | null> {
  if (config !== undefined) return config
  const mounted = process.env.OTTLA_CONFIG
  return env && mounted && (await host.disk.exists(mounted)) ? mounted : null
}

/** What a container image puts where nothing else was said. */
function imageDefaults(properties: Map<string, string>): void {
  const { OTTLA_DATA_DIR, OTTLA_LISTENERS, OTTLA_ADVERTISED_LISTENERS } = process.env
  const has = (name: string) => properties.has(name)
  if (OTTLA_DATA_DIR && !has('log.dirs') && !has('log.dir')) properties.set('log.dirs', OTTLA_DATA_DIR)
  if (has('listeners')) return
  if (OTTLA_LISTENERS) properties.set('listeners', OTTLA_LISTENERS)
  if (OTTLA_ADVERTISED_LISTENERS && !has('advertised.listeners')) {
    properties.set('advertised.listeners', OTTLA_ADVERTISED_LISTENERS)
  }
}

/** One plain listener instead of all for clients that the configuration names; those of controllers stay. */
function listenOn(address: string, properties: Map<string, string>): void {
  for (const name of ['listeners', 'advertised.listeners']) {
    const kept = ofControllers(properties, name)
    const entries = name === 'listeners' ? [`PLAINTEXT://${address}`, ...kept] : kept
    if (entries.length > 0) properties.set(name, entries.join(','))
    else properties.delete(name)
  }
  for (const name of ['inter.broker.listener.name', 'security.inter.broker.protocol']) properties.delete(name)
  const protocols = properties.get('listener.security.protocol.map')
  if (protocols !== undefined && !/(^|,)\s*PLAINTEXT:/i.test(protocols)) {
    properties.set('listener.security.protocol.map', `${protocols},PLAINTEXT:PLAINTEXT`)
  }
}

/** Another address for the first listener that is for clients; what is told of other listeners stays. */
function advertise(address: string, properties: Map<string, string>): void {
  const controllers = parseList(properties.get('controller.listener.names') ?? 'CONTROLLER')
  const name = listenerNames(properties.get('listeners')).find(each => !controllers.includes(each)) ?? 'PLAINTEXT'
  const others = parseList(properties.get('advertised.listeners') ?? '').filter(
    entry => !entry.toUpperCase().startsWith(`${name}:`),
  )
  properties.set('advertised.listeners', [`${name}://${address}`, ...others].join(','))
}

function ofControllers(properties: ReadonlyMap<string, string>, key: string): string[] {
  const controllers = parseList(properties.get('controller.listener.names') ?? 'CONTROLLER')
  return parseList(properties.get(key) ?? '').filter(entry =>
    controllers.some(name => entry.toUpperCase().startsWith(`${name.toUpperCase()}:`)),
  )
}

function listenerNames(text = ''): string[] {
  try {
    return parseList(text).map(entry => parseListenerAddress(entry).name)
  } catch {
    // What is wrong with them is said when the configuration is checked.
    return []
  }
}

function override(text: string): [string, string] {
  try {
    return parseOverride(text)
  } catch (error) {
    throw new ConfigError([(error as Error).message])
  }
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
