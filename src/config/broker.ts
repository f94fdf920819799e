/**
 * The configuration of one broker, checked: `parseBrokerConfig` makes it out of properties, or throws a ConfigError that
 * names every wrong key, its value and what is allowed.
 */
import { checkConsumerGroups } from './consumer-group-checks.ts'
import { ownDefaults } from './defaults.ts'
import { type ListenerConfig, readListeners } from './listener-config.ts'
import type { Properties } from './properties.ts'
import { checkListenersOfRoles, type QuorumConfig, readQuorum } from './quorum-config.ts'
import { type Setting, SettingError } from './setting.ts'
import { inFirstUnit, spellings } from './synonyms.ts'
import { type BrokerValue, brokerSetting, brokerSettingNames, isRead, type ReadSettingName } from './tables.ts'
import { isObsolete, refusals } from './unsupported.ts'

type Camel<S extends string> = S extends `${infer Head}.${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

/** Settings that are given as something better than their own value. */
type Digested =
  | 'process.roles'
  | 'controller.listener.names'
  | 'controller.quorum.voters'
  | 'controller.quorum.bootstrap.servers'
  | 'listeners'
  | 'advertised.listeners'
  | 'listener.security.protocol.map'
  | 'inter.broker.listener.name'
  | 'security.inter.broker.protocol'
  | 'broker.id'
  | 'log.dir'
  | 'log.roll.hours'
  | 'log.roll.jitter.hours'
  | 'log.retention.minutes'
  | 'log.retention.hours'
  | 'log.flush.scheduler.interval.ms'
  | 'log.dirs'
  | 'metadata.log.dir'
  | 'log.roll.ms'
  | 'log.roll.jitter.ms'
  | 'log.retention.ms'
  | 'log.flush.interval.ms'

/** `num.partitions` is `numPartitions`, and so on for every setting that this broker reads. */
type BrokerValues = {
  readonly [K in Exclude<ReadSettingName, Digested> as Camel<K>]: BrokerValue<K>
}

export interface BrokerConfig extends BrokerValues, ListenerConfig, QuorumConfig {
  /** The one with the metadata log comes first. */
  readonly logDirs: readonly string[]
  /** Where `__cluster_metadata-0` is. */
  readonly metadataLogDir: string
  readonly logRollMs: number
  readonly logRollJitterMs: number
  /** -1: no limit. */
  readonly logRetentionMs: number
  /** Null unless set explicitly. */
  readonly logFlushIntervalMs: number | null
  /** Canonical text of everything set in files, environment, overrides or by `defaults.ts`: the static values. */
  readonly staticValues: ReadonlyMap<string, string>
  /** What the owner should be told once: keys without effect, keys nobody knows. */
  readonly warnings: readonly string[]
}

/** One or more settings are wrong; the message has one line for each. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface ParseOptions {
  /** What clients are told when a listener is bound to every interface and nothing is advertised. */
  readonly hostName?: string
}

/** Checks `properties` and fills in the defaults. Throws ConfigError. */
export function parseBrokerConfig(properties: Properties, options: ParseOptions = {}): BrokerConfig {
  const problems: string[] = []
  const warnings: string[] = []
  const given = withOwnDefaults(properties)
  const staticValues = new Map<string, string>()
  const parsed = new Map<string, unknown>()
  for (const [name, text] of given) {
    if (text === '' && brokerSetting(name)?.fallback === null) continue
    const value = readOne(name, text, problems, warnings, properties)
    if (value === undefined) continue
    parsed.set(name, value.parsed)
    if (value.text !== null) staticValues.set(name, value.text)
  }
  noteInert(staticValues, warnings)
  checkNode(parsed, staticValues, problems)
  const listeners = readListeners(
    name => textOf(staticValues, name),
    name => properties.has(name),
    options.hostName ?? 'localhost',
    problems,
  )
  const quorum = readQuorum(
    {
      nodeId: Number(parsed.get('node.id')),
      roles: listOf(parsed, 'process.roles'),
      voters: listOf(parsed, 'controller.quorum.voters'),
      bootstrapServers: listOf(parsed, 'controller.quorum.bootstrap.servers'),
      controllerListeners: listeners?.controllerListeners ?? [],
    },
    problems,
  )
  if (listeners) {
    const counts = { broker: listeners.listeners.length, controller: listeners.controllerListeners.length }
    checkListenersOfRoles(quorum, counts, problems)
  }
  checkConsumerGroups(name => Number(textOf(staticValues, name)), listOf(parsed, 'group.consumer.assignors'), problems)
  if (problems.length > 0 || !listeners) throw new ConfigError(problems)
  return assemble(parsed, staticValues, { ...listeners, ...quorum }, warnings)
}

function withOwnDefaults(properties: Properties): Map<string, string> {
  const given = new Map<string, string>()
  for (const { name, value, unless } of ownDefaults) {
    if (!properties.has(name) && !unless.some(other => properties.has(other))) given.set(name, value)
  }
  for (const [name, value] of properties) given.set(name, value)
  return given
}

function readOne(
  name: string,
  text: string,
  problems: string[],
  warnings: string[],
  properties: Properties,
): { parsed: unknown; text: string | null } | undefined {
  const setting = brokerSetting(name)
  if (!setting) {
    warnings.push(unknownKey(name))
    return undefined
  }
  const refusal = refusals.find(entry => entry.name === name && entry.refuses(text))
  if (refusal && properties.has(name))
    problems.push(`Invalid value ${text} for configuration ${name}: ${refusal.allowed}`)
  try {
    const parsed = setting.parse(text)
    return { parsed, text: setting.format(parsed) }
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    problems.push(invalid(setting, name, text, error))
    return undefined
  }
}

function invalid(setting: Setting, name: string, text: string, error: SettingError): string {
  const shown = setting.type === 'password' ? '[hidden]' : text
  const allowed =
    setting.validator && !error.message.includes(setting.validator.allowed) ? setting.validator.allowed : null
  return `Invalid value ${shown} for configuration ${name}: ${error.message}${allowed ? ` (it must be ${allowed})` : ''}`
}

function unknownKey(name: string): string {
  if (isObsolete(name)) return `${name} has no meaning for this broker and is ignored`
  if (name.startsWith('listener.name.')) return `${name} has no effect: settings of a single listener are not served`
  return `${name} is not a setting that this broker or Apache Kafka knows; it is ignored`
}

/** A setting without effect is worth a word only when it asks for something else than the default. */
function noteInert(staticValues: ReadonlyMap<string, string>, warnings: string[]): void {
  for (const [name, text] of staticValues) {
    const setting = brokerSetting(name)
    if (!setting || isRead(name) || setting.format(setting.fallback) === text) continue
    warnings.push(`${name} has no effect: it is read for the sake of existing configurations only`)
  }
}

function checkNode(parsed: Map<string, unknown>, staticValues: Map<string, string>, problems: string[]): void {
  const nodeId = parsed.get('node.id')
  const brokerId = parsed.get('broker.id')
  if (brokerId !== undefined && brokerId !== -1) {
    if (nodeId === undefined) parsed.set('node.id', brokerId)
    else if (nodeId !== brokerId) {
      problems.push(
        `Invalid value ${brokerId} for configuration broker.id: it must be equal to node.id, which is ${nodeId}`,
      )
    }
  }
  const nodeName = String(parsed.get('node.id'))
  staticValues.set('node.id', nodeName)
  staticValues.set('broker.id', nodeName)
}

function listOf(parsed: ReadonlyMap<string, unknown>, name: string): readonly string[] {
  const value = parsed.get(name) ?? brokerSetting(name)?.fallback
  return Array.isArray(value) ? value : []
}

function textOf(staticValues: ReadonlyMap<string, string>, name: string): string | null {
  const text = staticValues.get(name)
  if (text !== undefined) return text
  const setting = brokerSetting(name)
  return setting ? setting.format(setting.fallback) : null
}

/** The value of a setting that may be spelt in several units, in the unit of its first spelling; null when none is set. */
function inAnyUnit(parsed: ReadonlyMap<string, unknown>, name: string): number | null {
  for (const spelling of spellings[name]) {
    const value = parsed.get(spelling.name)
    if (typeof value === 'number') return inFirstUnit(value, spelling.factor)
  }
  return null
}

const HOUR_MS = 3_600_000

function assemble(
  parsed: ReadonlyMap<string, unknown>,
  staticValues: ReadonlyMap<string, string>,
  listeners: ListenerConfig & QuorumConfig,
  warnings: readonly string[],
): BrokerConfig {
  const values: Record<string, unknown> = {}
  for (const name of brokerSettingNames) {
    if (isRead(name)) values[camel(name)] = parsed.get(name) ?? brokerSetting(name)?.fallback
  }
  const given = (parsed.get('log.dirs') ?? parsed.get('log.dir') ?? brokerSetting('log.dir')?.fallback) as string[]
  const metadataLogDir = (parsed.get('metadata.log.dir') as string | undefined) ?? given[0]
  return {
    ...(values as BrokerValues),
    ...listeners,
    logDirs: [metadataLogDir, ...given.filter(path => path !== metadataLogDir)],
    metadataLogDir,
    logRollMs: inAnyUnit(parsed, 'log.roll.ms') ?? 168 * HOUR_MS,
    logRollJitterMs: inAnyUnit(parsed, 'log.roll.jitter.ms') ?? 0,
    logRetentionMs: inAnyUnit(parsed, 'log.retention.ms') ?? 168 * HOUR_MS,
    logFlushIntervalMs: inAnyUnit(parsed, 'log.flush.interval.ms'),
    staticValues,
    warnings,
  }
}

function camel(name: string): string {
  return name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase())
}
