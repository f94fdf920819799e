/** `ottla config list` */
import { listResources } from '../../client/configs.ts'
import { listTopics } from '../../client/topics.ts'
import type { Session } from '../shell/session.ts'
import { parseKind } from './resource.ts'

export async function listOfResources(session: Session, _options: object, kindText: string): Promise<void> {
  const kind = parseKind(kindText)
  const names = await namesOf(session, kind)
  if (session.json) return session.printJson({ kind, names })
  if (names.length === 0) return session.note(`no ${kind} has settings`)
  await session.print(names.map(name => `${name}\n`).join(''))
}

/** Topics and brokers any cluster lists by itself; for the rest there is an API since Kafka 4.1. */
async function namesOf({ client }: Session, kind: ReturnType<typeof parseKind>): Promise<string[]> {
  if (kind === 'topic') return (await listTopics(client)).map(({ name }) => name)
  if (kind === 'broker' || kind === 'broker-logger') {
    await client.refresh([])
    return [...client.view.brokers.keys()].sort((a, b) => a - b).map(String)
  }
  return listResources(client, kind)
}
