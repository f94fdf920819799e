/**
 * Answers a request with an error, where its version has room for one.
 *
 * What the rule does not name is served by the broker: its part of the answer is joined with the one that failed. A Fetch is
 * always served by the broker too, without waiting, so that its session goes on; then the errors take their places.
 */
import { type ErrorName, Errors, KafkaError } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import type { Answer } from '../network/connection.ts'
import type { ApiName } from './bodies.ts'
import {
  type Body,
  blank,
  errorPlace,
  failing,
  type IsMeant,
  merged,
  requestWithout,
  responseWithout,
  withErrors,
} from './parts.ts'
import type { Visit } from './visit.ts'
import type { Filter } from './where.ts'

/** Those that a Fetch answers as a whole: they are about its session. */
const fetchSessionErrors: readonly string[] = [
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
  'INVALID_REQUEST',
]

/** Fetch sessions came with it, and an error of the whole answer. */
const firstFetchVersionWithSessions = 7

export interface Refusal {
  readonly error: ErrorName
  readonly message: string | null
}

/** `real` is the broker's answer when the hook acts after it, null when that is none. */
export async function fail(
  visit: Visit,
  filter: Filter<ApiName>,
  { error, message }: Refusal,
  real?: Answer,
): Promise<Answer> {
  if (real === null) return null
  const { api, entry } = visit
  const failure = { code: Errors[error], message }
  const everything: IsMeant = () => true
  if (api === fetch && (filter.hasParts || !fetchSessionErrors.includes(error))) {
    return failFetch(visit, filter.hasParts ? filter.isMeant : everything, failure, real)
  }
  if (!filter.hasParts || errorPlace(api, entry.version) === null) {
    return visit.seat.service.refuse(entry.bytesOfRequest(), visit.peer, new KafkaError(failure.code, message))
  }
  const { isMeant } = filter
  // Metadata names topics and tells of their partitions.
  const isFiner = filter.where.partition !== undefined && entry.partitions.every(({ partition }) => partition < 0)
  const { version, request } = entry
  if (isFiner && errorPlace(api, version) === 'partition') {
    const whole = visit.decoded(real ?? (await visit.pass()))
    return whole && visit.encoded(withErrors(api, version, whole, isMeant, failure, entry.nameOf))
  }
  const failed = failing(api, version, request, isMeant, failure, entry.nameOf)
  if (failed === null) {
    return visit.seat.service.refuse(entry.bytesOfRequest(), visit.peer, new KafkaError(failure.code, message))
  }
  const rest = real === undefined ? await servedRest(visit, isMeant) : visit.decoded(real)
  if (rest === null) return visit.encoded(failed)
  const kept = responseWithout(api, version, rest, isMeant, entry.nameOf)
  return visit.encoded(merged(api.response.fields, kept, failed))
}

async function servedRest(visit: Visit, isMeant: IsMeant): Promise<Body | null> {
  const { api, entry } = visit
  const rest = requestWithout(api, entry.version, entry.request, isMeant, entry.nameOf)
  return rest && visit.passInstead(rest)
}

async function failFetch(
  visit: Visit,
  isMeant: IsMeant,
  failure: { code: number; message: string | null },
  real: Answer | undefined,
): Promise<Answer> {
  const { api, entry } = visit
  const { version, request } = entry
  const served = real === undefined ? await visit.passInstead({ ...request, maxWaitMs: 0 }) : visit.decoded(real)
  if (served === null) return null
  if (served.errorCode !== Errors.NONE && version >= firstFetchVersionWithSessions) return visit.encoded(served)
  const failed = failing(api, version, { topics: entry.fetched() }, isMeant, failure, entry.nameOf)
  const kept = responseWithout(api, version, served, isMeant, entry.nameOf)
  return visit.encoded(merged(api.response.fields, kept, failed ?? blank(api.response.fields, version, {})))
}
