/** The topics that somebody named; a name that does not exist is answered with those that are near. */

import { Errors } from '../../../protocol/errors.ts'
import { ClientError, refusal } from '../../client/client-error.ts'
import type { TopicView } from '../../client/cluster-view.ts'
import type { TopicPartition } from '../../client/topic-partition.ts'
import { listTopics } from '../../client/topics.ts'
import { suggestion } from '../shell/near-names.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'

/** In the order of the names. Throws ClientError. */
export async function namedTopics({ client }: Session, names: readonly string[]): Promise<TopicView[]> {
  const unique = [...new Set(names)]
  for (const name of unique) checkName(name)
  const found = new Map((await listTopics(client, unique)).map(topic => [topic.name, topic]))
  const missing = unique.find(name => !found.has(name))
  if (missing === undefined) return unique.flatMap(name => found.get(name) ?? [])
  throw await unknownTopic({ client }, missing)
}

export async function unknownTopic({ client }: Pick<Session, 'client'>, name: string): Promise<ClientError> {
  const all = (await listTopics(client)).map(topic => topic.name)
  const hint = suggestion(name, all, '`ottla topic list` shows those that there are.')
  return new ClientError('not-found', `there is no topic ${name}`, {
    code: Errors.UNKNOWN_TOPIC_OR_PARTITION,
    hints: [hint],
  })
}

export interface NamedPartitions {
  readonly topic: string
  /** Null: all of them. */
  readonly partitions: readonly number[] | null
}

/** `orders`, `orders:0`, `orders:0,2-4`. Throws UsageError. */
export function parsePartitions(text: string): NamedPartitions {
  const colon = text.lastIndexOf(':')
  if (colon < 0) return { topic: text, partitions: null }
  const list = text.slice(colon + 1)
  return { topic: text.slice(0, colon), partitions: parseNumbers(list, text) }
}

/** `0,2-4`. Throws UsageError. */
export function parseNumbers(list: string, shown = list): number[] {
  const numbers = list.split(',').flatMap(each => {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(each.trim())
    if (!match) throw new UsageError(`${shown}: numbers are expected`, ['Such as 0 or 0,2 or 0-3.'])
    const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])]
    if (to < from || to - from > 100_000) throw new UsageError(`${shown}: ${each} is no range of partitions`)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  return [...new Set(numbers)]
}

/** The partitions that somebody named, all of which exist. Throws ClientError, UsageError. */
export async function namedPartitions(session: Session, texts: readonly string[]): Promise<TopicPartition[]> {
  const named = texts.map(parsePartitions)
  const topics = new Map(
    (
      await namedTopics(
        session,
        named.map(({ topic }) => topic),
      )
    ).map(each => [each.name, each]),
  )
  const found = new Map<string, TopicPartition>()
  for (const { topic, partitions } of named) {
    const existing = (topics.get(topic)?.partitions ?? []).map(({ partition }) => partition)
    for (const partition of partitions ?? existing) {
      if (!existing.includes(partition)) {
        const error = refusal(`partition ${partition} of ${topic}`, Errors.UNKNOWN_TOPIC_OR_PARTITION)
        throw new ClientError('not-found', error.message, {
          code: Errors.UNKNOWN_TOPIC_OR_PARTITION,
          hints: [`It has partitions 0 to ${existing.length - 1}.`],
        })
      }
      found.set(`${topic}:${partition}`, { topic, partition })
    }
  }
  return [...found.values()]
}

function checkName(name: string): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of a topic`, [
      'Letters, digits, dots, dashes and underscores are allowed, 249 at most.',
    ])
  }
}
