/** What a compression codec offers, and how all of them fail. */
import { Errors, KafkaError } from '../../errors.ts'

/** One compression format. Every `decompress` stops with CompressionError before it holds more than `maxOutput` bytes. */
export interface Codec {
  /** The number in the batch attributes. */
  readonly id: number
  /** Kafka's name in `compression.type`. */
  readonly name: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** Levels are the codec's own; undefined is its default, and those without levels ignore it. */
  compress(bytes: Buffer, level?: number): Buffer
  decompress(bytes: Buffer, maxOutput: number): Buffer
  /** As `compress`, off the event loop where the library can. */
  compressAsync(bytes: Buffer, level?: number): Promise<Buffer>
  /** As `decompress`, off the event loop where the library can. */
  decompressAsync(bytes: Buffer, maxOutput: number): Promise<Buffer>
}

/**
 * `corrupt`: not that format, or cut off; `too-large`: would come to more than the output limit; `unknown-codec`: an id
 * that means nothing; `unavailable`: the codec is not loaded yet (see `compressionReady`).
 */
export type CompressionFailure = 'corrupt' | 'too-large' | 'unknown-codec' | 'unavailable'

/** Bytes that cannot be (de)compressed. Its code is INVALID_RECORD, as records are what they usually hold. */
export class CompressionError extends KafkaError {
  readonly reason: CompressionFailure
  constructor(reason: CompressionFailure, detail: string) {
    super(Errors.INVALID_RECORD, detail)
    this.name = 'CompressionError'
    this.reason = reason
  }
}

export function corrupt(codec: string, detail: string): CompressionError {
  return new CompressionError('corrupt', `${codec}: ${detail}`)
}

export function tooLarge(codec: string, maxOutput: number): CompressionError {
  return new CompressionError('too-large', `${codec}: decompresses to more than ${maxOutput} bytes`)
}

/** What a library threw, as CompressionError. */
export function failure(codec: string, error: unknown): CompressionError {
  if (error instanceof CompressionError) return error
  return corrupt(codec, error instanceof Error ? error.message : String(error))
}
