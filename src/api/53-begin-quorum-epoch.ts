/**
 * BeginQuorumEpoch, versions 0-1.
 *
 * - On the listeners of controllers. A leader makes itself known to voters that have not fetched from it yet.
 * - INCONSISTENT_CLUSTER_ID for the whole; per partition FENCED_LEADER_EPOCH, INVALID_VOTER_KEY, INVALID_REQUEST. v1 directory
 *   ids and the endpoints of the leader.
 */
import { beginQuorumEpoch } from '../../protocol/messages/53-begin-quorum-epoch.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  beginQuorumEpoch,
  '0-1',
  (request, context) => context.broker.quorum.requests.beginQuorumEpoch(request),
  { listeners: ['controller'] },
)
