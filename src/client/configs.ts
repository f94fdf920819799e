/** Settings of topics, brokers, groups and client metrics. */
import { Errors } from '../../protocol/errors.ts'
import { describeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { incrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { listConfigResources } from '../../protocol/messages/74-list-config-resources.ts'
import type { Client, Target } from './client.ts'
import { refusal } from './client-error.ts'
import type { Outcome } from './topics.ts'

export const resourceTypes = { topic: 2, broker: 4, 'broker-logger': 8, 'client-metrics': 16, group: 32 } as const

export type ResourceKind = keyof typeof resourceTypes

export interface ConfigResource {
  readonly kind: ResourceKind
  /** Of a broker its id, or '' for what holds for all brokers. */
  readonly name: string
}

export interface ConfigValue {
  readonly name: string
  /** Null for a secret, and for what has no value. */
  readonly value: string | null
  readonly source: string
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly type: string
  readonly documentation: string | null
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: string }[]
}

const sources = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
]
const types = ['UNKNOWN', 'BOOLEAN', 'STRING', 'INT', 'SHORT', 'LONG', 'DOUBLE', 'LIST', 'CLASS', 'PASSWORD']

/** Set by somebody at run time: what `unset` could take away. */
export function isDynamic({ source }: ConfigValue): boolean {
  return source.startsWith('DYNAMIC_')
}

/** The settings of one resource, in the order of their names. Throws ClientError. */
export async function configsOf(
  client: Client,
  resource: ConfigResource,
  documentation = false,
): Promise<ConfigValue[]> {
  const answer = await client.ask(
    targetOf(resource),
    describeConfigs,
    {
      resources: [{ resourceType: resourceTypes[resource.kind], resourceName: resource.name, configurationKeys: null }],
      includeSynonyms: true,
      includeDocumentation: documentation,
    },
    { codes: ({ results }) => results.map(each => each.errorCode) },
  )
  const [{ errorCode, errorMessage, configs }] = answer.results
  if (errorCode !== Errors.NONE) throw refusal(shownResource(resource), errorCode, errorMessage)
  const values = configs.map(
    ({ name, value, configSource, readOnly, isSensitive, configType, isDefault, ...rest }) => ({
      name,
      value,
      // Before version 1 there was only whether it is the default.
      source: configSource < 0 ? (isDefault ? 'DEFAULT_CONFIG' : 'UNKNOWN') : (sources[configSource] ?? 'UNKNOWN'),
      readOnly,
      sensitive: isSensitive,
      type: types[configType] ?? 'UNKNOWN',
      documentation: rest.documentation,
      synonyms: rest.synonyms.map(each => ({ ...each, source: sources[each.source] ?? 'UNKNOWN' })),
    }),
  )
  return values.sort((a, b) => (a.name < b.name ? -1 : 1))
}

export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface ConfigChange {
  readonly name: string
  readonly operation: keyof typeof configOperations
  readonly value: string | null
}

export async function changeConfigs(
  client: Client,
  resources: readonly ConfigResource[],
  changes: readonly ConfigChange[],
  validateOnly = false,
): Promise<Outcome<ConfigResource>[]> {
  const outcomes: Outcome<ConfigResource>[] = []
  for (const resource of resources) {
    const answer = await client.ask(
      targetOf(resource),
      incrementalAlterConfigs,
      {
        resources: [
          {
            resourceType: resourceTypes[resource.kind],
            resourceName: resource.name,
            configs: changes.map(({ name, operation, value }) => ({
              name,
              configOperation: configOperations[operation],
              value,
            })),
          },
        ],
        validateOnly,
      },
      { codes: ({ responses }) => responses.map(each => each.errorCode) },
    )
    const [{ errorCode, errorMessage }] = answer.responses
    const error = errorCode === Errors.NONE ? null : refusal(shownResource(resource), errorCode, errorMessage)
    outcomes.push({ item: resource, error })
  }
  return outcomes
}

/** The names of resources that have settings of their own. Throws ClientError `unsupported` before Kafka 4.1. */
export async function listResources(client: Client, kind: ResourceKind): Promise<string[]> {
  const answer = await client.ask(
    'any',
    listConfigResources,
    { resourceTypes: [resourceTypes[kind]] },
    { codes: ({ errorCode }) => [errorCode], minVersion: kind === 'client-metrics' ? 0 : 1 },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal(`list of ${kind} configs`, answer.errorCode)
  return answer.configResources
    .filter(({ resourceType }) => resourceType === resourceTypes[kind])
    .map(({ resourceName }) => resourceName)
    .sort()
}

export function shownResource({ kind, name }: ConfigResource): string {
  return kind === 'broker' && name === '' ? 'all brokers' : `${kind} ${name}`
}

/** A broker alone knows its own settings; what is kept in the metadata any of them tells. */
function targetOf({ kind, name }: ConfigResource): Target {
  const isOneBroker = (kind === 'broker' || kind === 'broker-logger') && /^\d+$/.test(name)
  return isOneBroker ? { broker: Number(name) } : 'any'
}
