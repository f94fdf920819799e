/** Request and response headers (KIP-482), and whole frames. */
import { apiByKey, requestHeaderVersion, responseHeaderVersion } from './apis.ts'
import { codecOf } from './compile.ts'
import { Reader } from './reader.ts'
import type { AnyApi, RequestInputOf, ResponseOf } from './schema.ts'
import { int16, int32, message, string } from './schema.ts'
import { Writer } from './writer.ts'

/** The table of request headers. The client id keeps the old form of its length even in the flexible version 2. */
export const requestHeader = message(
  'RequestHeader',
  '0-2',
  { flexible: '2+' },
  {
    requestApiKey: int16('0+'),
    requestApiVersion: int16('0+'),
    correlationId: int32('0+'),
    clientId: string('1+', { nullable: '1+', flexible: 'none' }),
  },
)

export const responseHeader = message('ResponseHeader', '0-1', { flexible: '1+' }, { correlationId: int32('0+') })

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** Null where the client sent none. */
  readonly clientId: string | null
  /** Where the body begins in the frame. */
  readonly bodyOffset: number
}

/**
 * Reads the header of a frame (without its size). Of an API key or version that the tables do not know, the header's form is
 * not known either: it is read as version 1, which the beginning of version 2 is too, and the body offset means nothing.
 * Throws ParseError.
 */
export function decodeRequestHeader(frame: Buffer): RequestHeader {
  const reader = new Reader(frame)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const api = apiByKey(apiKey)
  const headerVersion = api === undefined ? 1 : requestHeaderVersion(api, apiVersion)
  const clientId = headerVersion === 0 ? null : reader.stringOrNull()
  if (headerVersion === 2) reader.skipTags()
  return { apiKey, apiVersion, correlationId, clientId, bodyOffset: reader.pos }
}

/** Reads the header of a response frame (without its size). Throws ParseError. */
export function decodeResponseHeader(
  api: AnyApi,
  version: number,
  frame: Buffer,
): { correlationId: number; bodyOffset: number } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (responseHeaderVersion(api, version) === 1) reader.skipTags()
  return { correlationId, bodyOffset: reader.pos }
}

/** A whole request: size, header, body. */
export function encodeRequestFrame<A extends AnyApi>(
  api: A,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: RequestInputOf<A>,
): Buffer[] {
  const writer = new Writer()
  const size = writer.take(4)
  const { view } = writer
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  const headerVersion = requestHeaderVersion(api, version)
  if (headerVersion > 0) writer.stringOrNull(clientId)
  if (headerVersion > 1) writer.uvarint(0)
  codecOf(api.request, version).write(writer, request)
  view.setInt32(size, writer.length - 4)
  return writer.finish()
}

/** A whole response: size, header, body. */
export function encodeResponseFrame<A extends AnyApi>(
  api: A,
  version: number,
  correlationId: number,
  response: ResponseOf<A>,
): Buffer[] {
  const writer = new Writer()
  const size = writer.take(4)
  const { view } = writer
  writer.int32(correlationId)
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0)
  codecOf(api.response, version).write(writer, response)
  view.setInt32(size, writer.length - 4)
  return writer.finish()
}
