/**
 * Heartbeat, versions 0-4.
 *
 * - Keeps a member's session alive; REBALANCE_IN_PROGRESS asks it to join again. v3 static members (KIP-345).
 */
import { heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(heartbeat, '0-4', async (request, { broker }) => {
  const { errorCode } = await broker.coordinators.ask({ kind: 'heartbeat', ...request })
  return { errorCode }
})
