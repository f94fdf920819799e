/**
 * RemoveRaftVoter, version 0.
 *
 * - A voter, named by id and directory, votes no more (KIP-853); brokers pass it on to the leader. A leader that removes
 *   itself steps down when that is committed.
 * - INCONSISTENT_CLUSTER_ID; NOT_LEADER_OR_FOLLOWER; UNSUPPORTED_VERSION while the voters are fixed by configuration;
 *   VOTER_NOT_FOUND; INVALID_REQUEST for the last one; REQUEST_TIMED_OUT while another change is under way, or before the
 *   leader has committed anything.
 */
import { removeRaftVoter } from '../../protocol/messages/81-remove-raft-voter.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  removeRaftVoter,
  '0',
  (request, context) => {
    context.release()
    return context.broker.quorum.requests.removeVoter(request)
  },
  { forward: {} },
)
