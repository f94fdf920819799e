/**
 * EndQuorumEpoch, versions 0-1.
 *
 * - On the listeners of controllers. A leader that stops names who should follow it, in order; they stand for election at once,
 *   or a little later each.
 * - INCONSISTENT_CLUSTER_ID for the whole; per partition FENCED_LEADER_EPOCH, INVALID_REQUEST. v1 directory ids and endpoints.
 */
import { endQuorumEpoch } from '../../protocol/messages/54-end-quorum-epoch.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  endQuorumEpoch,
  '0-1',
  (request, context) => context.broker.quorum.requests.endQuorumEpoch(request),
  { listeners: ['controller'] },
)
