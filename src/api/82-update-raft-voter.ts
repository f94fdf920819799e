/**
 * UpdateRaftVoter, version 0.
 *
 * - A voter tells the leader where it listens and which levels of kraft.version it can follow (KIP-853). While the voters
 *   are fixed by configuration that is only remembered, for when they move into the log.
 * - FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER, each with the leader; INCONSISTENT_CLUSTER_ID;
 *   INVALID_REQUEST without an address on the controllers' listener, or when it cannot follow the kraft.version;
 *   VOTER_NOT_FOUND; REQUEST_TIMED_OUT while another change is under way.
 */
import { updateRaftVoter } from '../../protocol/messages/82-update-raft-voter.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  updateRaftVoter,
  '0',
  (request, context) => {
    context.release()
    return context.broker.quorum.requests.updateVoter(request)
  },
  { listeners: ['controller'] },
)
