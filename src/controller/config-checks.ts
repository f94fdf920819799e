/** Whether settings may be put on a resource. All checks throw KafkaError. */
import { RE2JS, RE2JSException } from 're2js'
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { clientMetricsSettings, groupSettings } from '../config/group.ts'
import { parseList, type Setting, SettingError } from '../config/setting.ts'
import { brokerSetting } from '../config/tables.ts'
import { topicSettings } from '../config/topic.ts'
import type { ControllerContext } from './context.ts'

type Configs = ReadonlyMap<string, string>

/** As in Kafka: a value travels as a string of at most this length. */
const valueLengthMax = 32767

export function invalidConfig(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_CONFIG, message)
}

/** What a topic is created with. */
export function topicConfigsOf(given: readonly { readonly name: string; readonly value: string | null }[]): Configs {
  const configs = new Map<string, string>()
  for (const { name, value } of given) {
    if (value === null) throw invalidConfig(`Null value not supported for topic configs: ${name}`)
    configs.set(name, value)
  }
  return configs
}

function settingOf(table: Readonly<Record<string, Setting>>, name: string): Setting | null {
  return Object.hasOwn(table, name) ? table[name] : null
}

function checkValue(setting: Setting, name: string, value: string, code: ErrorCode = Errors.INVALID_CONFIG): void {
  if (value.length > valueLengthMax) {
    throw invalidConfig(
      `The configuration value cannot be added because it exceeds the maximum value size of ${valueLengthMax} bytes.`,
    )
  }
  try {
    setting.parse(value)
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    const shown = setting.type === 'password' ? '[hidden]' : value
    throw new KafkaError(code, `Invalid value ${shown} for configuration ${name}: ${error.message}`)
  }
}

/** Everything that will be set on one topic, as a whole. */
export function checkTopicConfigs(context: ControllerContext, configs: Configs): void {
  const table: Readonly<Record<string, Setting>> = topicSettings
  for (const [name, value] of configs) {
    const setting = settingOf(table, name)
    if (!setting) throw invalidConfig(`Unknown topic config name: ${name}`)
    checkValue(setting, name, value)
  }
  const lagMin = numberOf(configs, 'min.compaction.lag.ms') ?? context.config.logCleanerMinCompactionLagMs
  const lagMax = numberOf(configs, 'max.compaction.lag.ms') ?? context.config.logCleanerMaxCompactionLagMs
  if (lagMin > lagMax) {
    throw invalidConfig(
      `conflict topic config setting min.compaction.lag.ms (${lagMin}) > max.compaction.lag.ms (${lagMax})`,
    )
  }
  if (topicSettings['remote.storage.enable'].parse(configs.get('remote.storage.enable') ?? 'false')) {
    throw invalidConfig(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  }
}

function numberOf(configs: Configs, name: 'min.compaction.lag.ms' | 'max.compaction.lag.ms'): number | null {
  const text = configs.get(name)
  return text === undefined ? null : topicSettings[name].parse(text)
}

/** Settings of one broker, or of all (`perBroker` false). Names that nobody knows are kept, for plug-ins, as in Kafka. */
export function checkBrokerConfigs(configs: Configs, changed: ReadonlySet<string>, perBroker: boolean): void {
  const readOnly: string[] = []
  const perBrokerOnly: string[] = []
  const perListenerOnly: string[] = []
  for (const name of changed) {
    const setting = brokerSetting(withoutListener(name))
    if (setting?.dynamic === 'none') readOnly.push(name)
    if (setting?.dynamic === 'broker' && !perBroker) perBrokerOnly.push(name)
    if (setting?.dynamic === 'broker' && /^(ssl|sasl)\./.test(name)) perListenerOnly.push(name)
  }
  if (readOnly.length > 0) {
    throw new KafkaError(Errors.INVALID_REQUEST, `Cannot update these configs dynamically: [${readOnly.join(', ')}]`)
  }
  if (perListenerOnly.length > 0) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      `These security configs can be dynamically updated only per-listener using the listener prefix: [${perListenerOnly.join(', ')}]`,
    )
  }
  if (perBrokerOnly.length > 0) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      `Cannot update these configs at default cluster level: [${perBrokerOnly.join(', ')}]`,
    )
  }
  for (const [name, value] of configs) {
    const setting = brokerSetting(withoutListener(name))
    if (setting && changed.has(name)) checkValue(setting, name, value, Errors.INVALID_REQUEST)
  }
}

function withoutListener(name: string): string {
  return name.replace(/^listener\.name\.[^.]+\./, '')
}

export function checkGroupConfigs(context: ControllerContext, configs: Configs): void {
  for (const [name, value] of configs) {
    const setting = settingOf(groupSettings, name)
    if (!setting) throw invalidConfig(`Unknown group config name: ${name}`)
    checkValue(setting, name, value)
  }
  for (const [name, value] of configs) {
    const bound = (end: 'min' | 'max') => {
      const key = boundKey(name, end)
      const setting = brokerSetting(key)
      return setting ? Number(context.config.staticValues.get(key) ?? setting.format(setting.fallback)) : null
    }
    const minimum = bound('min')
    const maximum = bound('max')
    if (minimum !== null && Number(value) < minimum) {
      throw invalidConfig(`${name} must be greater than or equal to ${boundKey(name, 'min')}`)
    }
    if (maximum !== null && Number(value) > maximum) {
      throw invalidConfig(`${name} must be less than or equal to ${boundKey(name, 'max')}`)
    }
  }
  checkGroupTimes(context, configs)
}

/** As they are with what the broker's settings give to the rest. */
function checkGroupTimes(context: ControllerContext, configs: Configs): void {
  for (const kind of ['consumer', 'share', 'streams']) {
    const numberIn = (name: string): number => {
      const setting = brokerSetting(`group.${name}`)
      const inherited = context.config.staticValues.get(`group.${name}`) ?? setting?.format(setting.fallback) ?? '0'
      return Number(configs.get(name) ?? inherited)
    }
    const session = `${kind}.session.timeout.ms`
    const heartbeat = `${kind}.heartbeat.interval.ms`
    if (!configs.has(session) && !configs.has(heartbeat)) continue
    if (numberIn(session) <= numberIn(heartbeat)) throw invalidConfig(`${session} must be greater than ${heartbeat}`)
  }
}

/** `consumer.session.timeout.ms` is bounded by `group.consumer.min.session.timeout.ms` and its like. */
function boundKey(name: string, end: 'min' | 'max'): string {
  const at = name.indexOf('.')
  return `group.${name.slice(0, at)}.${end}${name.slice(at)}`
}

const clientSelectors: ReadonlySet<string> = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

export function checkClientMetricsConfigs(configs: Configs): void {
  for (const [name, value] of configs) {
    const setting = settingOf(clientMetricsSettings, name)
    if (!setting) throw new KafkaError(Errors.INVALID_REQUEST, `Unknown client metrics configuration: ${name}`)
    checkValue(setting, name, value, Errors.INVALID_REQUEST)
  }
  const interval = Number(configs.get('interval.ms') ?? 300_000)
  if (interval < 100 || interval > 3_600_000) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      `Invalid value ${interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)`,
    )
  }
  for (const pattern of parseList(configs.get('match') ?? '')) {
    const [selector, ...rest] = pattern.split('=')
    if (rest.length !== 1 || !clientSelectors.has(selector.trim()) || !isPattern(rest[0].trim())) {
      throw invalidConfig(`Illegal client matching pattern: ${pattern}`)
    }
  }
}

/** The engine whose matching takes time in proportion to the text, whatever the pattern. */
function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text)
    return true
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return false
  }
}

/** The setting that a name stands for on a resource of this type, null for names that nobody knows. */
export function settingOn(resourceType: number, name: string): Setting | null {
  switch (resourceType) {
    case 2:
      return settingOf(topicSettings, name)
    case 4:
      return brokerSetting(withoutListener(name))
    case 16:
      return settingOf(clientMetricsSettings, name)
    case 32:
      return settingOf(groupSettings, name)
    default:
      return null
  }
}
