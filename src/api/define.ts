/** How an API is served: its table, the versions advertised, and the function that answers. */
import type { Api, RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { RequestContext } from './request.ts'

/**
 * Answers one request. Null is no answer at all (Produce with acks=0). Throws KafkaError for a failure of the whole
 * request, and CloseConnection where Kafka closes without an answer.
 */
export type Handle<A extends Api> = (
  request: RequestOf<A>,
  context: RequestContext,
) => ResponseOf<A> | null | Promise<ResponseOf<A> | null>

export interface HandlerOptions<A extends Api> {
  /** The answer to a request that failed as a whole, where a top-level `errorCode` alone is not it. */
  failed?: (request: RequestOf<A>, error: KafkaError, context: RequestContext) => ResponseOf<A>
}

export interface Handler<A extends Api = Api> {
  readonly api: A
  /** Versions that ApiVersions tells. Those in the table's legacy range are advertised but refused, as Kafka does. */
  readonly minVersion: number
  readonly maxVersion: number
  /** The lowest version that is really served. */
  readonly minServed: number
  handle(request: RequestOf<A>, context: RequestContext): ResponseOf<A> | null | Promise<ResponseOf<A> | null>
  failed(request: RequestOf<A>, error: KafkaError, context: RequestContext): ResponseOf<A>
}

/** `versions` is what ApiVersions advertises, such as '0-13'. */
export function defineHandler<A extends Api>(
  api: A,
  versions: string,
  handle: Handle<A>,
  options: HandlerOptions<A> = {},
): Handler<A> {
  const [minVersion, maxVersion = minVersion] = versions.split('-').map(Number)
  return {
    api,
    minVersion,
    maxVersion,
    minServed: minVersion,
    handle,
    failed: options.failed ?? ((_request, error) => topLevelError(error) as ResponseOf<A>),
  }
}

function topLevelError(error: KafkaError): { errorCode: number; errorMessage: string | null } {
  return { errorCode: error.code, errorMessage: error.detail }
}
