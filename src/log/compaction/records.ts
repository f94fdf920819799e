/** The records of a batch, decompressed for compaction. */
import { KafkaError } from '../../../protocol/errors.ts'
import { checkBatch, codecId, recordsView } from '../../../protocol/records/batch.ts'
import { codecById } from '../../../protocol/records/compression.ts'
import { Damaged, type Work } from './work.ts'

/** The bytes of the records, and where in them they begin. */
export interface OpenedRecords {
  readonly bytes: Buffer
  readonly from: number
  readonly end: number
}

/** Most that the records of one batch may come to, bytes: a bomb is kept as it is. */
const openedBytesMax = 256 << 20

/** Larger ones are (de)compressed on another thread. */
const inlineBytesMax = 4096

/** Null when they cannot be decompressed. Throws Cancelled, and Damaged for a wrong checksum. */
export async function openRecords(buffer: Buffer, at: number, work: Work): Promise<OpenedRecords | null> {
  if (checkBatch(buffer, at) !== 'ok') throw new Damaged('a batch has a wrong checksum')
  const view = recordsView(buffer, at)
  const codec = codecId(buffer, at)
  if (codec === 0) return { bytes: buffer, from: view.byteOffset - buffer.byteOffset, end: endOf(view, buffer) }
  try {
    const known = codecById(codec)
    const bytes =
      view.length <= inlineBytesMax
        ? known.decompress(view, openedBytesMax)
        : await work.awaiting(known.decompressAsync(view, openedBytesMax))
    return { bytes, from: 0, end: bytes.length }
  } catch (error) {
    if (error instanceof KafkaError) return null
    throw error
  }
}

/** The bytes of records as a batch with this codec stores them. Throws Cancelled. */
export async function storeRecords(
  codec: number,
  bytes: Buffer,
  level: number | undefined,
  work: Work,
): Promise<Buffer> {
  if (codec === 0) return bytes
  const known = codecById(codec)
  return bytes.length <= inlineBytesMax
    ? known.compress(bytes, level)
    : work.awaiting(known.compressAsync(bytes, level))
}

function endOf(view: Buffer, buffer: Buffer): number {
  return view.byteOffset - buffer.byteOffset + view.length
}
