/** A leader asks to change the in-sync set of its partitions. */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import type { PartitionInfo } from '../metadata/entities.ts'
import { type ControllerContext, type Decision, isActive } from './context.ts'
import type { AlteredPartition, AlteredTopic, InSyncChange, InSyncMember, TopicInSyncChanges } from './events.ts'
import { checkBrokerEpoch } from './heartbeats.ts'
import { recovered, recovering } from './partition-change.ts'
import { PartitionChanges } from './partition-changes.ts'

/** Every partition succeeds or fails by itself. Throws KafkaError STALE_BROKER_EPOCH for a leader of another life. */
export function alterPartitions(
  context: ControllerContext,
  brokerId: number,
  brokerEpoch: number,
  topics: readonly TopicInSyncChanges[],
): Decision<readonly AlteredTopic[]> {
  checkBrokerEpoch(context, brokerId, brokerEpoch)
  const changes = new PartitionChanges(context)
  const answer = topics.map(({ topicId, partitions }) => {
    const topic = context.state.topicsById.get(topicId)
    const outcomes = partitions.map(wanted => {
      if (!topic) return refused(wanted.partitionIndex, Errors.UNKNOWN_TOPIC_ID)
      const before = changes.current(topic, wanted.partitionIndex)
      const problem = problemOf(context, brokerId, before, wanted)
      if (!before || problem !== Errors.NONE) return refused(wanted.partitionIndex, problem)
      const after = changes.change(topic, wanted.partitionIndex, {
        isr: wanted.isr.map(member => member.brokerId),
        leaderRecoveryState: wanted.leaderRecoveryState,
        election: changes.electionOf(topic.name),
      })
      // The change may have completed a reassignment that takes the leadership away: the sender must look again.
      if (after.leader !== brokerId) return refused(wanted.partitionIndex, Errors.NEW_LEADER_ELECTED)
      return accepted(after)
    })
    return { topicId, partitions: outcomes }
  })
  return { records: changes.records, answer }
}

/** The order of these checks is part of the protocol: it tells the leader whether to retry, to reload or to step down. */
function problemOf(
  context: ControllerContext,
  brokerId: number,
  partition: PartitionInfo | null,
  { leaderEpoch, partitionEpoch, isr, leaderRecoveryState }: InSyncChange,
): ErrorCode {
  if (!partition) return Errors.UNKNOWN_TOPIC_OR_PARTITION
  // Whoever knows more than this controller was told so by a newer one.
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) return Errors.NOT_CONTROLLER
  if (leaderEpoch < partition.leaderEpoch) return Errors.FENCED_LEADER_EPOCH
  if (brokerId !== partition.leader) return Errors.INVALID_REQUEST
  if (partitionEpoch < partition.partitionEpoch) return Errors.INVALID_UPDATE_VERSION
  const ids = isr.map(member => member.brokerId)
  if (new Set(ids).size < ids.length || !ids.every(id => partition.replicas.includes(id))) return Errors.INVALID_REQUEST
  if (!ids.includes(partition.leader)) return Errors.INVALID_REQUEST
  if (leaderRecoveryState !== recovered && leaderRecoveryState !== recovering) return Errors.INVALID_REQUEST
  if (leaderRecoveryState === recovering && (ids.length > 1 || partition.leaderRecoveryState === recovered)) {
    return Errors.INVALID_REQUEST
  }
  return isr.every(member => isEligible(context, member)) ? Errors.NONE : Errors.INELIGIBLE_REPLICA
}

function isEligible({ state }: ControllerContext, { brokerId, brokerEpoch }: InSyncMember): boolean {
  const broker = state.brokers.get(brokerId)
  return isActive(broker) && (brokerEpoch === -1 || brokerEpoch === broker?.epoch)
}

function refused(partitionIndex: number, errorCode: ErrorCode): AlteredPartition {
  return {
    partitionIndex,
    errorCode,
    leaderId: 0,
    leaderEpoch: 0,
    isr: [],
    leaderRecoveryState: recovered,
    partitionEpoch: 0,
  }
}

function accepted(partition: PartitionInfo): AlteredPartition {
  return {
    partitionIndex: partition.index,
    errorCode: Errors.NONE,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    isr: partition.isr,
    leaderRecoveryState: partition.leaderRecoveryState,
    partitionEpoch: partition.partitionEpoch,
  }
}
