/** Leaders are elected because somebody asks, or to bring leaderships back to where they belong. */
import { type ErrorCode, Errors, KafkaError } from '../../protocol/errors.ts'
import type { Topic } from '../metadata/entities.ts'
import type { ControllerContext, Decision } from './context.ts'
import { isActive } from './context.ts'
import type { ControllerTimers, ElectedTopic, PartitionOutcome, TopicPartitions } from './events.ts'
import { noLeader } from './partition-change.ts'
import { PartitionChanges } from './partition-changes.ts'

const electionTypes = { preferred: 0, unclean: 1 } as const

/** Leaderships brought back at once; the rest follows in the next turn. */
const balancedAtOnceMax = 1000

/** The longest delay that a timer takes. */
const delayMaxMs = 0x7fffffff

/**
 * Every partition succeeds or fails by itself. Null means all partitions: then those that need no election aren't told of.
 * Throws KafkaError INVALID_REQUEST for an election that there is not.
 */
export function electLeaders(
  context: ControllerContext,
  electionType: number,
  wanted: readonly TopicPartitions[] | null,
): Decision<readonly ElectedTopic[]> {
  if (electionType !== electionTypes.preferred && electionType !== electionTypes.unclean) {
    throw new KafkaError(Errors.INVALID_REQUEST, `Unknown election type ${electionType}`)
  }
  const changes = new PartitionChanges(context)
  const elect = (topic: Topic | undefined, name: string, index: number) => ({
    partitionIndex: index,
    ...electOne(changes, electionType, topic, name, index),
  })
  const answer = wanted
    ? wanted.map(({ topic: name, partitions }) => {
        const topic = context.state.topics.get(name)
        return { topic: name, partitions: partitions.map(index => elect(topic, name, index)) }
      })
    : [...context.state.topics.values()].map(topic => ({
        topic: topic.name,
        partitions: topic.partitions
          .map(({ index }) => elect(topic, topic.name, index))
          .filter(({ errorCode }) => errorCode !== Errors.ELECTION_NOT_NEEDED),
      }))
  return {
    records: changes.records,
    answer: wanted ? answer : answer.filter(({ partitions }) => partitions.length > 0),
    divisible: true,
  }
}

function electOne(
  changes: PartitionChanges,
  electionType: number,
  topic: Topic | undefined,
  name: string,
  index: number,
): Omit<PartitionOutcome, 'partitionIndex'> {
  const failed = (errorCode: ErrorCode, errorMessage: string | null = null) => ({ errorCode, errorMessage })
  if (!topic) return failed(Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`)
  const partition = changes.current(topic, index)
  if (!partition) return failed(Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`)
  const isPreferred = electionType === electionTypes.preferred
  if (isPreferred ? partition.leader === partition.replicas[0] : partition.leader !== noLeader) {
    return failed(Errors.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.')
  }
  if (changes.change(topic, index, { election: isPreferred ? 'preferred' : 'unclean' }) !== partition) {
    return failed(Errors.NONE)
  }
  return isPreferred
    ? failed(Errors.PREFERRED_LEADER_NOT_AVAILABLE, 'The preferred leader was not available.')
    : failed(Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'Eligible topic partition leaders are not available.')
}

/** A timer: leaderships go back to the first replicas, which is how they are spread over the brokers. */
export function balanceLeaders(context: ControllerContext): Decision<null> {
  const changes = new PartitionChanges(context)
  let more = false
  for (const { topicId, index } of context.index.imbalanced) {
    const topic = context.state.topicsById.get(topicId)
    const partition = topic && changes.current(topic, index)
    if (!topic || !partition || partition.leader === noLeader) continue
    const [preferred] = partition.replicas
    if (!partition.isr.includes(preferred) || !isActive(context.state.brokers.get(preferred))) continue
    if (changes.records.length === balancedAtOnceMax) {
      more = true
      break
    }
    changes.change(topic, index, { election: 'preferred' })
  }
  return { records: changes.records, answer: null, timers: balanceTimer(context, more ? 0 : null), divisible: true }
}

export function balanceTimer({ config }: ControllerContext, delayMs: number | null = null): ControllerTimers {
  if (!config.autoLeaderRebalanceEnable) return {}
  const intervalMs = Math.min(config.leaderImbalanceCheckIntervalSeconds * 1000, delayMaxMs)
  return { balanceLeaders: { delayMs: delayMs ?? intervalMs, event: { question: 'balanceLeaders' } } }
}

/** A timer: where anybody alive may lead, somebody does. */
export function electUncleanly(context: ControllerContext): Decision<null> {
  const changes = new PartitionChanges(context)
  changes.reconsider(context.index.leaderless)
  return { records: changes.records, answer: null, timers: uncleanTimer(context), divisible: true }
}

export function uncleanTimer({ config }: ControllerContext): ControllerTimers {
  const delayMs = Math.min(config.uncleanLeaderElectionIntervalMs, delayMaxMs)
  return { electUncleanly: { delayMs, event: { question: 'electUncleanly' } } }
}
