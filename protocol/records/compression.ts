/**
 * The compression codecs of record batches, keyed by the id in the batch attributes. All decompression is bounded: a
 * bomb or a lying header fails with CompressionError before the memory is taken.
 */
import { type Codec, CompressionError } from './codecs/codec.ts'
import { gzipCodec } from './codecs/gzip.ts'
import { lz4Codec } from './codecs/lz4.ts'
import { snappyCodec } from './codecs/snappy.ts'
import { zstdCodec, zstdReady } from './codecs/zstd.ts'

export { type Codec, CompressionError, type CompressionFailure } from './codecs/codec.ts'

/** Output limit of those who state none: more than any sensible batch, less than what hurts. */
export const maxOutputBytes = 256 * 1024 * 1024

/** Inputs above this go off the event loop in the async versions; below, the detour costs more than the work. */
export const asyncFromBytes = 1024 * 1024

const noneCodec: Codec = {
  id: 0,
  name: 'none',
  compress: bytes => bytes,
  compressAsync: async bytes => bytes,
  decompress: limited,
  decompressAsync: async (bytes, maxOutput) => limited(bytes, maxOutput),
}

function limited(bytes: Buffer, maxOutput: number): Buffer {
  if (bytes.length > maxOutput) throw new CompressionError('too-large', `more than ${maxOutput} bytes`)
  return bytes
}

/** By id: none, gzip, snappy, lz4, zstd. */
export const codecs: readonly Codec[] = [noneCodec, gzipCodec, snappyCodec, lz4Codec, zstdCodec]

export type CodecName = Codec['name']

/** Resolves once every codec can be used by the sync functions (zstd is loaded at start on older versions of Node). */
export const compressionReady: Promise<void> = zstdReady

/** Throws CompressionError `unknown-codec`. */
export function codecById(id: number): Codec {
  const codec = codecs[id]
  if (!codec) throw new CompressionError('unknown-codec', `compression codec ${id}`)
  return codec
}

export function codecByName(name: CodecName): Codec {
  const codec = codecs.find(one => one.name === name)
  if (!codec) throw new CompressionError('unknown-codec', `compression codec ${name}`)
  return codec
}

export interface OutputLimit {
  /** Bytes; `maxOutputBytes` unless given. */
  readonly maxOutput?: number
}

/** The decompressed bytes (the same buffer for codec 0). Throws CompressionError. */
export function decompress(id: number, bytes: Buffer, limit: OutputLimit = {}): Buffer {
  return codecById(id).decompress(bytes, limit.maxOutput ?? maxOutputBytes)
}

/** As `decompress`; inputs above `asyncFromBytes` off the event loop, where the codec can. */
export async function decompressAsync(id: number, bytes: Buffer, limit: OutputLimit = {}): Promise<Buffer> {
  const codec = codecById(id)
  if (codec === zstdCodec) await zstdReady
  const maxOutput = limit.maxOutput ?? maxOutputBytes
  return bytes.length > asyncFromBytes ? codec.decompressAsync(bytes, maxOutput) : codec.decompress(bytes, maxOutput)
}

/** The compressed bytes (the same buffer for codec 0). `level` is the codec's own, its default unless given. */
export function compress(id: number, bytes: Buffer, level?: number): Buffer {
  return codecById(id).compress(bytes, level)
}

/** As `compress`; inputs above `asyncFromBytes` off the event loop, where the codec can. */
export async function compressAsync(id: number, bytes: Buffer, level?: number): Promise<Buffer> {
  const codec = codecById(id)
  if (codec === zstdCodec) await zstdReady
  return bytes.length > asyncFromBytes ? codec.compressAsync(bytes, level) : codec.compress(bytes, level)
}
