/** A broker tells in which of its log directories its replicas live (KIP-858). */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { Topic } from '../metadata/entities.ts'
import { namesDirectories } from '../metadata/features.ts'
import { type ControllerContext, type Decision, metadataVersionOf } from './context.ts'
import type { DirectoryAssignment, DirectoryOutcome } from './events.ts'
import { checkBrokerEpoch } from './heartbeats.ts'
import { PartitionChanges } from './partition-changes.ts'

/** Every partition succeeds or fails by itself. A directory that the broker did not register with has failed. */
export function assignDirectories(
  context: ControllerContext,
  brokerId: number,
  brokerEpoch: number,
  directories: readonly DirectoryAssignment[],
): Decision<readonly DirectoryOutcome[]> {
  if (!namesDirectories(metadataVersionOf(context.state))) {
    throw new KafkaError(Errors.UNSUPPORTED_VERSION, 'Directory assignment is not supported yet.')
  }
  const broker = checkBrokerEpoch(context, brokerId, brokerEpoch)
  const changes = new PartitionChanges(context)
  const answer = directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => {
      const topic = context.state.topicsById.get(topicId)
      return {
        topicId,
        partitions: partitions.map(partitionIndex => ({
          partitionIndex,
          errorCode: assign(changes, brokerId, topic, partitionIndex, id, broker.logDirs.includes(id)),
        })),
      }
    }),
  }))
  return { records: changes.records, answer, divisible: true }
}

function assign(
  changes: PartitionChanges,
  brokerId: number,
  topic: Topic | undefined,
  index: number,
  directory: string,
  isOnline: boolean,
): ErrorCode {
  if (!topic) return Errors.UNKNOWN_TOPIC_ID
  const partition = changes.current(topic, index)
  if (!partition) return Errors.UNKNOWN_TOPIC_OR_PARTITION
  if (!partition.replicas.includes(brokerId)) return Errors.NOT_LEADER_OR_FOLLOWER
  changes.change(topic, index, {
    directories: new Map([[brokerId, directory]]),
    ...(isOnline ? {} : { isr: partition.isr.filter(id => id !== brokerId), election: changes.electionOf(topic.name) }),
  })
  return Errors.NONE
}
