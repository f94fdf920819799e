/**
 * DescribeGroups, versions 0-6.
 *
 * - Metadata and assignments only of stable groups: before that the members belong to different generations.
 * - v3 authorized operations: without an authorizer everything is allowed. v4 instance ids.
 * - v6 an unknown group, or one of another kind, is GROUP_ID_NOT_FOUND with a message; before, it is in state Dead without
 *   an error.
 */
import { Errors } from '../../protocol/errors.ts'
import { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { allOperations, operationsNotAsked } from './authorized-operations.ts'
import { defineHandler } from './define.ts'

const notFoundFrom = 6

export const handler = defineHandler(
  describeGroups,
  '0-6',
  async (request, { version, broker }) => {
    const groups = await broker.coordinators.describe(request.groups)
    return {
      groups: groups.map(group => {
        if (group.errorCode !== Errors.GROUP_ID_NOT_FOUND) return { ...group, ...operations(request, group.errorCode) }
        if (version < notFoundFrom) return { ...group, errorCode: Errors.NONE, ...operations(request, Errors.NONE) }
        return group
      }),
    }
  },
  {
    failed: (request, { code: errorCode, detail: errorMessage }) => ({
      groups: request.groups.map(groupId => ({
        errorCode,
        errorMessage,
        groupId,
        groupState: '',
        protocolType: '',
        protocolData: '',
        members: [],
      })),
    }),
  },
)

function operations(request: RequestOf<typeof describeGroups>, errorCode: number) {
  const told = request.includeAuthorizedOperations && errorCode === Errors.NONE
  return { authorizedOperations: told ? allOperations.group : operationsNotAsked }
}
