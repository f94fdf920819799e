/**
 * DescribeUserScramCredentials, version 0.
 *
 * - Which mechanisms and iteration counts a user's credentials have, never their secrets (KIP-554). Null or no users: all.
 * - An unknown user is RESOURCE_NOT_FOUND, one named twice DUPLICATE_RESOURCE.
 * - Credentials cannot be altered here, so there are none but those that another controller left in the log.
 */
import { Errors } from '../../protocol/errors.ts'
import { describeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { defineHandler } from './define.ts'

type Result = ResponseOf<typeof describeUserScramCredentials>['results'][number]

export const handler = defineHandler(describeUserScramCredentials, '0', (request, context) => {
  const byUser = new Map<string, { mechanism: number; iterations: number }[]>()
  for (const { name, mechanism, iterations } of context.broker.metadata.scramCredentials.values()) {
    const credentials = byUser.get(name) ?? []
    credentials.push({ mechanism, iterations })
    byUser.set(name, credentials)
  }
  const named = (request.users ?? []).map(({ name }) => name)
  const users = named.length > 0 ? [...new Set(named)] : [...byUser.keys()]
  const results = users.map((user): Result => {
    if (named.indexOf(user) !== named.lastIndexOf(user)) {
      return refused(
        user,
        Errors.DUPLICATE_RESOURCE,
        `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
      )
    }
    const credentialInfos = byUser.get(user)
    if (!credentialInfos) {
      return refused(
        user,
        Errors.RESOURCE_NOT_FOUND,
        `Attempt to describe a user credential that does not exist: ${user}`,
      )
    }
    return { user, errorCode: Errors.NONE, errorMessage: null, credentialInfos }
  })
  return { errorCode: Errors.NONE, errorMessage: '', results }
})

function refused(user: string, errorCode: number, errorMessage: string): Result {
  return { user, errorCode, errorMessage, credentialInfos: [] }
}
