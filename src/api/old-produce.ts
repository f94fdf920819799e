/** The message sets of Produce 0-2, converted before anything is appended (KIP-32, KIP-98). */
import { KafkaError } from '../../protocol/errors.ts'
import type { produce } from '../../protocol/messages/00-produce.ts'
import { isMessageSet, messageSetToBatch } from '../../protocol/records/up-convert.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Partition } from '../replication/partition.ts'
import { convertedBytesMax } from './limits.ts'
import type { RequestContext } from './request.ts'

type Request = RequestOf<typeof produce>
type PartitionData = Request['topicData'][number]['partitionData'][number]

/** First version that allows nothing but one batch of magic 2. */
const batchesSince = 3

/** What becomes of a set without any whole message. */
export const nothing: unique symbol = Symbol('nothing')

/** By the partition's data: its batch, or why there is none. */
export type Converted = ReadonlyMap<PartitionData, Buffer | typeof nothing | KafkaError>

/** Null for newer versions. Sets for partitions that this broker does not lead are left as they are. */
export function converted(request: Request, context: RequestContext): Promise<Converted> | null {
  return context.version < batchesSince ? convertAll(request, context) : null
}

/** Throws the KafkaError that the conversion ended in. */
export function batchOf(old: Converted, data: PartitionData): Buffer | typeof nothing | null {
  const batch = old.get(data) ?? null
  if (batch instanceof KafkaError) throw batch
  return batch
}

async function convertAll(request: Request, context: RequestContext): Promise<Converted> {
  const batches = new Map<PartitionData, Buffer | typeof nothing | KafkaError>()
  for (const { name, partitionData } of request.topicData) {
    for (const data of partitionData) {
      const { records } = data
      if (records === null || !(records.length === 0 || isMessageSet(records))) continue
      const partition = led(name, data.index, context)
      if (partition) batches.set(data, await convert(records, partition, context))
    }
  }
  return batches
}

/** Null when this broker does not lead it, or what is here of it cannot be written to: the append will say so. */
function led(topic: string, index: number, { broker }: RequestContext): Partition | null {
  try {
    return broker.partitions.lead(topic, index)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return null
  }
}

async function convert(records: Buffer, { log }: Partition, { broker: { conversions } }: RequestContext) {
  const options = {
    maxOutput: convertedBytesMax(log.config.maxMessageBytes),
    maxMessageBytes: log.config.maxMessageBytes,
    pause: () => conversions.pause(),
  }
  try {
    return (await conversions.run(() => messageSetToBatch(records, options))) ?? nothing
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return error
  }
}
