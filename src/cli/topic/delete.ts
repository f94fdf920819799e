/** `ottla topic delete` */
import { Errors } from '../../../protocol/errors.ts'
import { listTopics, type Outcome, removeTopics } from '../../client/topics.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { namedTopics, unknownTopic } from './named-topics.ts'

export interface DeleteTopicsOptions {
  readonly ifExists?: boolean
  readonly yes?: boolean
}

export async function deleteTopics(session: Session, options: DeleteTopicsOptions, names: string[]): Promise<number> {
  const wanted = [...new Set(names)]
  const there = options.ifExists
    ? (await listTopics(session.client, wanted)).map(({ name }) => name)
    : (await namedTopics(session, wanted)).map(({ name }) => name)
  if (there.length > 0) await session.confirm(`delete ${there.join(', ')} with all records`, options.yes)
  const removed = there.length === 0 ? [] : await removeTopics(session.client, there)
  const outcomes: Outcome<{ name: string; deleted: boolean }>[] = []
  for (const name of wanted) {
    const outcome = removed.find(({ item }) => item === name)
    if (!outcome) outcomes.push({ item: { name, deleted: false }, error: null })
    else outcomes.push({ item: { name, deleted: true }, error: await explained(session, name, outcome.error) })
  }
  return reportOutcomes(session, outcomes, {
    done: ({ name, deleted }) => (deleted ? `deleted topic ${name}` : `there is no topic ${name}`),
    json: ({ name, deleted }) => ({ topic: name, deleted }),
  })
}

/** Somebody else may have been faster. */
async function explained(session: Session, name: string, error: Error | null): Promise<Error | null> {
  const isGone = error && 'code' in error && error.code === Errors.UNKNOWN_TOPIC_OR_PARTITION
  return isGone ? unknownTopic(session, name) : error
}
