/**
 * DescribeConfigs, versions 0-4.
 *
 * - Topics, this broker (by its id; an empty name for the defaults of all brokers), groups and client metrics; a list of
 *   names narrows it. Every config has its value, source and whether it can be changed; secrets have no value.
 * - v0 whether the value is the default. v1 where it comes from and synonyms: every place that gives a value, strongest first; v3 type and documentation.
 * - A broker's loggers are an empty list: this broker has one logger, whose level is set when it starts.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { describeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { type ConfigEntry, configSources, resourceTypes } from '../config/effective.ts'
import type { SettingType } from '../config/setting.ts'
import { topicNameProblem } from '../controller/topic-names.ts'
import { defineHandler } from './define.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof describeConfigs>
type Resource = Request['resources'][number]
type Result = ResponseOf<typeof describeConfigs>['results'][number]

const configTypes: Readonly<Record<SettingType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

export const handler = defineHandler(
  describeConfigs,
  '0-4',
  (request, context) => ({ results: request.resources.map(resource => describe(resource, request, context)) }),
  {
    failed: (request, error) => ({ results: request.resources.map(resource => refused(resource, error)) }),
  },
)

function describe(resource: Resource, request: Request, context: RequestContext): Result {
  try {
    const entries = entriesOf(resource, context)
    const wanted = resource.configurationKeys?.length ? new Set(resource.configurationKeys) : null
    return {
      errorCode: Errors.NONE,
      errorMessage: '',
      resourceType: resource.resourceType,
      resourceName: resource.resourceName,
      configs: entries.filter(({ name }) => wanted === null || wanted.has(name)).map(entry => configOf(entry, request)),
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return refused(resource, error)
  }
}

function refused({ resourceType, resourceName }: Resource, error: KafkaError): Result {
  return { errorCode: error.code, errorMessage: error.detail, resourceType, resourceName, configs: [] }
}

function configOf(entry: ConfigEntry, request: Request): Result['configs'][number] {
  return {
    name: entry.name,
    value: entry.value,
    readOnly: entry.readOnly,
    isDefault: entry.source === configSources.default,
    configSource: entry.source,
    isSensitive: entry.sensitive,
    synonyms: request.includeSynonyms ? entry.synonyms.map(synonym => ({ ...synonym })) : [],
    configType: entry.type === null ? 0 : configTypes[entry.type],
    documentation: request.includeDocumentation ? entry.doc : null,
  }
}

function entriesOf({ resourceType, resourceName }: Resource, context: RequestContext): ConfigEntry[] {
  const { configs, metadata } = context.broker
  switch (resourceType) {
    case resourceTypes.topic: {
      const problem = topicNameProblem(resourceName)
      if (problem) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, problem)
      if (!metadata.topics.has(resourceName)) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION)
      return configs.topic(resourceName)
    }
    case resourceTypes.broker:
      if (resourceName === '') return configs.brokerDefaults()
      checkBroker(resourceName, context, ' or empty string')
      return configs.broker()
    case resourceTypes.brokerLogger:
      if (resourceName === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Broker id must not be empty')
      checkBroker(resourceName, context, '')
      return []
    case resourceTypes.clientMetrics:
      if (resourceName === '') {
        throw new KafkaError(Errors.INVALID_REQUEST, 'Client metrics subscription name must not be empty')
      }
      return configs.clientMetrics(resourceName)
    case resourceTypes.group:
      if (resourceName === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Group name must not be empty')
      return configs.group(resourceName)
    default:
      throw new KafkaError(Errors.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`)
  }
}

function checkBroker(name: string, context: RequestContext, alternative: string): void {
  if (!/^-?\d+$/.test(name)) {
    throw new KafkaError(Errors.INVALID_REQUEST, `Broker id must be an integer, but it is: ${name}`)
  }
  const { nodeId } = context.broker
  if (Number(name) === nodeId) return
  throw new KafkaError(
    Errors.INVALID_REQUEST,
    `Unexpected broker id, expected ${nodeId}${alternative}, but received ${name}`,
  )
}
