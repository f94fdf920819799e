/**
 * AddRaftVoter, versions 0-1.
 *
 * - A node that already follows the metadata log becomes a voter (KIP-853); brokers pass it on to the leader.
 * - INCONSISTENT_CLUSTER_ID; NOT_LEADER_OR_FOLLOWER; INVALID_REQUEST without an address on the controllers' listener, or
 *   when the node cannot follow the kraft.version; UNSUPPORTED_VERSION while the voters are fixed by configuration;
 *   DUPLICATE_VOTER for an id or an address that votes already; REQUEST_TIMED_OUT while another change is under way, before
 *   the leader has committed anything, or when the node lags behind or does not answer.
 * - Answered when the change is committed; v1 on request as soon as it is written.
 */
import { addRaftVoter } from '../../protocol/messages/80-add-raft-voter.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  addRaftVoter,
  '0-1',
  (request, context) => {
    // It may take as long as the node takes: what else comes by this connection need not wait.
    context.release()
    return context.broker.quorum.requests.addVoter(request)
  },
  { forward: {} },
)
