/** Creating and deleting topics. */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import type { Topic } from '../metadata/entities.ts'
import { metadataTopic } from '../metadata/internal-topics.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { checkTopicConfigs, topicConfigsOf } from './config-checks.ts'
import { type ControllerContext, type Decision, metadataVersionOf, recordsPerRequestMax } from './context.ts'
import type { Allowance, CreatedTopic, DeletedTopic, NewTopic, TopicReference } from './events.ts'
import { newPartition } from './new-partition.ts'
import { checkReplicas, placeReplicas } from './placement.ts'
import { collisionKey, topicNameProblem } from './topic-names.ts'

/** Every topic succeeds or fails by itself. Throws KafkaError POLICY_VIOLATION for too many partitions in all. */
export function createTopics(
  context: ControllerContext,
  topics: readonly NewTopic[],
  { validateOnly, allowance }: { readonly validateOnly: boolean; readonly allowance?: Allowance },
): Decision<readonly CreatedTopic[]> {
  checkTotal(context, topics)
  const duplicates = duplicatesOf(topics.map(({ name }) => name))
  const taken = new Map<string, string>()
  for (const name of context.state.topics.keys()) taken.set(collisionKey(name), name)
  const records: MetadataRecord[] = []
  const answered = new Set<string>()
  const answer: CreatedTopic[] = []
  for (const topic of topics) {
    if (answered.has(topic.name)) continue
    answered.add(topic.name)
    try {
      if (duplicates.has(topic.name)) throw new KafkaError(Errors.INVALID_REQUEST, 'Duplicate topic name.')
      const created = createTopic(context, topic, taken)
      if (!validateOnly) {
        allowance?.spend(created.answer.partitionsCount)
        records.push(...created.records)
        taken.set(collisionKey(topic.name), topic.name)
      }
      answer.push(validateOnly ? { ...created.answer, topicId: zeroUuid } : created.answer)
    } catch (error) {
      answer.push(failedTopic(topic.name, error))
    }
  }
  return { records, answer }
}

function checkTotal(context: ControllerContext, topics: readonly NewTopic[]): void {
  let total = 0
  for (const { partitionsCount, assignments } of topics) {
    if (assignments.length > 0) total += assignments.length
    else total += partitionsCount === -1 ? context.config.numPartitions : Math.max(partitionsCount, 0)
  }
  if (total > recordsPerRequestMax) {
    throw new KafkaError(Errors.POLICY_VIOLATION, 'Excessively large number of partitions per request.')
  }
}

function createTopic(
  context: ControllerContext,
  topic: NewTopic,
  taken: ReadonlyMap<string, string>,
): Decision<CreatedTopic, MetadataRecord> {
  const { state } = context
  checkName(context, topic.name, taken)
  const configs = topicConfigsOf(topic.configs)
  checkTopicConfigs(context, configs)
  const assignments = topic.assignments.length > 0 ? manual(context, topic) : automatic(context, topic)
  const metadataVersion = metadataVersionOf(state)
  const topicId = context.random.uuid()
  const records: MetadataRecord[] = [{ kind: 'topic', version: 0, value: { name: topic.name, topicId } }]
  for (const [name, value] of configs) {
    records.push({ kind: 'config', version: 0, value: { resourceType: 2, resourceName: topic.name, name, value } })
  }
  assignments.forEach((replicas, index) => {
    records.push(newPartition(state, metadataVersion, topicId, index, replicas))
  })
  return {
    records,
    answer: {
      name: topic.name,
      topicId,
      errorCode: Errors.NONE,
      errorMessage: null,
      partitionsCount: assignments.length,
      replicationFactor: assignments[0].length,
      configs,
    },
  }
}

function checkName(context: ControllerContext, name: string, taken: ReadonlyMap<string, string>): void {
  if (name === metadataTopic) {
    throw new KafkaError(Errors.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`)
  }
  if (context.state.topics.has(name))
    throw new KafkaError(Errors.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  const problem = topicNameProblem(name)
  if (problem) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, problem)
  const other = taken.get(collisionKey(name))
  if (other !== undefined && other !== name) {
    throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
  }
}

function automatic(context: ControllerContext, topic: NewTopic): number[][] {
  const { config, state } = context
  const count = topic.partitionsCount === -1 ? config.numPartitions : topic.partitionsCount
  const factor = topic.replicationFactor === -1 ? config.defaultReplicationFactor : topic.replicationFactor
  if (count <= 0) {
    throw new KafkaError(Errors.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
  }
  if (factor <= 0) {
    throw new KafkaError(
      Errors.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  return placeReplicas(state.brokers.values(), count, factor, context.random)
}

function manual(context: ControllerContext, topic: NewTopic): number[][] {
  if (topic.replicationFactor !== -1) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (topic.partitionsCount !== -1) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const replicas: number[][] = []
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (replicas[partitionIndex]) {
      throw new KafkaError(
        Errors.INVALID_REPLICA_ASSIGNMENT,
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      )
    }
    checkReplicas(context.state, brokerIds, replicas.find(Boolean)?.length ?? null)
    if (partitionIndex >= 0 && partitionIndex < topic.assignments.length) replicas[partitionIndex] = [...brokerIds]
  }
  if (replicas.filter(Boolean).length < topic.assignments.length) {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      'partitions should be a consecutive 0-based integer sequence',
    )
  }
  return replicas
}

function failedTopic(name: string, error: unknown): CreatedTopic {
  return {
    name,
    topicId: zeroUuid,
    ...outcomeOf(error),
    partitionsCount: -1,
    replicationFactor: -1,
    configs: new Map(),
  }
}

/** Errors that a client may see; anything else is a bug and goes on. */
export function outcomeOf(error: unknown): { errorCode: ErrorCode; errorMessage: string | null } {
  if (!(error instanceof KafkaError)) throw error
  return { errorCode: error.code, errorMessage: error.detail }
}

export function duplicatesOf(names: readonly string[]): Set<string> {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) duplicates.add(name)
    seen.add(name)
  }
  return duplicates
}

/** Every topic succeeds or fails by itself. */
export function deleteTopics(
  context: ControllerContext,
  topics: readonly TopicReference[],
  allowance: Allowance = null,
): Decision<readonly DeletedTopic[]> {
  const proper = topics.filter(({ name, topicId }) => name === null || topicId === null)
  const names = duplicatesOf(proper.flatMap(({ name }) => name ?? []))
  const ids = duplicatesOf(proper.flatMap(({ topicId }) => topicId ?? []))
  const records: MetadataRecord[] = []
  const answer: DeletedTopic[] = []
  const doomed = new Set<string>()
  const answered = new Set<string>()
  for (const reference of topics) {
    const key = `${reference.name}/${reference.topicId}`
    if (answered.has(key)) continue
    answered.add(key)
    try {
      const { name, id, partitionsCount } = findTopic(context, reference, names, ids)
      if (doomed.has(id)) throw new KafkaError(Errors.INVALID_REQUEST, 'The same topic is named twice.')
      doomed.add(id)
      allowance?.spend(partitionsCount)
      records.push({ kind: 'removeTopic', version: 0, value: { topicId: id } })
      answer.push({ name, topicId: id, errorCode: Errors.NONE, errorMessage: null })
    } catch (error) {
      answer.push({ ...reference, ...outcomeOf(error) })
    }
  }
  return { records, answer }
}

function findTopic(
  context: ControllerContext,
  { name, topicId }: TopicReference,
  names: ReadonlySet<string>,
  ids: ReadonlySet<string>,
): { name: string; id: string; partitionsCount: number } {
  if (name !== null && topicId !== null) {
    throw new KafkaError(Errors.INVALID_REQUEST, 'You may not specify both topic name and topic id.')
  }
  if (name !== null) {
    if (names.has(name)) throw new KafkaError(Errors.INVALID_REQUEST, 'Duplicate topic name.')
    const topic = context.state.topics.get(name)
    if (!topic) {
      throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.')
    }
    return found(topic)
  }
  if (topicId === null) throw new KafkaError(Errors.INVALID_REQUEST, 'Neither topic name nor id were specified.')
  if (ids.has(topicId)) throw new KafkaError(Errors.INVALID_REQUEST, 'Duplicate topic id.')
  const topic = context.state.topicsById.get(topicId)
  if (!topic) throw new KafkaError(Errors.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.')
  return found(topic)
}

function found({ name, id, partitions }: Topic): { name: string; id: string; partitionsCount: number } {
  return { name, id, partitionsCount: partitions.length }
}
