/**
 * ConsumerGroupHeartbeat, versions 0-1 (KIP-848).
 *
 * - Joins (epoch 0), stays, leaves (-1, static members -2), and is told what to own. The coordinator assigns: `uniform`
 *   or `range`. A partition changes hands only when its owner has given it up.
 * - v1 the client chooses its member id; subscriptions by pattern in RE2's syntax, resolved here.
 * - UNSUPPORTED_VERSION while `group.version` is 0, or `group.coordinator.rebalance.protocols` lacks `consumer`.
 */
import { consumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { defineHandler } from './define.ts'

const ownMemberIdFrom = 1

export const handler = defineHandler(
  consumerGroupHeartbeat,
  '0-1',
  async (request, { version, clientId, peer, broker }) => {
    const reply = await broker.coordinators.ask({
      kind: 'consumerHeartbeat',
      ...request,
      clientId,
      // As Java prints an address without a name.
      clientHost: `/${peer.remoteAddress}`,
      memberIdRequired: version >= ownMemberIdFrom,
    })
    const { assignment } = reply
    return {
      errorCode: reply.errorCode,
      errorMessage: reply.errorMessage,
      memberId: reply.memberId,
      memberEpoch: reply.memberEpoch,
      heartbeatIntervalMs: reply.heartbeatIntervalMs,
      assignment: assignment && { topicPartitions: [...assignment.topicPartitions] },
    }
  },
  {
    failed: (_request, { code: errorCode, detail: errorMessage }) => ({
      errorCode,
      errorMessage,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    }),
  },
)
