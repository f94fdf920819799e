/** Altering settings while the cluster runs. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { allBrokers, resourceTypes } from '../config/effective.ts'
import { parseList } from '../config/setting.ts'
import { getOrCreate } from '../lib/get-or-create.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import {
  checkBrokerConfigs,
  checkClientMetricsConfigs,
  checkGroupConfigs,
  checkTopicConfigs,
  invalidConfig,
  settingOn,
} from './config-checks.ts'
import { type ControllerContext, type Decision, recordsPerRequestMax, tracksElr } from './context.ts'
import { type ConfigOperation, configOperations, type ResourceChange, type ResourceOutcome } from './events.ts'
import { PartitionChanges } from './partition-changes.ts'
import { topicNameProblem } from './topic-names.ts'
import { duplicatesOf, outcomeOf } from './topics.ts'

const minIsr = 'min.insync.replicas'

/**
 * Every resource succeeds or fails by itself. `replace` deletes whatever isn't named. Throws KafkaError POLICY_VIOLATION
 * for too many changes in all.
 */
export function alterConfigs(
  context: ControllerContext,
  resources: readonly ResourceChange[],
  replace: boolean,
  validateOnly: boolean,
): Decision<readonly ResourceOutcome[]> {
  const duplicates = duplicatesOf(resources.map(keyOf))
  const records: MetadataRecord[] = []
  const answer: ResourceOutcome[] = []
  for (const resource of resources) {
    const key = keyOf(resource)
    const { resourceType, resourceName } = resource
    try {
      if (duplicates.has(key)) throw new KafkaError(Errors.INVALID_REQUEST, 'Each resource must appear at most once.')
      const changes = alterResource(context, resource, replace)
      if (!validateOnly) records.push(...changes)
      answer.push({ resourceType, resourceName, errorCode: Errors.NONE, errorMessage: null })
    } catch (error) {
      answer.push({ resourceType, resourceName, ...outcomeOf(error) })
    }
  }
  if (records.length > recordsPerRequestMax) {
    throw new KafkaError(
      Errors.POLICY_VIOLATION,
      `Unable to perform more than ${recordsPerRequestMax} changes at once.`,
    )
  }
  return { records: [...consequences(context, records), ...records], answer }
}

/**
 * What changed settings mean for partitions: with a lower min.insync.replicas the high watermark may move without those
 * who were eligible to lead, and where unclean elections are allowed now, somebody leads.
 */
function consequences(context: ControllerContext, records: readonly MetadataRecord[]): readonly MetadataRecord[] {
  const names = new Set(records.map(record => (record.kind === 'config' ? record.value.name : '')))
  const configs = { configsOf: configsAfter(context, records) }
  const changes = new PartitionChanges(context, { configs })
  if (names.has(minIsr) && tracksElr(context.state)) changes.reconsider(context.index.allEligible())
  if (names.has('unclean.leader.election.enable')) changes.reconsider(context.index.leaderless)
  return changes.records
}

function configsAfter({ state }: ControllerContext, records: readonly MetadataRecord[]) {
  const changed = new Map<string, Map<string, string>>()
  for (const record of records) {
    if (record.kind !== 'config') continue
    const { resourceType, resourceName, name, value } = record.value
    const key = keyOf({ resourceType, resourceName })
    const configs = getOrCreate(changed, key, () => new Map(state.configsOf(resourceType, resourceName)))
    if (value === null) configs.delete(name)
    else configs.set(name, value)
  }
  return (resourceType: number, resourceName: string) =>
    changed.get(keyOf({ resourceType, resourceName })) ?? state.configsOf(resourceType, resourceName)
}

function keyOf({ resourceType, resourceName }: Pick<ResourceChange, 'resourceType' | 'resourceName'>): string {
  return `${resourceType}:${resourceName}`
}

function alterResource(context: ControllerContext, resource: ResourceChange, replace: boolean): MetadataRecord[] {
  const { resourceType, resourceName, operations } = resource
  checkOperations(operations)
  checkResource(context, resourceType, resourceName)
  const before = context.state.configsOf(resourceType, resourceName)
  const after = replace ? new Map<string, string>() : new Map(before)
  for (const operation of operations) perform(context, resourceType, operation, after)
  const changed = new Set<string>()
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(name) !== after.get(name)) changed.add(name)
  }
  checkAll(context, resourceType, resourceName, after, new Set([...changed, ...operations.map(({ name }) => name)]))
  return [...changed].map(name => ({
    kind: 'config',
    version: 0,
    value: { resourceType, resourceName, name, value: after.get(name) ?? null },
  }))
}

function checkOperations(operations: readonly ConfigOperation[]): void {
  if (duplicatesOf(operations.map(({ name }) => name)).size > 0) {
    throw new KafkaError(Errors.INVALID_REQUEST, 'Error due to duplicate config keys')
  }
  const empty = operations.filter(({ operation, value }) => operation !== configOperations.delete && value === null)
  if (empty.length > 0) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      `Null value not supported for : ${empty.map(({ name }) => name).join(', ')}`,
    )
  }
}

function perform(
  context: ControllerContext,
  resourceType: number,
  { name, operation, value }: ConfigOperation,
  configs: Map<string, string>,
): void {
  switch (operation) {
    case configOperations.set:
      configs.set(name, value ?? '')
      return
    case configOperations.delete:
      configs.delete(name)
      return
    case configOperations.append:
    case configOperations.subtract: {
      const verb = operation === configOperations.append ? 'APPEND' : 'SUBTRACT'
      const setting = settingOn(resourceType, name)
      if (setting?.type !== 'list') {
        throw invalidConfig(`Can't ${verb} to key ${name} because its type is not LIST.`)
      }
      const base = configs.get(name) ?? context.config.staticValues.get(name) ?? setting.format(setting.fallback) ?? ''
      const given = parseList(value ?? '')
      const kept = parseList(base).filter(entry => operation === configOperations.append || !given.includes(entry))
      if (operation === configOperations.append) kept.push(...given.filter(entry => !kept.includes(entry)))
      configs.set(name, kept.join(','))
      return
    }
    default:
      throw new KafkaError(Errors.INVALID_REQUEST, `Unknown operation type ${operation}`)
  }
}

function checkResource(context: ControllerContext, resourceType: number, name: string): void {
  switch (resourceType) {
    case resourceTypes.topic: {
      if (name === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Default topic resources are not allowed.')
      const problem = topicNameProblem(name)
      if (problem) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, problem)
      if (!context.state.topics.has(name)) {
        throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`)
      }
      return
    }
    case resourceTypes.broker:
      if (name === allBrokers) return
      if (!/^\d{1,10}$/.test(name)) {
        throw new KafkaError(Errors.INVALID_REQUEST, `Node id must be an integer, but it is: ${name}`)
      }
      if (!context.state.brokers.has(Number(name))) {
        throw new KafkaError(
          Errors.INVALID_REQUEST,
          `Unexpected broker id, expected ${[...context.state.brokers.keys()].join(' or ')}, but received ${name}`,
        )
      }
      return
    case resourceTypes.clientMetrics:
      if (name === '') throw new KafkaError(Errors.INVALID_REQUEST, "Subscription name can't be empty")
      return
    case resourceTypes.group:
      if (name === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Default group resources are not allowed.')
      return
    default:
      throw new KafkaError(Errors.INVALID_REQUEST, `Unknown resource type ${resourceType}`)
  }
}

function checkAll(
  context: ControllerContext,
  resourceType: number,
  resourceName: string,
  configs: ReadonlyMap<string, string>,
  changed: ReadonlySet<string>,
): void {
  switch (resourceType) {
    case resourceTypes.topic:
      return checkTopicConfigs(context, configs)
    case resourceTypes.broker:
      if (tracksElr(context.state) && changed.has(minIsr)) checkMinIsr(configs, resourceName)
      return checkBrokerConfigs(configs, changed, resourceName !== allBrokers)
    case resourceTypes.group:
      return checkGroupConfigs(context, configs)
    default:
      return checkClientMetricsConfigs(configs)
  }
}

/** With eligible leader replicas, all controllers must decide by the same value. */
function checkMinIsr(configs: ReadonlyMap<string, string>, resourceName: string): void {
  if (resourceName !== allBrokers) throw invalidConfig(`Broker-level ${minIsr} cannot be altered while ELR is enabled.`)
  if (!configs.has(minIsr)) throw invalidConfig(`Cluster-level ${minIsr} cannot be removed while ELR is enabled.`)
}
