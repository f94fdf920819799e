/** Adding partitions to topics. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { Topic } from '../metadata/entities.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { type ControllerContext, type Decision, metadataVersionOf, recordsPerRequestMax } from './context.ts'
import type { Allowance, MorePartitions, TopicOutcome } from './events.ts'
import { newPartition } from './new-partition.ts'
import { checkReplicas, placeReplicas } from './placement.ts'
import { duplicatesOf, outcomeOf } from './topics.ts'

/** Every topic succeeds or fails by itself. Throws KafkaError POLICY_VIOLATION for too many partitions in all. */
export function createPartitions(
  context: ControllerContext,
  topics: readonly MorePartitions[],
  { validateOnly, allowance }: { readonly validateOnly: boolean; readonly allowance?: Allowance },
): Decision<readonly TopicOutcome[]> {
  const duplicates = duplicatesOf(topics.map(({ name }) => name))
  const records: MetadataRecord[] = []
  const answer: TopicOutcome[] = []
  const answered = new Set<string>()
  for (const topic of topics) {
    if (answered.has(topic.name)) continue
    answered.add(topic.name)
    try {
      if (duplicates.has(topic.name)) throw new KafkaError(Errors.INVALID_REQUEST, 'Duplicate topic name.')
      const added = addPartitions(context, topic, records.length)
      if (!validateOnly) {
        allowance?.spend(added.length)
        records.push(...added)
      }
      answer.push({ name: topic.name, errorCode: Errors.NONE, errorMessage: null })
    } catch (error) {
      answer.push({ name: topic.name, ...outcomeOf(error) })
    }
  }
  return { records, answer }
}

function addPartitions(context: ControllerContext, wanted: MorePartitions, recordsBefore: number): MetadataRecord[] {
  const topic = context.state.topics.get(wanted.name)
  if (!topic) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION)
  const current = topic.partitions.length
  const count = wanted.count - current
  if (count === 0) {
    throw new KafkaError(Errors.INVALID_PARTITIONS, `Topic already has ${current} partition(s).`)
  }
  if (count < 0) {
    throw new KafkaError(
      Errors.INVALID_PARTITIONS,
      `The topic ${topic.name} currently has ${current} partition(s); ${wanted.count} would not be an increase.`,
    )
  }
  if (recordsBefore + count > recordsPerRequestMax) {
    throw new KafkaError(Errors.POLICY_VIOLATION, 'Excessively large number of partitions per request.')
  }
  const replicationFactor = topic.partitions[0].replicas.length
  const assignments = wanted.assignments
    ? manual(context, wanted.assignments, count, replicationFactor)
    : placeReplicas(context.state.brokers.values(), count, replicationFactor, context.random)
  return recordsFor(context, topic, assignments)
}

function manual(
  context: ControllerContext,
  assignments: readonly (readonly number[])[],
  count: number,
  replicationFactor: number,
): readonly (readonly number[])[] {
  if (assignments.length !== count) {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${count} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    )
  }
  for (const brokerIds of assignments) checkReplicas(context.state, brokerIds, replicationFactor)
  return assignments
}

function recordsFor(
  context: ControllerContext,
  topic: Topic,
  assignments: readonly (readonly number[])[],
): MetadataRecord[] {
  const metadataVersion = metadataVersionOf(context.state)
  return assignments.map((replicas, index) =>
    newPartition(context.state, metadataVersion, topic.id, topic.partitions.length + index, replicas),
  )
}
