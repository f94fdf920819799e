/**
 * DeleteGroups, versions 0-2.
 *
 * - Deletes groups without members, and their offsets; NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND for each.
 */
import { deleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  deleteGroups,
  '0-2',
  async (request, { broker }) => ({
    results: await broker.coordinators.deleteGroups([...new Set(request.groupsNames)]),
  }),
  {
    failed: (request, { code: errorCode }) => ({
      results: [...new Set(request.groupsNames)].map(groupId => ({ groupId, errorCode })),
    }),
  },
)
