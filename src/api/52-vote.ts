/**
 * Vote, versions 0-2.
 *
 * - On the listeners of controllers. Granted at most once in an epoch, durably before the answer, and only to a log that is not
 *   behind this one. v1 directory ids and endpoints, v2 pre-votes (KIP-996), which promise nothing.
 * - INCONSISTENT_CLUSTER_ID for the whole; per partition FENCED_LEADER_EPOCH, INVALID_VOTER_KEY, INVALID_REQUEST.
 * - Every answer tells the leader that this node knows of, and where it is.
 */
import { vote } from '../../protocol/messages/52-vote.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(vote, '0-2', (request, context) => context.broker.quorum.requests.vote(request), {
  listeners: ['controller'],
})
