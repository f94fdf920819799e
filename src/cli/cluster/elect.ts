/** `ottla cluster elect` and `ottla cluster unregister` */
import { Errors } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import { clusterOf, elect, unregister } from '../../client/cluster.ts'
import { byTopicAndPartition } from '../../client/topic-partition.ts'
import { parseNumber } from '../shell/arguments.ts'
import { reportOutcomes } from '../shell/outcomes.ts'
import type { Session } from '../shell/session.ts'
import { namedPartitions } from '../topic/named-topics.ts'

export interface ElectOptions {
  readonly unclean?: boolean
  readonly yes?: boolean
}

export async function electTheLeaders(session: Session, options: ElectOptions, texts: string[]): Promise<number> {
  const partitions = texts.length === 0 ? null : await namedPartitions(session, texts)
  if (options.unclean) {
    await session.confirm(
      `unclean election ${texts.length === 0 ? 'everywhere' : `in ${texts.join(', ')}`}: records may be lost`,
      options.yes,
    )
  }
  const elected = (await elect(session.client, partitions, options.unclean ?? false)).sort((a, b) =>
    byTopicAndPartition(a.item, b.item),
  )
  const isNeedless = (error: Error | null) => error instanceof ClientError && error.code === Errors.ELECTION_NOT_NEEDED
  const needless = new Set(elected.filter(({ error }) => isNeedless(error)).map(({ item }) => item))
  // Of everywhere, only where something changed is of interest.
  const shown = elected.filter(({ item }) => partitions !== null || !needless.has(item))
  const outcomes = shown.map(outcome => (needless.has(outcome.item) ? { ...outcome, error: null } : outcome))
  if (outcomes.length === 0) await session.note('every leader is already the one wanted')
  return reportOutcomes(session, outcomes, {
    done: item =>
      `${item.topic}:${item.partition}: ${needless.has(item) ? 'its leader is already the one wanted' : 'elected'}`,
    json: item => ({ ...item, elected: !needless.has(item) }),
  })
}

export interface UnregisterOptions {
  readonly yes?: boolean
}

export async function unregisterTheBroker(session: Session, { yes }: UnregisterOptions, text: string): Promise<void> {
  const id = parseNumber(text, 'broker', 2 ** 31 - 1)
  const { brokers } = await clusterOf(session.client)
  const known = brokers.find(each => each.id === id)
  if (known?.fenced === false) {
    throw new ClientError('refused', `broker ${id} is up`, { hints: ['Stop it for good first.'] })
  }
  await session.confirm(`have the cluster forget broker ${id}`, yes)
  await unregister(session.client, id)
  if (session.json) return session.printJson({ broker: id, unregistered: true })
  await session.print(`unregistered broker ${id}\n`)
}
