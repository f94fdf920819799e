/** The checks that every golden vector goes through. */
import { isDeepStrictEqual } from 'node:util'
import { codecOf, ParseError } from '../../protocol/index.ts'
import type { AnyMessage } from '../../protocol/schema.ts'
import {
  decodeWith,
  encodeWith,
  fromJson,
  isExact,
  type JsonObject,
  losslessCodec,
  makeExact,
  ordinary,
  type Vector,
  withDefaults,
} from './vectors.ts'

/**
 * Decodes and encodes one vector with the lossless codec, compares with its JSON, and does the same with the ordinary codec,
 * where values that the ordinary one must refuse are first made exact. Returns what is wrong, or null.
 */
export function checkVector(message: AnyMessage, version: number, vector: Vector, json: JsonObject): string | null {
  try {
    const lossless = losslessCodec(message, version)
    const given = fromJson(message.fields, json)
    const expected = withDefaults(message.fields, given)
    const decoded = decodeWith(lossless, vector.hex)
    if (!isDeepStrictEqual(decoded, expected)) throw new Error('decodes to something else')
    if (encodeWith(lossless, decoded) !== vector.hex) throw new Error('decoded value encodes to something else')
    if (encodeWith(lossless, given) !== vector.hex) throw new Error('JSON encodes to something else')
    if (!hasInexactDefault(message)) checkOrdinary(message, version, vector.hex, expected)
    return null
  } catch (error) {
    return `${vector.name} ${version} ${vector.variant} (${vector.source}): ${error}`
  }
}

/** Only messages of Kafka's own tests have defaults that a number cannot stand for. */
function hasInexactDefault(message: AnyMessage): boolean {
  return Object.values(message.fields).some(field => typeof field.options.default === 'bigint')
}

function checkOrdinary(message: AnyMessage, version: number, hex: string, expected: unknown): void {
  const codec = codecOf(message, version)
  let inexact = false
  ordinary(expected, value => {
    if (!isExact(value)) inexact = true
  })
  if (inexact) {
    try {
      decodeWith(codec, hex)
    } catch (error) {
      if (!(error instanceof ParseError)) throw error
      inexact = false
    }
    if (inexact) throw new Error('a rounded int64 was accepted')
  }
  const exact = encodeWith(losslessCodec(message, version), ordinary(expected, makeExact))
  const decoded = decodeWith(codec, exact)
  const numbers = ordinary(expected, value => Number(makeExact(value)))
  if (!isDeepStrictEqual(decoded, numbers)) throw new Error('ordinary codec decodes to something else')
  if (encodeWith(codec, decoded) !== exact) throw new Error('ordinary codec encodes to something else')
}
