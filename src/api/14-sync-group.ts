/**
 * SyncGroup, versions 0-5.
 *
 * - The leader brings everyone's assignment, the others wait for theirs. v3 static members (KIP-345). v5 protocol type
 *   and name must be those of the group (INCONSISTENT_GROUP_PROTOCOL).
 */
import { syncGroup } from '../../protocol/messages/14-sync-group.ts'
import { copyOf } from '../lib/copy.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  syncGroup,
  '0-5',
  async (request, { broker }) => {
    const assignments = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: copyOf(assignment),
    }))
    const reply = await broker.coordinators.ask({ kind: 'sync', ...request, assignments })
    return { ...reply }
  },
  { failed: (_request, { code: errorCode }) => ({ errorCode, assignment: Buffer.alloc(0) }) },
)
