/** `ottla group list` */
import { listAllGroups } from '../../client/groups.ts'
import type { Session } from '../shell/session.ts'

export interface ListGroupsOptions {
  readonly state?: string
  readonly type?: string
}

export async function listOfGroups(session: Session, { state, type }: ListGroupsOptions): Promise<void> {
  const same = (wanted: string | undefined, is: string) =>
    wanted === undefined || wanted.toLowerCase() === is.toLowerCase()
  const all = await listAllGroups(session.client)
  const groups = all.filter(each => same(state, each.state) && same(type, each.type))
  if (session.json) return session.printJson({ groups })
  if (groups.length === 0) return session.note(all.length > 0 ? 'no groups are like that' : 'no groups')
  await session.table(
    [{ title: 'GROUP' }, { title: 'TYPE' }, { title: 'STATE' }, { title: 'PROTOCOL' }],
    groups.map(({ group, type, state, protocolType }) => [group, type || '-', state || '-', protocolType || '-']),
  )
}
