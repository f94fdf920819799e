/** Which metrics are wanted of which clients: the client metrics resources of the cluster (KIP-714). */
import { RE2JS } from 're2js'
import { crc32c } from '../../protocol/records/crc.ts'
import { resourceTypes } from '../config/effective.ts'
import { clientMetricsSettings } from '../config/group.ts'
import { parseList } from '../config/setting.ts'
import type { MetadataState } from '../metadata/state.ts'

/** What of a client a subscription can go by. */
export interface ClientTraits {
  readonly client_instance_id: string
  readonly client_id: string
  readonly client_software_name: string
  readonly client_software_version: string
  readonly client_source_address: string
  readonly client_source_port: string
}

/** What is wanted of one client, all its subscriptions taken together. */
export interface Wanted {
  readonly subscriptionId: number
  /** Prefixes of names; a single `*` for all, empty for none. */
  readonly metrics: readonly string[]
  readonly intervalMs: number
}

interface Subscription {
  readonly metrics: readonly string[]
  readonly intervalMs: number
  readonly match: readonly { readonly trait: string; readonly pattern: RE2JS }[]
}

const all = '*'

export class Subscriptions {
  readonly #metadata: Pick<MetadataState, 'configsOf' | 'resourcesWithConfigs'>
  #subscriptions: readonly Subscription[] | null = null
  /** Goes up when a subscription changes. */
  version = 0

  constructor(metadata: Pick<MetadataState, 'configsOf' | 'resourcesWithConfigs' | 'listen'>) {
    this.#metadata = metadata
    metadata.listen({
      configChanged: resourceType => {
        if (resourceType !== resourceTypes.clientMetrics) return
        this.version += 1
        this.#subscriptions = null
      },
    })
  }

  wantedOf(traits: ClientTraits): Wanted {
    this.#subscriptions ??= this.#read()
    const names = new Set<string>()
    let intervalMs = clientMetricsSettings['interval.ms'].fallback
    for (const subscription of this.#subscriptions) {
      if (!matches(subscription, traits)) continue
      for (const name of subscription.metrics) names.add(name)
      intervalMs = Math.min(intervalMs, subscription.intervalMs)
    }
    const metrics = names.has(all) ? [all] : [...names].sort()
    return { subscriptionId: idOf(metrics, intervalMs), metrics, intervalMs }
  }

  #read(): Subscription[] {
    return this.#metadata.resourcesWithConfigs(resourceTypes.clientMetrics).map(name => {
      const configs = this.#metadata.configsOf(resourceTypes.clientMetrics, name)
      const { metrics, match, 'interval.ms': interval } = clientMetricsSettings
      const intervalMs = configs.get('interval.ms')
      return {
        metrics: parseList(configs.get('metrics') ?? metrics.fallback.join(',')),
        intervalMs: intervalMs === undefined ? interval.fallback : interval.parse(intervalMs),
        match: parseList(configs.get('match') ?? match.fallback.join(',')).map(patternOf),
      }
    })
  }
}

function patternOf(text: string): Subscription['match'][number] {
  const at = text.indexOf('=')
  return { trait: text.slice(0, at).trim(), pattern: RE2JS.compile(text.slice(at + 1).trim()) }
}

function matches({ match }: Subscription, traits: ClientTraits): boolean {
  const values = new Map<string, string>(Object.entries(traits))
  return match.every(({ trait, pattern }) => pattern.matches(values.get(trait) ?? ''))
}

/** Another one as soon as anything else is wanted; the client keeps it without knowing what it means. */
function idOf(metrics: readonly string[], intervalMs: number): number {
  return crc32c(Buffer.from(JSON.stringify([metrics, intervalMs]))) | 0
}
