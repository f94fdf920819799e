/** Everything the metadata log tells, as data. Changed by `apply.ts` alone; `state.ts` is the face. */
import type {
  Acl,
  Broker,
  ClusterController,
  DelegationToken,
  PartitionInfo,
  Quota,
  QuotaEntityPart,
  ScramCredential,
  Topic,
} from './entities.ts'
import { internalTopics } from './internal-topics.ts'

const noConfigs: ReadonlyMap<string, string> = new Map()

export class MetadataImage {
  readonly topics = new Map<string, Topic>()
  readonly topicsById = new Map<string, Topic>()
  readonly brokers = new Map<number, Broker>()
  readonly controllers = new Map<number, ClusterController>()
  /** By resource type and name; only what was altered. */
  readonly configs = new Map<string, Map<string, string>>()
  /** Finalized levels by feature. */
  readonly features = new Map<string, number>()
  readonly quotas = new Map<string, Quota>()
  readonly scramCredentials = new Map<string, ScramCredential>()
  readonly acls = new Map<string, Acl>()
  readonly delegationTokens = new Map<string, DelegationToken>()
  /** The first producer id of the next block. */
  nextProducerId = 0

  partition(topic: string, index: number): PartitionInfo | null {
    return this.topics.get(topic)?.partitions[index] ?? null
  }

  topicName(topicId: string): string | null {
    return this.topicsById.get(topicId)?.name ?? null
  }

  topicId(name: string): string | null {
    return this.topics.get(name)?.id ?? null
  }

  isInternal(name: string): boolean {
    return internalTopics.has(name)
  }

  /** What was set on a resource: `resourceTypes` of the configuration. Empty when nothing was. */
  configsOf(resourceType: number, resourceName: string): ReadonlyMap<string, string> {
    return this.configs.get(configKey(resourceType, resourceName)) ?? noConfigs
  }

  /** Names of the resources of a type on which something was set, in order. */
  resourcesWithConfigs(resourceType: number): string[] {
    const prefix = configKey(resourceType, '')
    const keys = [...this.configs.keys()].filter(key => key.startsWith(prefix))
    return keys.map(key => key.slice(prefix.length)).sort()
  }

  /** Ids of brokers that take clients, in order. */
  aliveBrokers(): Broker[] {
    return [...this.brokers.values()].filter(broker => !broker.fenced).sort((a, b) => a.id - b.id)
  }

  /** Takes over everything that `other` holds; this image must be empty. Entities are shared, for they never change. */
  protected copyFrom(other: MetadataImage): void {
    for (const topic of other.topicsById.values()) {
      const copy = { ...topic, partitions: [...topic.partitions] }
      this.topicsById.set(copy.id, copy)
      this.topics.set(copy.name, copy)
    }
    for (const [id, broker] of other.brokers) this.brokers.set(id, broker)
    for (const [id, controller] of other.controllers) this.controllers.set(id, controller)
    for (const [key, configs] of other.configs) this.configs.set(key, new Map(configs))
    for (const [name, level] of other.features) this.features.set(name, level)
    for (const [key, quota] of other.quotas) this.quotas.set(key, quota)
    for (const [key, credential] of other.scramCredentials) this.scramCredentials.set(key, credential)
    for (const [id, acl] of other.acls) this.acls.set(id, acl)
    for (const [id, token] of other.delegationTokens) this.delegationTokens.set(id, token)
    this.nextProducerId = other.nextProducerId
  }

  /** Of what nobody is told about one by one: exactly what `other` has. */
  protected takeRest(other: MetadataImage): void {
    replaceEntries(this.controllers, other.controllers)
    replaceEntries(this.quotas, other.quotas)
    replaceEntries(this.scramCredentials, other.scramCredentials)
    replaceEntries(this.acls, other.acls)
    replaceEntries(this.delegationTokens, other.delegationTokens)
    this.nextProducerId = other.nextProducerId
  }

  get partitionsCount(): number {
    let count = 0
    for (const topic of this.topics.values()) count += topic.partitions.length
    return count
  }
}

export function configKey(resourceType: number, resourceName: string): string {
  return `${resourceType}:${resourceName}`
}

/** Under which the quotas of an entity are kept; the order of its parts means nothing. */
export function quotaKey(entity: readonly QuotaEntityPart[]): string {
  const parts = entity.map(({ entityType, entityName }): [string, string | null] => [entityType, entityName])
  return JSON.stringify(parts.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function replaceEntries<K, V>(map: Map<K, V>, by: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of by) map.set(key, value)
}
