/** The one table of settings, put together: every name that Apache Kafka 4.3 documents for a broker, and ours (`ottla.`). */
import { brokerSettings } from './broker-settings.ts'
import { cleanerSettings } from './cleaner-settings.ts'
import { clusterSettings } from './cluster-settings.ts'
import { consumerGroupSettings } from './consumer-group-settings.ts'
import { inertSettings } from './inert.ts'
import { inertFeatureSettings } from './inert-features.ts'
import { inertSecuritySettings } from './inert-security.ts'
import { quotaSettings } from './quota-settings.ts'
import type { Setting, ValueOf } from './setting.ts'
import { transactionSettings } from './transaction-settings.ts'

/** What this broker reads. */
const readSettings = {
  ...brokerSettings,
  ...cleanerSettings,
  ...clusterSettings,
  ...transactionSettings,
  ...quotaSettings,
  ...consumerGroupSettings,
}

/** Names of settings that this broker reads. */
export type ReadSettingName = keyof typeof readSettings
export type BrokerSettingName =
  | ReadSettingName
  | keyof typeof inertSettings
  | keyof typeof inertSecuritySettings
  | keyof typeof inertFeatureSettings
export type BrokerValue<K extends ReadSettingName> = ValueOf<(typeof readSettings)[K]>

const everything: Readonly<Record<string, Setting>> = {
  ...readSettings,
  ...inertSettings,
  ...inertSecuritySettings,
  ...inertFeatureSettings,
}

export const brokerSettingNames: readonly string[] = Object.keys(everything)

export function brokerSetting(name: string): Setting | null {
  return Object.hasOwn(everything, name) ? everything[name] : null
}

export function isRead(name: string): name is ReadSettingName {
  return Object.hasOwn(readSettings, name)
}
