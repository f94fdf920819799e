/** The group that somebody named; a name that does not exist is answered with those that are near. */
import { Errors } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import { type DescribedGroup, describeGroup, listAllGroups } from '../../client/groups.ts'
import { suggestion } from '../shell/near-names.ts'
import type { Session } from '../shell/session.ts'

/** Throws ClientError. */
export async function namedGroup(session: Session, name: string): Promise<DescribedGroup> {
  try {
    return await describeGroup(session.client, name)
  } catch (error) {
    throw error instanceof ClientError && error.failure === 'not-found' ? await unknownGroup(session, name) : error
  }
}

export async function unknownGroup({ client }: Session, name: string): Promise<ClientError> {
  const all = await listAllGroups(client)
  const existing = all.find(({ group }) => group === name)
  if (existing) {
    return new ClientError('unsupported', `${name} is a group of type ${existing.type}, which this cannot look into`)
  }
  const hint = suggestion(
    name,
    all.map(({ group }) => group),
    '`ottla group list` shows those that there are.',
  )
  return new ClientError('not-found', `there is no group ${name}`, { code: Errors.GROUP_ID_NOT_FOUND, hints: [hint] })
}
