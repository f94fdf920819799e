/**
 * Encoding and decoding. For each version of each message the table is turned into JavaScript source, specialised to that
 * version, on first use: about thirty times as fast as walking the table.
 */
import { generateRead } from './generate-read.ts'
import { generateWrite } from './generate-write.ts'
import { planTable } from './plan.ts'
import { messageElementsMax, Reader, requestElementsMax } from './reader.ts'
import type {
  AnyApi,
  AnyMessage,
  Codec,
  DecodedResponseOf,
  MessageInputOf,
  MessageOf,
  RequestInputOf,
  RequestOf,
  ResponseOf,
} from './schema.ts'
import { inRange } from './schema.ts'
import { zeroUuid } from './uuid.ts'
import { Writer } from './writer.ts'

const empty = Buffer.alloc(0)

/**
 * Compiles one version of one message.
 * In `lossless` mode int64 is a bigint and unknown tagged fields are kept, as `_unknownTaggedFields: { tag, data }[]` in
 * their structure: for tools that must not lose anything of what they pass on.
 */
export function compile(message: AnyMessage, version: number, mode = { lossless: false }): Codec {
  const flexible = inRange(message.flexible, version)
  const { root, list } = planTable(message.fields, version, flexible)
  const source = `'use strict'
${generateRead(list, mode)}
${generateWrite(list, mode)}
return { read: read${root.id}, write: write${root.id} }`
  return evaluate(source)
}

/** The one place where text becomes code. The text is made of our own tables and numbers, never of input. */
function evaluate(source: string): Codec {
  const make = new Function('empty', 'zeroUuid', source)
  const codec: Codec = make(empty, zeroUuid)
  return codec
}

/** The compiled functions, made on first use. A RangeError says that the table does not have the version. */
export function codecOf(message: AnyMessage, version: number): Codec {
  const known = message.codecs[version]
  if (known !== undefined) return known
  if (!inRange(message.versions, version)) throw new RangeError(`${message.name} has no version ${version}`)
  const codec = compile(message, version)
  message.codecs[version] = codec
  return codec
}

/** Reads the body of a request. Bytes behind it are ignored, as Kafka does. Throws ParseError. */
export function decodeRequest<A extends AnyApi>(api: A, version: number, frame: Buffer, bodyOffset = 0): RequestOf<A> {
  return codecOf(api.request, version).read(new Reader(frame, bodyOffset, requestElementsMax)) as RequestOf<A>
}

/** Reads the body of a response. Throws ParseError. */
export function decodeResponse<A extends AnyApi>(
  api: A,
  version: number,
  frame: Buffer,
  bodyOffset = 0,
): DecodedResponseOf<A> {
  return codecOf(api.response, version).read(new Reader(frame, bodyOffset, messageElementsMax)) as DecodedResponseOf<A>
}

/** The body of a request, without size and header. */
export function encodeRequest<A extends AnyApi>(api: A, version: number, request: RequestInputOf<A>): Buffer[] {
  const writer = new Writer()
  codecOf(api.request, version).write(writer, request)
  return writer.finish()
}

/** The body of a response, without size and header. */
export function encodeResponse<A extends AnyApi>(api: A, version: number, response: ResponseOf<A>): Buffer[] {
  const writer = new Writer()
  codecOf(api.response, version).write(writer, response)
  return writer.finish()
}

/** Reads a stored record without its framing. Throws ParseError. */
export function decodeMessage<M extends AnyMessage>(
  message: M,
  version: number,
  buffer: Buffer,
  offset = 0,
): MessageOf<M> {
  return codecOf(message, version).read(new Reader(buffer, offset, messageElementsMax)) as MessageOf<M>
}

/** A stored record without its framing, in one piece. */
export function encodeMessage<M extends AnyMessage>(message: M, version: number, value: MessageInputOf<M>): Buffer {
  const writer = new Writer()
  codecOf(message, version).write(writer, value)
  return inOnePiece(writer.finish())
}

/** Copies chunks into memory of their own: what is kept for long must not hold a slab that many others share. */
export function inOnePiece(chunks: readonly Buffer[]): Buffer {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const whole = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const chunk of chunks) at += chunk.copy(whole, at)
  return whole
}
