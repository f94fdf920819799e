/** Hostile bytes for the decoders of messages: whatever comes in, a decoder returns a bounded value or throws ParseError. */
import { allApis, codecOf, ParseError, Reader } from '../../protocol/index.ts'
import type { Codec } from '../../protocol/schema.ts'
import { decodeWith, encodeWith, losslessCodec, makeExact, ordinary, readVectors } from '../protocol/vectors.ts'
import type { SeededRandom } from './random.ts'

export interface Sample {
  readonly name: string
  readonly codec: Codec
  readonly bytes: Buffer
}

/** One valid encoding, with every field set, of each request and response in each version. */
export function messageSamples(variants: readonly string[] = ['filled']): Sample[] {
  const samples: Sample[] = []
  for (const kind of ['requests', 'responses'] as const) {
    for (const vector of readVectors(kind)) {
      if (!variants.includes(vector.variant)) continue
      const api = allApis[vector.api ?? -1]
      const message = kind === 'requests' ? api.request : api.response
      const lossless = losslessCodec(message, vector.version)
      const hex = encodeWith(lossless, ordinary(decodeWith(lossless, vector.hex), makeExact))
      const name = `${vector.name} ${vector.version} ${vector.variant}`
      samples.push({ name, codec: codecOf(message, vector.version), bytes: Buffer.from(hex, 'hex') })
    }
  }
  return samples
}

/** Array elements, strings and views in a value. */
export function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + 1 + sizeOf(each), 0)
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return 0
  return Object.values(value).reduce<number>((sum, each) => sum + sizeOf(each), 0)
}

/** Decodes hostile bytes. Returns whether they were refused; throws for any other end than a bounded value or ParseError. */
export function decodeHostile(codec: Codec, bytes: Buffer): boolean {
  let value: unknown
  try {
    value = codec.read(new Reader(bytes, 0, 1_000_000))
  } catch (error) {
    if (error instanceof ParseError) return true
    throw error
  }
  // Every element took a byte at least, so a value of more elements came out of nothing.
  const size = sizeOf(value)
  if (size > bytes.length) throw new Error(`${size} array elements out of ${bytes.length} bytes`)
  return false
}

/** Lengths and counts as liars write them: ends of int16 and int32, -1, varints at their limits. */
const lies = [
  '7fffffff',
  'ffffffff',
  '80000000',
  '7fff',
  'ffff',
  'ffffffff0f',
  'ffffffffff',
  '00',
  'ff',
  '80',
  '000f4240',
].map(hex => Buffer.from(hex, 'hex'))

/** Changes some bytes: flips bits, writes lies, cuts, repeats. */
export function mutate(bytes: Buffer, random: SeededRandom): Buffer {
  let result = Buffer.from(bytes)
  for (let changes = 1 + random.below(4); changes > 0 && result.length > 0; changes--) {
    const at = random.below(result.length)
    switch (random.below(5)) {
      case 0:
        result[at] ^= 1 << random.below(8)
        break
      case 1:
        random.pick(lies).copy(result, at)
        break
      case 2:
        result = result.subarray(0, at)
        break
      case 3:
        result = Buffer.concat([result.subarray(0, at), random.pick(lies), result.subarray(at)])
        break
      default: {
        const from = random.below(result.length)
        result = Buffer.concat([
          result.subarray(0, at),
          result.subarray(from, from + random.below(64)),
          result.subarray(at),
        ])
      }
    }
  }
  return result
}

/** Writes every lie at every place of a sample. */
export function* lyingCopies(bytes: Buffer, step = 1): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) {
    for (const lie of lies) {
      const copy = Buffer.from(bytes)
      lie.copy(copy, at)
      yield copy
    }
  }
}

export function describeFailure(sample: Sample, bytes: Buffer, error: unknown): string {
  return `${sample.name}: ${error}\nbytes: ${bytes.toString('hex')}`
}

/** One random attack; throws with the bytes in the message. */
export function attackMessages(samples: readonly Sample[], random: SeededRandom): void {
  const sample = random.pick(samples)
  const bytes = mutate(sample.bytes, random)
  try {
    decodeHostile(sample.codec, bytes)
  } catch (error) {
    throw new Error(describeFailure(sample, bytes, error))
  }
}
