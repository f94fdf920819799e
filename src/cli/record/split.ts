/** Cuts what comes in, in pieces of any size, at a delimiter. */
import { UsageError } from '../shell/usage-error.ts'

/** One record that is larger is more likely a wrong delimiter. */
const recordBytesMax = 128 * 1024 * 1024

/**
 * What stands between delimiters, as many at once as a piece holds; nothing after the last one is no record. Bytes are views of
 * what came in.
 */
export async function* splitAt(pieces: AsyncIterable<Buffer>, delimiter: Buffer): AsyncGenerator<Buffer[], void, void> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const piece of pieces) {
    const records: Buffer[] = []
    let from = 0
    let bytes = piece
    // A delimiter of several bytes may lie across pieces.
    if (delimiter.length > 1 && restBytes > 0) {
      bytes = Buffer.concat([...rest, piece])
      rest = []
      restBytes = 0
    }
    for (let at = bytes.indexOf(delimiter, from); at >= 0; at = bytes.indexOf(delimiter, from)) {
      const last = bytes.subarray(from, at)
      records.push(restBytes === 0 ? last : Buffer.concat([...rest, last]))
      rest = []
      restBytes = 0
      from = at + delimiter.length
    }
    if (from < bytes.length) {
      rest.push(bytes.subarray(from))
      restBytes += bytes.length - from
    }
    if (records.length > 0) yield records
    if (restBytes > recordBytesMax)
      throw new UsageError(`a record of more than ${recordBytesMax} bytes: is --delimiter right?`)
  }
  if (restBytes > 0) yield [Buffer.concat(rest)]
}
