/**
 * LeaveGroup, versions 0-5.
 *
 * - v0-2 one member, its error is the answer's. v3 many members, by member id or (for an administrator) by instance id
 *   alone, with an error for each (KIP-345). v5 a reason, for the log only.
 */
import { Errors } from '../../protocol/errors.ts'
import { leaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { defineHandler } from './define.ts'

const manyMembersFrom = 3

export const handler = defineHandler(
  leaveGroup,
  '0-5',
  async (request, { version, broker }) => {
    const { groupId, memberId } = request
    const members = version >= manyMembersFrom ? request.members : [{ memberId, groupInstanceId: null }]
    const reply = await broker.coordinators.ask({
      kind: 'leave',
      groupId,
      members: members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId })),
    })
    if (version >= manyMembersFrom) return { errorCode: reply.errorCode, members: reply.members }
    const memberError = reply.members.find(({ errorCode }) => errorCode !== Errors.NONE)?.errorCode
    return { errorCode: reply.errorCode === Errors.NONE ? (memberError ?? Errors.NONE) : reply.errorCode, members: [] }
  },
  { failed: (_request, { code: errorCode }) => ({ errorCode, members: [] }) },
)
