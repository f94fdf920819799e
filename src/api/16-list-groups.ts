/**
 * ListGroups, versions 0-5.
 *
 * - The groups that this broker coordinates; COORDINATOR_LOAD_IN_PROGRESS while some of them are being loaded.
 * - v4 filters by state and tells it; v5 filters by type and tells it. Names of states and types in any case.
 */
import { listGroups } from '../../protocol/messages/16-list-groups.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  listGroups,
  '0-5',
  async (request, { broker }) => {
    const { errorCode, groups } = await broker.coordinators.list({
      kind: 'list',
      states: lowerCased(request.statesFilter),
      types: lowerCased(request.typesFilter),
    })
    return { errorCode, groups }
  },
  { failed: (_request, { code: errorCode }) => ({ errorCode, groups: [] }) },
)

function lowerCased(names: readonly string[]): Set<string> {
  return new Set(names.map(name => name.toLowerCase()))
}
