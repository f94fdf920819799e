/** Fetch 0-3: what was read of the log, in the message formats that these clients know (KIP-32, KIP-98). */
import { KafkaError } from '../../protocol/errors.ts'
import type { fetch } from '../../protocol/messages/01-fetch.ts'
import { type DownConversion, DownConverter } from '../../protocol/records/down-convert.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Isolation } from '../replication/partition.ts'
import type { Outcome, Reader } from './fetched-partition.ts'
import { convertedBytesMax } from './limits.ts'
import type { RequestContext } from './request.ts'

/** First version with timestamps: magic 1. */
const magicOneSince = 2
/** First version with a limit for the whole answer, beyond which the first message goes all the same (KIP-74). */
const softLimitsSince = 3
/** Least that is read at once while nothing was found to convert. */
const readBytesMin = 64 * 1024

/** The same outcomes with converted records; what they were lent is given back. */
export async function downConverted(
  outcomes: readonly Outcome[],
  { maxBytes }: RequestOf<typeof fetch>,
  { isolation }: Reader,
  context: RequestContext,
): Promise<Outcome[]> {
  const { conversions, config } = context.broker
  let bytesLeft = Math.min(Math.max(maxBytes, 0), config.fetchMaxBytes)
  let nothingYet = true
  const results: Outcome[] = []
  for (const outcome of outcomes) {
    const conversion: DownConversion = {
      magic: context.version < magicOneSince ? 0 : 1,
      fromOffset: outcome.fetchOffset,
      bytesMax: Math.min(Math.max(outcome.wanted.partitionMaxBytes, 0), bytesLeft),
      overLimit: context.version < softLimitsSince ? 'cut' : nothingYet ? 'leave but the first' : 'leave',
      maxOutput: convertedBytesMax(outcome.partition?.log.config.maxMessageBytes ?? 0),
      pause: () => conversions.pause(),
    }
    const result = await conversions.run(() => convert(outcome, conversion, isolation))
    results.push(result)
    bytesLeft = Math.max(bytesLeft - result.recordsBytes, 0)
    if (result.recordsBytes > 0) nothingYet = false
  }
  return results
}

async function convert(outcome: Outcome, conversion: DownConversion, isolation: Isolation): Promise<Outcome> {
  const { partition, limitOffset } = outcome
  try {
    if (partition === null || (conversion.bytesMax === 0 && conversion.overLimit !== 'leave but the first')) {
      return withRecords(outcome, [], 0)
    }
    const converter = new DownConverter(conversion)
    for (const chunk of outcome.chunks) await converter.add(chunk)
    // A run of control batches, or what compaction left of a batch, is no answer: the client would ask for it forever.
    while (converter.bytes === 0 && !converter.full && converter.nextOffset < limitOffset) {
      const from = converter.nextOffset
      const read = await partition.read(from, Math.max(conversion.bytesMax, readBytesMin), isolation, true)
      for (const chunk of read.chunks) await converter.add(chunk)
      read.lent?.giveBack()
      if (converter.nextOffset === from) break
    }
    return withRecords(outcome, converter.chunks(), converter.bytes)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const { data } = withRecords(outcome, [], 0)
    return { ...outcome, lent: null, recordsBytes: 0, errorCode: error.code, data: { ...data, errorCode: error.code } }
  } finally {
    outcome.lent?.giveBack()
  }
}

function withRecords(outcome: Outcome, records: Buffer[], recordsBytes: number): Outcome {
  return { ...outcome, lent: null, chunks: [], recordsBytes, data: { ...outcome.data, records } }
}
