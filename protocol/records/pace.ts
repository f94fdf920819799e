/** Long work in small pieces: whoever does it asks now and then whether to let others run. */
import { Errors, KafkaError } from '../errors.ts'
import { CompressionError, codecById } from './compression.ts'

export interface Pacing {
  /** Resolves when the work may go on. */
  pause(): Promise<void>
}

/** Bytes of work, in or out, between two pauses: about a millisecond. */
const pieceBytes = 128 * 1024

export class Pace {
  readonly #pacing: Pacing
  #leftBytes = pieceBytes

  constructor(pacing: Pacing) {
    this.#pacing = pacing
  }

  /** Counts work; true when it is time for a `pause`. */
  isDue(bytes: number): boolean {
    this.#leftBytes -= bytes
    return this.#leftBytes <= 0
  }

  pause(): Promise<void> {
    this.#leftBytes = pieceBytes
    return this.#pacing.pause()
  }
}

/** Inputs above this go off the event loop: it takes no more than some milliseconds to decompress what they can hold. */
const offLoopFromBytes = 4096

/** As `decompressAsync`, off the event loop much sooner. Throws KafkaError MESSAGE_TOO_LARGE beyond `maxOutput`. */
export async function unpack(codecId: number, bytes: Buffer, maxOutput: number): Promise<Buffer> {
  const codec = codecById(codecId)
  try {
    return bytes.length > offLoopFromBytes
      ? await codec.decompressAsync(bytes, maxOutput)
      : codec.decompress(bytes, maxOutput)
  } catch (error) {
    if (!(error instanceof CompressionError) || error.reason !== 'too-large') throw error
    throw new KafkaError(Errors.MESSAGE_TOO_LARGE, error.detail)
  }
}

/** As `compressAsync`, off the event loop much sooner. */
export async function pack(codecId: number, bytes: Buffer): Promise<Buffer> {
  const codec = codecById(codecId)
  return bytes.length > offLoopFromBytes ? codec.compressAsync(bytes) : codec.compress(bytes)
}
