/**
 * JoinGroup, versions 0-9.
 *
 * - Answered when the rebalance that the join takes part in is complete: by the last member's join, or by a timer.
 * - v0 has one timeout for session and rebalance. v4 a new dynamic member is told its id first (MEMBER_ID_REQUIRED,
 *   KIP-394). v5 static members (KIP-345). v7 the answer names the protocol type. v8 a reason, for the log only.
 * - v9 a static leader that was replaced is told to skip the assignment (KIP-814).
 */
import { joinGroup } from '../../protocol/messages/11-join-group.ts'
import { copyOf } from '../lib/copy.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  joinGroup,
  '0-9',
  async (request, { version, clientId, peer, broker }) => {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = request
    const reply = await broker.coordinators.ask({
      kind: 'join',
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      clientId,
      // As Java prints an address without a name.
      clientHost: `/${peer.remoteAddress}`,
      sessionTimeoutMs,
      rebalanceTimeoutMs: version === 0 || rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: copyOf(metadata) })),
      memberIdRequired: version >= 4,
      canSkipAssignment: version >= 9,
    })
    return { ...reply }
  },
  {
    failed: ({ memberId }, { code: errorCode }) => ({
      errorCode,
      protocolName: null,
      leader: '',
      memberId,
      members: [],
    }),
  },
)
