/** Asks the leaders of partitions, and asks anew those that moved, until the deadline. */
import { Errors, isRetriable } from '../../protocol/errors.ts'
import type { Client } from './client.ts'
import { backoffMs } from './client.ts'
import { ClientError } from './client-error.ts'
import type { Deadline } from './deadline.ts'
import { partitionName, type TopicPartition } from './topic-partition.ts'

/** What a leader said of one partition. */
export interface PartitionAnswer<R> extends TopicPartition {
  readonly errorCode: number
  readonly value: R | null
  readonly errorMessage?: string | null
}

export type AskLeader<T extends TopicPartition, R> = (
  broker: number,
  items: readonly T[],
  deadline: Deadline,
) => Promise<readonly PartitionAnswer<R>[]>

/** One answer for each item, in their order. Partitions that do not exist are answered UNKNOWN_TOPIC_OR_PARTITION. */
export async function askLeaders<T extends TopicPartition, R>(
  client: Client,
  items: readonly T[],
  ask: AskLeader<T, R>,
  deadline = client.deadline(),
): Promise<PartitionAnswer<R>[]> {
  const answers = new Map<string, PartitionAnswer<R>>()
  let open = [...items]
  for (let attempt = 0; open.length > 0; attempt++) {
    await learn(client, open, attempt > 0, deadline)
    const { led, leaderless } = partedByLeader(client, open)
    for (const item of leaderless) answers.set(partitionName(item), item)
    await Promise.all(
      [...led].map(async ([broker, mine]) => {
        for (const answer of await orFailed(mine, ask(broker, mine, deadline)))
          answers.set(partitionName(answer), answer)
      }),
    )
    open = open.filter(item => worthAnother(client, item, answers.get(partitionName(item))))
    if (deadline.passed) break
    if (open.length > 0) await deadline.pause(backoffMs(attempt))
  }
  return items.map(item => answers.get(partitionName(item)) ?? failed(item, Errors.REQUEST_TIMED_OUT))
}

/** Metadata of the topics, where it is not known or was wrong. */
async function learn(
  client: Client,
  items: readonly TopicPartition[],
  again: boolean,
  deadline: Deadline,
): Promise<void> {
  const topics = [...new Set(items.map(({ topic }) => topic))]
  const wanted = again ? topics : topics.filter(topic => !client.view.topics.has(topic))
  if (wanted.length > 0) await client.refresh(wanted, deadline)
}

function partedByLeader<T extends TopicPartition>(client: Client, items: readonly T[]) {
  const led = new Map<number, T[]>()
  const leaderless: PartitionAnswer<never>[] = []
  for (const item of items) {
    const topic = client.view.topics.get(item.topic)
    const known = topic?.partitions.find(each => each.partition === item.partition)
    if (!known) leaderless.push(failed(item, Errors.UNKNOWN_TOPIC_OR_PARTITION))
    else if (known.leader < 0) leaderless.push(failed(item, Errors.LEADER_NOT_AVAILABLE))
    else {
      const mine = led.get(known.leader)
      if (mine) mine.push(item)
      else led.set(known.leader, [item])
    }
  }
  return { led, leaderless }
}

/** A leader that cannot be reached may be one no longer. */
async function orFailed<T extends TopicPartition, R>(
  items: readonly T[],
  asked: Promise<readonly PartitionAnswer<R>[]>,
): Promise<readonly PartitionAnswer<R>[]> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof ClientError) || !['connection', 'timeout', 'not-found'].includes(error.failure)) throw error
    return items.map(item => ({ ...failed(item, Errors.LEADER_NOT_AVAILABLE), errorMessage: error.message }))
  }
}

function worthAnother(client: Client, item: TopicPartition, answer: PartitionAnswer<unknown> | undefined): boolean {
  if (!answer) return true
  if (!isRetriable(answer.errorCode)) return false
  // A topic that the metadata does not know either is not there; one that it knows may be new to its leader.
  return answer.errorCode !== Errors.UNKNOWN_TOPIC_OR_PARTITION || client.view.leaderOf(item.topic, item.partition) >= 0
}

function failed(item: TopicPartition, errorCode: number): PartitionAnswer<never> {
  return { topic: item.topic, partition: item.partition, errorCode, value: null }
}
