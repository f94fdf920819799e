/** `ottla topic list` */
import type { TopicView } from '../../client/cluster-view.ts'
import { listTopics } from '../../client/topics.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'

export interface ListTopicsOptions {
  readonly internal?: boolean
  readonly match?: string
}

export async function listOfTopics(session: Session, { internal, match }: ListTopicsOptions): Promise<void> {
  const pattern = match === undefined ? null : parsePattern(match)
  const all = await listTopics(session.client)
  const topics = all.filter(topic => (internal || !topic.internal) && (!pattern || pattern.test(topic.name)))
  if (session.json) {
    const shown = topics.map(({ name, id, internal, partitions }) => {
      return { name, id, internal, partitions: partitions.length, replicationFactor: replicationFactorOf(partitions) }
    })
    return session.printJson({ topics: shown })
  }
  if (topics.length === 0) {
    const hidden = all.length > 0 && !pattern ? ' (but internal ones: --internal)' : ''
    return session.note(`no topics${pattern ? ` match ${match}` : ''}${hidden}`)
  }
  await session.table(
    [{ title: 'TOPIC' }, { title: 'PARTITIONS', align: 'right' }, { title: 'REPLICAS', align: 'right' }],
    topics.map(({ name, partitions }) => [name, String(partitions.length), String(replicationFactorOf(partitions))]),
  )
}

export function replicationFactorOf(partitions: TopicView['partitions']): number {
  return Math.max(0, ...partitions.map(({ replicas }) => replicas.length))
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new UsageError(`--match ${text}: ${(error as Error).message}`)
  }
}
