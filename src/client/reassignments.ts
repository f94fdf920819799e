/** Moving replicas from broker to broker. */
import { Errors } from '../../protocol/errors.ts'
import { alterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts'
import type { Client } from './client.ts'
import { refusal } from './client-error.ts'
import type { TopicView } from './cluster-view.ts'
import { byTopic, byTopicAndPartition, type TopicPartition } from './topic-partition.ts'
import type { Outcome } from './topics.ts'

export interface Assignment extends TopicPartition {
  /** The first is the preferred leader. */
  readonly replicas: readonly number[]
}

export interface Reassignment extends Assignment {
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

/** Those under way. */
export async function reassignmentsOf(client: Client): Promise<Reassignment[]> {
  const answer = await client.ask(
    'controller',
    listPartitionReassignments,
    {},
    { codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('reassignments', answer.errorCode, answer.errorMessage)
  return answer.topics
    .flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, replicas, addingReplicas: adding, removingReplicas: removing }) => {
        return { topic, partition, replicas, adding, removing }
      }),
    )
    .sort(byTopicAndPartition)
}

/** Null for replicas cancels what is under way. */
export async function reassign(
  client: Client,
  wanted: readonly (TopicPartition & { readonly replicas: readonly number[] | null })[],
): Promise<Outcome<TopicPartition>[]> {
  const deadline = client.deadline()
  const answer = await client.ask(
    'controller',
    alterPartitionReassignments,
    {
      timeoutMs: Math.ceil(deadline.leftMs),
      topics: byTopic(wanted).map(({ topic, items }) => ({
        name: topic,
        partitions: items.map(({ partition, replicas }) => ({
          partitionIndex: partition,
          replicas: replicas === null ? null : [...replicas],
        })),
      })),
    },
    { deadline, codes: ({ errorCode }) => [errorCode] },
  )
  if (answer.errorCode !== Errors.NONE) throw refusal('reassignment', answer.errorCode, answer.errorMessage)
  return answer.responses.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, errorCode, errorMessage }) => ({
      item: { topic, partition },
      error: errorCode === Errors.NONE ? null : refusal(`partition ${partition} of ${topic}`, errorCode, errorMessage),
    })),
  )
}

export interface PlanBroker {
  readonly id: number
  readonly rack: string | null
}

/**
 * Spreads partitions evenly over brokers, with as few moves as that takes: a replica stays where it is unless its broker has
 * more than its share. Replicas of a partition go to different racks as far as there are any.
 */
export function planAssignments(
  topics: readonly TopicView[],
  brokers: readonly PlanBroker[],
  replicationFactor: number | null,
): Assignment[] {
  const load = new Map(brokers.map(({ id }) => [id, { replicas: 0, leaders: 0 }]))
  const partitions = topics.flatMap(({ name, partitions }) => partitions.map(each => ({ topic: name, ...each })))
  const copies = ({ replicas }: { replicas: readonly number[] }) => replicationFactor ?? replicas.length
  const total = partitions.reduce((sum, each) => sum + copies(each), 0)
  const share = Math.ceil(total / brokers.length)
  const plan: { topic: string; partition: number; replicas: number[] }[] = []
  for (const { topic, partition, replicas: now, ...rest } of partitions) {
    const wanted = copies({ replicas: now, ...rest })
    const replicas: number[] = []
    const take = (id: number) => {
      replicas.push(id)
      loadOf(load, id).replicas++
    }
    for (const id of now) {
      if (replicas.length < wanted && load.has(id) && loadOf(load, id).replicas < share) take(id)
    }
    while (replicas.length < wanted) take(nextBroker(brokers, replicas, load))
    plan.push({ topic, partition, replicas })
  }
  for (const each of plan) preferLeastLoaded(each.replicas, load)
  return plan
}

type Load = ReadonlyMap<number, { replicas: number; leaders: number }>

function loadOf(load: Load, id: number): { replicas: number; leaders: number } {
  return load.get(id) ?? { replicas: 0, leaders: 0 }
}

/** Where least is, in a rack that has none yet if possible. */
function nextBroker(brokers: readonly PlanBroker[], taken: readonly number[], load: Load): number {
  const racks = new Set(brokers.filter(({ id }) => taken.includes(id)).map(({ rack }) => rack))
  const free = brokers.filter(({ id }) => !taken.includes(id))
  const elsewhere = free.filter(({ rack }) => rack !== null && !racks.has(rack))
  const among = elsewhere.length > 0 ? elsewhere : free
  return among.reduce((best, each) => (loadOf(load, each.id).replicas < loadOf(load, best.id).replicas ? each : best))
    .id
}

/** The replica on the broker with the fewest leaders comes first. */
function preferLeastLoaded(replicas: number[], load: Load): void {
  let best = 0
  replicas.forEach((id, i) => {
    if (loadOf(load, id).leaders < loadOf(load, replicas[best]).leaders) best = i
  })
  const [leader] = replicas.splice(best, 1)
  replicas.unshift(leader)
  loadOf(load, leader).leaders++
}
