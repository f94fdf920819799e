/**
 * Metadata, versions 0-13.
 *
 * - v0: an empty list is all topics; v1+: null is all, empty is none. v12 asks by topic id (UNKNOWN_TOPIC_ID).
 * - A topic that is missing is created when the client (v4, before always) and `auto.create.topics.enable` allow it, and
 *   the same answer already tells its leader.
 * - Brokers are told by the addresses of the listener that the client came in by. A leader without that listener:
 *   LEADER_NOT_AVAILABLE up to v5, LISTENER_NOT_FOUND from v6 on.
 * - The controller is any live broker, as in KRaft, so that old admin clients find one that takes their requests.
 * - v8 authorized operations: without an authorizer everything is allowed.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { metadata } from '../../protocol/messages/03-metadata.ts'
import { type RequestOf, type ResponseOf, zeroUuid } from '../../protocol/schema.ts'
import { topicNameProblem } from '../controller/topic-names.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import { allOperations, operationsNotAsked } from './authorized-operations.ts'
import { autoCreateTopics } from './auto-create.ts'
import { defineHandler } from './define.ts'
import { brokerEndpoint } from './leader-hint.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof metadata>
type TopicAnswer = ResponseOf<typeof metadata>['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

export const handler = defineHandler(
  metadata,
  '0-13',
  async (request, context) => {
    const topics = wantsAll(request, context)
      ? [...context.broker.metadata.topics.values()].map(topic => describe(topic, request, context))
      : await describeNamed(request, context)
    const brokers = context.broker.metadata.aliveBrokers().flatMap(({ id }) => brokerEndpoint(context, id) ?? [])
    return {
      brokers,
      clusterId: context.broker.clusterId,
      controllerId: brokers[0]?.nodeId ?? -1,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allOperations.cluster
        : operationsNotAsked,
      errorCode: Errors.NONE,
    }
  },
  {
    failed: (request, error, context) => ({
      brokers: [],
      clusterId: context.broker.clusterId,
      topics: (request.topics ?? []).map(({ name, topicId }) => failure(name, topicId, error.code)),
      errorCode: error.code,
    }),
  },
)

function wantsAll(request: Request, context: RequestContext): boolean {
  return request.topics === null || (context.version === 0 && request.topics.length === 0)
}

async function describeNamed(request: Request, context: RequestContext): Promise<TopicAnswer[]> {
  const { metadata: state, config } = context.broker
  const wanted = request.topics ?? []
  checkNames(wanted, context.version)
  const named = wanted.flatMap(({ name, topicId }) => (name !== null && topicId === zeroUuid ? [name] : []))
  const missing = named.filter(name => !state.topics.has(name))
  const create = request.allowAutoTopicCreation && config.autoCreateTopicsEnable && missing.length > 0
  const failures = create ? await autoCreateTopics([...new Set(missing)], context) : new Map<string, number>()
  return wanted.map(({ name, topicId }) => {
    // A topic asked for by id has no name, which is null for some clients and empty for Java's.
    if (name === null || topicId !== zeroUuid) {
      const topic = state.topicsById.get(topicId)
      return topic ? describe(topic, request, context) : failure(null, topicId, Errors.UNKNOWN_TOPIC_ID)
    }
    const topic = state.topics.get(name)
    if (topic) return describe(topic, request, context)
    return failure(name, zeroUuid, failures.get(name) ?? missingTopicError(name))
  })
}

function checkNames(wanted: readonly { name: string | null; topicId: string }[], version: number): void {
  for (const { name, topicId } of wanted) {
    // Kafka asks by id from version 12 on only, although the field is older.
    if (version < 12 && name === null) throw new KafkaError(Errors.INVALID_REQUEST)
    if (version < 12 && topicId !== zeroUuid) throw new KafkaError(Errors.INVALID_REQUEST)
  }
}

function missingTopicError(name: string): number {
  return topicNameProblem(name) === null ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.INVALID_TOPIC_EXCEPTION
}

function describe(topic: Topic, request: Request, context: RequestContext): TopicAnswer {
  return {
    errorCode: Errors.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: context.broker.metadata.isInternal(topic.name),
    partitions: topic.partitions.map(partition => describePartition(partition, context)),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? allOperations.topic : operationsNotAsked,
  }
}

function describePartition(partition: PartitionInfo, context: RequestContext): PartitionAnswer {
  const { brokers } = context.broker.metadata
  const offline = partition.replicas.filter(id => brokers.get(id)?.fenced ?? true)
  return {
    errorCode: leaderError(partition.leader, context),
    partitionIndex: partition.index,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: offline,
  }
}

function leaderError(leader: number, context: RequestContext): number {
  if (leader < 0) return Errors.LEADER_NOT_AVAILABLE
  if (brokerEndpoint(context, leader)) return Errors.NONE
  return context.version >= 6 ? Errors.LISTENER_NOT_FOUND : Errors.LEADER_NOT_AVAILABLE
}

function failure(name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId, isInternal: false, partitions: [] }
}
