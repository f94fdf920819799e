/** How asking a cluster can fail, as whoever asked needs to know it. */
import { errorName } from '../../protocol/errors.ts'

/**
 * `connection`: nobody could be reached, nothing was done. `timeout`: no answer in time, it may have been done.
 * `not-found`: the thing asked about does not exist. `refused`: the cluster said no. `unsupported`: it does not know how.
 * `invalid`: what was asked makes no sense here. `interrupted`: whoever asked lost interest.
 */
export type ClientFailure =
  | 'connection'
  | 'timeout'
  | 'not-found'
  | 'refused'
  | 'unsupported'
  | 'invalid'
  | 'interrupted'

export interface ClientErrorDetails {
  /** The error code of the answer. */
  readonly code?: number
  /** What to do next, a sentence each. */
  readonly hints?: readonly string[]
}

export class ClientError extends Error {
  readonly failure: ClientFailure
  readonly code: number | null
  readonly hints: readonly string[]
  constructor(failure: ClientFailure, message: string, { code, hints = [] }: ClientErrorDetails = {}) {
    super(message)
    this.name = 'ClientError'
    this.failure = failure
    this.code = code ?? null
    this.hints = hints
  }
}

/** `UNKNOWN_TOPIC_OR_PARTITION`, `GROUP_ID_NOT_FOUND` and the like: the thing is not there. */
const absent: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'GROUP_ID_NOT_FOUND',
  'TRANSACTIONAL_ID_NOT_FOUND',
  'BROKER_ID_NOT_REGISTERED',
  'RESOURCE_NOT_FOUND',
])

/** An error code that a cluster answered, about `what` (a topic, a partition, a group ...). */
export function refusal(
  what: string,
  code: number,
  detail: string | null = null,
  hints?: readonly string[],
): ClientError {
  const name = errorName(code)
  const failure = absent.has(name) ? 'not-found' : name === 'UNSUPPORTED_VERSION' ? 'unsupported' : 'refused'
  const said = detail === null || detail === '' ? (explanations[name] ?? '') : detail
  return new ClientError(failure, `${what}: ${name}${said === '' ? '' : `: ${said}`}`, { code, hints })
}

/** What the codes mean that come without a message of their own. */
const explanations: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'there is no such topic or partition',
  GROUP_ID_NOT_FOUND: 'there is no such group',
  TRANSACTIONAL_ID_NOT_FOUND: 'there is no such transactional id',
  NON_EMPTY_GROUP: 'the group has members; stop its consumers first',
  UNKNOWN_MEMBER_ID: 'the group has members of its own; stop its consumers first',
  GROUP_SUBSCRIBED_TO_TOPIC: 'the group consumes this topic right now; stop its consumers first',
  OFFSET_OUT_OF_RANGE: 'the offset is outside of what the partition holds',
  MESSAGE_TOO_LARGE: 'larger than max.message.bytes of the topic allows',
  NOT_ENOUGH_REPLICAS: 'fewer replicas are in sync than min.insync.replicas asks for',
  NOT_LEADER_OR_FOLLOWER: 'its leader moved again and again',
  LEADER_NOT_AVAILABLE: 'it has no leader now',
  COORDINATOR_NOT_AVAILABLE: 'its coordinator is not available now',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'the message format of the topic is too old for producer ids: --no-idempotence',
  POLICY_VIOLATION: 'a policy of the cluster forbids it',
  ELECTION_NOT_NEEDED: 'the leader is already the one wanted',
  PREFERRED_LEADER_NOT_AVAILABLE: 'the preferred leader is not in sync',
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 'no replica could lead it',
  NO_REASSIGNMENT_IN_PROGRESS: 'nothing is being reassigned there',
  INVALID_REPLICA_ASSIGNMENT: 'the replicas named cannot be',
  TOPIC_DELETION_DISABLED: 'the cluster has delete.topic.enable=false',
  CLUSTER_AUTHORIZATION_FAILED: 'not allowed to do this in the cluster',
  TOPIC_AUTHORIZATION_FAILED: 'not allowed to do this with the topic',
  GROUP_AUTHORIZATION_FAILED: 'not allowed to do this with the group',
}
