/**
 * Which value of a setting is in effect, and where it comes from: the topic's own, then the broker's dynamic one, the
 * cluster's dynamic default, the server's static configuration, the documented default. One place for what the broker
 * acts on and for what DescribeConfigs shows.
 */
import type { BrokerConfig } from './broker.ts'
import { clientMetricsSettings, groupSettings } from './group.ts'
import type { Setting, SettingType } from './setting.ts'
import { factorOf, familyOf, inFirstUnit } from './synonyms.ts'
import { brokerSetting, brokerSettingNames } from './tables.ts'
import { brokerNameOfTopicSetting, topicSettings } from './topic.ts'

/** Resource types as the protocol and the metadata log number them. */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  clientMetrics: 7,
  group: 8,
} as const

export type ConfigSource = (typeof configSources)[keyof typeof configSources]

export interface ConfigSynonym {
  readonly name: string
  /** Null when sensitive. */
  readonly value: string | null
  readonly source: ConfigSource
}

export interface ConfigEntry extends ConfigSynonym {
  /** Null for a setting that nobody knows. */
  readonly type: SettingType | null
  readonly readOnly: boolean
  readonly sensitive: boolean
  /** Every place that gives a value, strongest first. */
  readonly synonyms: readonly ConfigSynonym[]
  readonly doc: string
}

/** What was altered while the cluster ran: the configs of the metadata log, by resource type and name. */
export interface DynamicConfigs {
  /** Empty when the resource has none. */
  configsOf(resourceType: number, resourceName: string): ReadonlyMap<string, string>
}

/** The resource name under which the defaults of all brokers are kept. */
export const allBrokers = ''

export class EffectiveConfigs {
  readonly #config: BrokerConfig
  readonly #dynamic: DynamicConfigs
  readonly #brokerName: string

  constructor(config: BrokerConfig, dynamic: DynamicConfigs) {
    this.#config = config
    this.#dynamic = dynamic
    this.#brokerName = String(config.nodeId)
  }

  /** Every setting of a topic, whether or not the topic exists. */
  topic(topic: string): ConfigEntry[] {
    return this.topicWith(this.#dynamic.configsOf(resourceTypes.topic, topic))
  }

  /** Every setting of a topic on which `own` is set. */
  topicWith(own: ReadonlyMap<string, string>): ConfigEntry[] {
    return Object.entries<Setting>(topicSettings)
      .filter(([name, setting]) => !setting.internal || own.has(name))
      .map(([name, setting]) => this.#topicEntry(name, setting, own))
  }

  /** One setting of a topic, parsed. */
  topicValue<K extends keyof typeof topicSettings>(topic: string, name: K): (typeof topicSettings)[K]['fallback'] {
    const setting: Setting<unknown> = topicSettings[name]
    const text = this.#dynamic.configsOf(resourceTypes.topic, topic).get(name) ?? this.#setOnBroker(name)
    // The broker's documented default is that of the topic: a test holds them together.
    return (text === null ? setting.fallback : setting.parse(text)) as (typeof topicSettings)[K]['fallback']
  }

  /** Whether anything but the documented default gives this setting its value. */
  isTopicValueSet(topic: string, name: keyof typeof topicSettings): boolean {
    return this.#dynamic.configsOf(resourceTypes.topic, topic).has(name) || this.#setOnBroker(name) !== null
  }

  /** Every setting of this broker. */
  broker(): ConfigEntry[] {
    const ofAll = this.#dynamic.configsOf(resourceTypes.broker, allBrokers)
    const own = this.#dynamic.configsOf(resourceTypes.broker, this.#brokerName)
    const known = brokerSettingNames.flatMap(name => {
      const setting = brokerSetting(name)
      const isSet = this.#config.staticValues.has(name) || ofAll.has(name) || own.has(name)
      if (!setting || (setting.internal && !isSet)) return []
      return [this.#brokerEntry(name, setting)]
    })
    const unknown = new Map<string, ConfigSource>()
    for (const name of ofAll.keys()) unknown.set(name, configSources.dynamicDefaultBroker)
    for (const name of own.keys()) unknown.set(name, configSources.dynamicBroker)
    return [...known, ...[...unknown].filter(([name]) => !brokerSetting(name)).map(entry => unknownEntry(...entry))]
  }

  /** One setting of this broker as text; null for null. */
  brokerText(name: string): string | null {
    const setting = brokerSetting(name)
    return setting ? this.#brokerEntry(name, setting).value : null
  }

  /** The dynamic defaults that all brokers share: only those that are set. */
  brokerDefaults(): ConfigEntry[] {
    const own = this.#dynamic.configsOf(resourceTypes.broker, allBrokers)
    return [...own].map(([name, value]) => {
      const setting = brokerSetting(name)
      if (!setting) return unknownEntry(name, configSources.dynamicDefaultBroker)
      const synonym = shown({ name, value, source: configSources.dynamicDefaultBroker }, setting)
      return entry(name, setting, synonym.value, [synonym], isReadOnly(setting))
    })
  }

  /** Every setting of a group, whether or not the group exists; the broker's setting for groups of its kind stands in. */
  group(group: string): ConfigEntry[] {
    const own = this.#dynamic.configsOf(resourceTypes.group, group)
    return Object.entries<Setting>(groupSettings).map(([name, setting]) => {
      const ofBroker = this.#brokerSynonyms(`group.${name}`)
      const fallback = { name, value: setting.format(setting.fallback), source: configSources.default }
      const inherited = ofBroker.length > 0 ? ofBroker : [fallback]
      const value = own.get(name)
      if (value === undefined) {
        return entry(name, setting, inherited[0].value, inherited, false)
      }
      return entry(name, setting, value, [{ name, value, source: configSources.group }, ...inherited], false)
    })
  }

  /** One setting of a group, parsed. */
  groupValue<K extends keyof typeof groupSettings>(group: string, name: K): (typeof groupSettings)[K]['fallback'] {
    const setting: Setting<unknown> = groupSettings[name]
    const own = this.#dynamic.configsOf(resourceTypes.group, group).get(name)
    const text = own ?? this.brokerText(`group.${name}`)
    return (text === null ? setting.fallback : setting.parse(text)) as (typeof groupSettings)[K]['fallback']
  }

  clientMetrics(subscription: string): ConfigEntry[] {
    const own = this.#dynamic.configsOf(resourceTypes.clientMetrics, subscription)
    return Object.entries<Setting>(clientMetricsSettings).map(([name, setting]) => {
      const value = own.get(name)
      const synonyms = value === undefined ? [] : [{ name, value, source: configSources.clientMetrics }]
      return entry(name, setting, value ?? setting.format(setting.fallback), synonyms, false)
    })
  }

  #topicEntry(name: string, setting: Setting, own: ReadonlyMap<string, string>): ConfigEntry {
    const brokerName = brokerNameOfTopicSetting[name as keyof typeof topicSettings]
    const inherited = brokerName ? this.#brokerSynonyms(brokerName) : []
    const value = own.get(name)
    const shown = fromName(inherited, brokerName ?? name)
    if (value !== undefined) {
      return entry(name, setting, value, [{ name, value, source: configSources.topic }, ...shown], false)
    }
    const [strongest] = inherited
    const text =
      strongest === undefined || strongest.value === null
        ? setting.format(setting.fallback)
        : inFamilyUnit(strongest.name, strongest.value)
    return entry(name, setting, text, shown, false)
  }

  #brokerEntry(name: string, setting: Setting): ConfigEntry {
    const synonyms = fromName(this.#brokerSynonyms(name), name)
    const text = synonyms.length > 0 ? synonyms[0].value : setting.format(setting.fallback)
    return entry(name, setting, text, synonyms, isReadOnly(setting))
  }

  /** What a broker's setting says of a topic's, in the topic's unit; null when nobody set it. */
  #setOnBroker(name: keyof typeof topicSettings): string | null {
    const brokerName = brokerNameOfTopicSetting[name]
    if (!brokerName) return null
    const family = familyOf(brokerName)
    for (const [values] of this.#places()) {
      for (const spelling of family) {
        const value = values.get(spelling)
        if (value !== undefined) return inFamilyUnit(spelling, value)
      }
    }
    return null
  }

  /** Where settings of this broker may stand, strongest first. */
  #places(): readonly (readonly [ReadonlyMap<string, string>, ConfigSource])[] {
    return [
      [this.#dynamic.configsOf(resourceTypes.broker, this.#brokerName), configSources.dynamicBroker],
      [this.#dynamic.configsOf(resourceTypes.broker, allBrokers), configSources.dynamicDefaultBroker],
      [this.#config.staticValues, configSources.staticBroker],
    ]
  }

  #brokerSynonyms(name: string): ConfigSynonym[] {
    const family = familyOf(name)
    const synonyms: ConfigSynonym[] = []
    for (const [values, source] of this.#places()) {
      for (const spelling of family) {
        const value = values.get(spelling)
        const setting = brokerSetting(spelling)
        if (value !== undefined && setting) synonyms.push(shown({ name: spelling, value, source }, setting))
      }
    }
    for (const spelling of family) {
      const setting = brokerSetting(spelling)
      const value = setting?.format(setting.fallback) ?? null
      if (setting && !setting.required && value !== null)
        synonyms.push(shown({ name: spelling, value, source: configSources.default }, setting))
    }
    return synonyms
  }
}

function entry(
  name: string,
  setting: Setting,
  value: string | null,
  synonyms: readonly ConfigSynonym[],
  readOnly: boolean,
): ConfigEntry {
  const sensitive = setting.type === 'password'
  const source = synonyms[0]?.source ?? configSources.default
  return {
    name,
    value: sensitive ? null : value,
    source,
    type: setting.type,
    readOnly,
    sensitive,
    synonyms,
    doc: setting.doc,
  }
}

/** As Kafka shows them: a coarser spelling appears only behind the setting's own name, although it has its effect. */
function fromName(synonyms: readonly ConfigSynonym[], name: string): readonly ConfigSynonym[] {
  const at = synonyms.findIndex(synonym => synonym.name === name)
  return at < 0 ? [] : synonyms.slice(at)
}

/** Kept for plug-ins of other brokers: whatever it is, it may be a secret. */
function unknownEntry(name: string, source: ConfigSource): ConfigEntry {
  const synonyms = [{ name, value: null, source }]
  return { name, value: null, source, type: null, readOnly: true, sensitive: true, synonyms, doc: '' }
}

function isReadOnly(setting: Setting): boolean {
  return setting.dynamic === 'none'
}

function shown(synonym: ConfigSynonym, setting: Setting): ConfigSynonym {
  return setting.type === 'password' ? { ...synonym, value: null } : synonym
}

/** A broker's hours are a topic's milliseconds. */
function inFamilyUnit(name: string, value: string): string {
  const factor = factorOf(name)
  return factor === 1 ? value : String(inFirstUnit(Number(value), factor))
}
