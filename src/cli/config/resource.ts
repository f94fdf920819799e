/** What has settings, as somebody named it. */
import type { ConfigResource, ResourceKind } from '../../client/configs.ts'
import { resourceTypes } from '../../client/configs.ts'
import type { Session } from '../shell/session.ts'
import { UsageError } from '../shell/usage-error.ts'
import { namedTopics } from '../topic/named-topics.ts'

export const kinds = Object.keys(resourceTypes) as readonly ResourceKind[]

/** Throws UsageError. */
export function parseKind(text: string): ResourceKind {
  const kind = kinds.find(each => each === text || `${each}s` === text)
  if (kind) return kind
  throw new UsageError(`${text} has no settings`, [`There are ${kinds.join(', ')}.`])
}

/** Throws UsageError, and ClientError for a topic that does not exist. */
export async function namedResource(
  session: Session,
  kindText: string,
  name: string | undefined,
): Promise<ConfigResource> {
  const kind = parseKind(kindText)
  if (kind === 'broker' && (name === undefined || name === 'all' || name === '')) return { kind, name: '' }
  if (name === undefined || name === '') throw new UsageError(`which ${kind}?`)
  if ((kind === 'broker' || kind === 'broker-logger') && !/^\d{1,10}$/.test(name)) {
    throw new UsageError(`${name} is no id of a broker`, ['`ottla cluster brokers` shows them.'])
  }
  if (kind === 'topic') await namedTopics(session, [name])
  return { kind, name }
}
