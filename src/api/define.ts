/** How an API is served: its table, the versions advertised, and the function that answers. */
import { Errors, type KafkaError } from '../../protocol/errors.ts'
import {
  type AnyApi,
  type DecodedResponseOf,
  type Field,
  inRange,
  type ListenerKind,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { assert } from '../lib/assert.ts'
import type { RequestContext } from './request.ts'

/**
 * Answers one request. Null is no answer at all (Produce with acks=0). Throws KafkaError for a failure of the whole
 * request, and CloseConnection where Kafka closes without an answer.
 */
export type Handle<A extends AnyApi> = (
  request: RequestOf<A>,
  context: RequestContext,
) => ResponseOf<A> | null | Promise<ResponseOf<A> | null>

export interface HandlerOptions<A extends AnyApi> {
  /**
   * The answer to a request that failed as a whole, where a top-level `errorCode` alone is not it. Null closes the
   * connection.
   */
  failed?: (request: RequestOf<A>, error: KafkaError, context: RequestContext) => ResponseOf<A> | null
  /** On which kinds of listener it is served; that of clients and brokers if not given, both when it is forwarded. */
  listeners?: readonly ListenerKind[]
  /** Only the active controller can serve it: any other broker passes it on. */
  forward?: ForwardOptions<A>
}

/** Of an API that only the active controller can serve. */
export interface ForwardOptions<A extends AnyApi> {
  /**
   * Whether this broker's own metadata shows what the answer tells: it is waited for, so that a client finds at this broker
   * what it was just told of. Without it nothing is waited for.
   */
  shown?: (request: RequestOf<A>, response: DecodedResponseOf<A>, context: RequestContext) => boolean
}

export interface Handler<A extends AnyApi = AnyApi> {
  readonly api: A
  /** Versions that are served, as ApiVersions tells them. */
  readonly minVersion: number
  readonly maxVersion: number
  readonly listeners: readonly ListenerKind[]
  /** Null: served wherever it arrives. */
  readonly forward: {
    shown?(request: RequestOf<A>, response: DecodedResponseOf<A>, context: RequestContext): boolean
  } | null
  handle(request: RequestOf<A>, context: RequestContext): ResponseOf<A> | null | Promise<ResponseOf<A> | null>
  /** Null, which closes the connection, when this version has no room for an error of the whole request. */
  failed(request: RequestOf<A>, error: KafkaError, context: RequestContext): ResponseOf<A> | null
}

/** `versions` is what ApiVersions advertises, such as '0-13'. */
export function defineHandler<A extends AnyApi>(
  api: A,
  versions: string,
  handle: Handle<A>,
  options: HandlerOptions<A> = {},
): Handler<A> {
  const [minVersion, maxVersion = minVersion] = versions.split('-').map(Number)
  assert(minVersion >= api.versions.low && maxVersion <= api.versions.high, `${api.name} has no versions ${versions}`)
  return {
    api,
    minVersion,
    maxVersion,
    listeners: options.listeners ?? (options.forward ? ['broker', 'controller'] : ['broker']),
    forward: options.forward ?? null,
    handle,
    failed: options.failed ?? ((_request, error, context) => topLevelFailure(api, context.version, error)),
  }
}

/** A response with nothing in it but the error; null when the table has no top-level error code in this version. */
export function topLevelFailure<A extends AnyApi>(api: A, version: number, error: KafkaError): ResponseOf<A> | null {
  const fields = api.response.fields
  if (fields.errorCode === undefined || !inRange(fields.errorCode.versions, version)) return null
  const response: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    if (field.options.default === undefined && field.tag < 0) response[name] = emptyValue(field)
  }
  response.errorCode = error.code
  if (fields.errorMessage !== undefined && error.code !== Errors.NONE) response.errorMessage = error.detail
  return response as ResponseOf<A>
}

function emptyValue(field: Field<unknown, unknown, boolean>): unknown {
  if (field.nullable.high >= field.nullable.low) return null
  switch (field.kind) {
    case 'array':
      return []
    case 'struct':
      return Object.fromEntries(Object.entries(field.fields ?? {}).map(([name, inner]) => [name, emptyValue(inner)]))
    case 'string':
      return ''
    case 'bool':
      return false
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'uuid':
      return zeroUuid
    default:
      return 0
  }
}
