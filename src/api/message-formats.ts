/** Which message formats the clients of a Fetch version know, and what that means for counting (KIP-98). */
import { batchBytes, isControl, iterateBatches } from '../../protocol/records/batch.ts'

/** First version whose clients know batches of magic 2. */
export const batchesSince = 4

/** Bytes that a consumer of an old format may have some use for: those of control batches are not answered at all. */
export function dataBytes(chunks: readonly Buffer[]): number {
  let bytes = 0
  for (const chunk of chunks) {
    bytes += chunk.length
    for (const at of iterateBatches(chunk)) if (isControl(chunk, at)) bytes -= batchBytes(chunk, at)
  }
  return bytes
}
