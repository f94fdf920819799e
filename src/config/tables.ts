/** The one table of settings, put together: every name that Apache Kafka 4.3 documents for a broker. */
import { brokerSettings } from './broker-settings.ts'
import { inertSettings } from './inert.ts'
import { inertFeatureSettings } from './inert-features.ts'
import { inertSecuritySettings } from './inert-security.ts'
import type { Setting, ValueOf } from './setting.ts'

/** Names of settings that this broker reads: what `BrokerConfig.get` takes. */
export type ReadSettingName = keyof typeof brokerSettings
export type BrokerSettingName =
  | ReadSettingName
  | keyof typeof inertSettings
  | keyof typeof inertSecuritySettings
  | keyof typeof inertFeatureSettings
export type BrokerValue<K extends ReadSettingName> = ValueOf<(typeof brokerSettings)[K]>

const everything: Readonly<Record<string, Setting>> = {
  ...brokerSettings,
  ...inertSettings,
  ...inertSecuritySettings,
  ...inertFeatureSettings,
}

export const brokerSettingNames: readonly string[] = Object.keys(everything)

export function brokerSetting(name: string): Setting | null {
  return Object.hasOwn(everything, name) ? everything[name] : null
}

export function isRead(name: string): name is ReadSettingName {
  return Object.hasOwn(brokerSettings, name)
}
