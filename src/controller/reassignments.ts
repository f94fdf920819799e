/** Moving replicas to other brokers, without losing what was agreed on while they move. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { PartitionInfo, Topic } from '../metadata/entities.ts'
import type { ControllerContext, Decision } from './context.ts'
import type {
  PartitionOutcome,
  ReassignedTopic,
  Reassignment,
  TopicPartitions,
  TopicReassignment,
  TopicReassignments,
} from './events.ts'
import { PartitionChanges } from './partition-changes.ts'
import { isReassigning } from './partition-index.ts'
import { checkReplicas } from './placement.ts'
import { outcomeOf } from './topics.ts'

/** Every partition succeeds or fails by itself. `replicas` null cancels. */
export function alterReassignments(
  context: ControllerContext,
  topics: readonly TopicReassignment[],
  allowReplicationFactorChange: boolean,
): Decision<readonly ReassignedTopic[]> {
  const changes = new PartitionChanges(context)
  const answer = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }): PartitionOutcome => {
      try {
        const topic = context.state.topics.get(name)
        if (!topic) {
          throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`)
        }
        const partition = changes.current(topic, partitionIndex)
        if (!partition) {
          throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${partitionIndex}.`)
        }
        if (replicas) move(context, changes, topic, partition, replicas, allowReplicationFactorChange)
        else cancel(changes, topic, partition)
        return { partitionIndex, errorCode: Errors.NONE, errorMessage: null }
      } catch (error) {
        return { partitionIndex, ...outcomeOf(error) }
      }
    }),
  }))
  return { records: changes.records, answer, divisible: true }
}

/** Where the replicas were before they began to move. */
function originalOf({ replicas, addingReplicas }: PartitionInfo): number[] {
  return replicas.filter(id => !addingReplicas.includes(id))
}

function move(
  context: ControllerContext,
  changes: PartitionChanges,
  topic: Topic,
  partition: PartitionInfo,
  target: readonly number[],
  allowReplicationFactorChange: boolean,
): void {
  checkReplicas(context.state, target, null)
  const original = originalOf(partition)
  if (!allowReplicationFactorChange && target.length !== original.length) {
    throw new KafkaError(
      Errors.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${original.length} to ${target.length}`,
    )
  }
  // What an earlier move was about to add and this one does not want goes at once, unless nothing would be in sync.
  const dropped = partition.addingReplicas.filter(id => !target.includes(id))
  const isr = partition.isr.filter(id => !dropped.includes(id))
  const stays = isr.length > 0 ? original : partition.replicas
  const removing = stays.filter(id => !target.includes(id))
  changes.change(topic, partition.index, {
    isr: isr.length > 0 ? isr : partition.isr,
    replicas: [...target, ...removing],
    addingReplicas: target.filter(id => !original.includes(id)),
    removingReplicas: removing,
    election: changes.electionOf(topic.name),
  })
}

function cancel(changes: PartitionChanges, topic: Topic, partition: PartitionInfo): void {
  if (!isReassigning(partition)) throw new KafkaError(Errors.NO_REASSIGNMENT_IN_PROGRESS)
  const replicas = originalOf(partition)
  const isr = partition.isr.filter(id => replicas.includes(id))
  const election = changes.electionOf(topic.name)
  const back = { replicas, addingReplicas: [], removingReplicas: [] }
  if (isr.length > 0 || partition.isr.length === 0) {
    changes.change(topic, partition.index, { ...back, isr, election })
    return
  }
  // Everybody in sync was about to be added: those who were there before lack records.
  if (election !== 'unclean') {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Unable to revert partition assignment for ${topic.name}:${partition.index} because it would require an unclean leader election.`,
    )
  }
  changes.change(topic, partition.index, { ...back, isr: [replicas[0]], leaderRecoveryState: 1, election })
}

/** Null means all partitions; those that do not move are left out. */
export function listReassignments(
  { state, index }: ControllerContext,
  wanted: readonly TopicPartitions[] | null,
): Decision<readonly TopicReassignments[]> {
  const byName = wanted && new Map(wanted.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  const found = new Map<string, Reassignment[]>()
  for (const ref of index.reassigning) {
    const topic = state.topicsById.get(ref.topicId)
    const partition = topic?.partitions[ref.index]
    if (!topic || !partition || (byName && !byName.get(topic.name)?.has(ref.index))) continue
    const { replicas, addingReplicas, removingReplicas } = partition
    const list = found.get(topic.name) ?? []
    list.push({ partitionIndex: ref.index, replicas, addingReplicas, removingReplicas })
    found.set(topic.name, list)
  }
  const answer = [...found].map(([name, partitions]) => ({
    name,
    partitions: partitions.sort((a, b) => a.partitionIndex - b.partitionIndex),
  }))
  return { records: [], answer }
}
