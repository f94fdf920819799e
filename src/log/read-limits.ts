/** Which of the bytes that were read from a segment a reader gets: whole batches, from its offset on, within its limits. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { baseOffset, batchBytes, batchHeaderBytes, checkBatchShape, lastOffset } from '../../protocol/records/batch.ts'

/** Position in `buffer` of the first batch that ends at or after `offset`, or of the first incomplete one. */
export function skipTo(buffer: Buffer, offset: number): number {
  let at = 0
  while (buffer.length - at >= batchHeaderBytes) {
    const shape = checkBatchShape(buffer, at, Number.MAX_SAFE_INTEGER)
    if (shape !== 'ok') throw new KafkaError(Errors.CORRUPT_MESSAGE, `stored batch: ${shape}`)
    if (lastOffset(buffer, at) >= offset) return at
    const bytes = batchBytes(buffer, at)
    if (at + bytes > buffer.length) return at + bytes
    at += bytes
  }
  return at
}

export interface TakeLimits {
  readonly bytesMax: number
  readonly minOneBatch: boolean
  readonly upperOffset: number
}

/** Whole batches from `at` on within the limits. `neededBytes`: the first one is cut off by the end of the buffer. */
export function wholeBatches(
  buffer: Buffer,
  at: number,
  limits: TakeLimits,
): { end: number; nextOffset: number; neededBytes: number } {
  let end = at
  let nextOffset = -1
  while (buffer.length - end >= batchHeaderBytes) {
    const first = end === at
    if (baseOffset(buffer, end) >= limits.upperOffset) break
    const shape = checkBatchShape(buffer, end, Number.MAX_SAFE_INTEGER)
    if (shape !== 'ok') {
      if (first) throw new KafkaError(Errors.CORRUPT_MESSAGE, `stored batch: ${shape}`)
      break
    }
    const bytes = batchBytes(buffer, end)
    if (end - at + bytes > limits.bytesMax && !(first && limits.minOneBatch)) break
    if (end + bytes > buffer.length) return { end, nextOffset, neededBytes: first ? bytes : 0 }
    nextOffset = lastOffset(buffer, end) + 1
    end += bytes
  }
  const cut = end === at && buffer.length - end < batchHeaderBytes
  return { end, nextOffset, neededBytes: cut ? batchHeaderBytes : 0 }
}
