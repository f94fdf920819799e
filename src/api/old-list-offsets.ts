/** ListOffsets 0: before there were timestamps in records, offsets were found by the age of segments (KIP-79). */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { Partition } from '../replication/partition.ts'

const latest = -1
const earliest = -2

/**
 * At most `count` offsets, largest first: the beginnings of the segments that were not written to after `timestamp`, and the
 * end of the log when `timestamp` is not before now. None goes beyond `limit`, which a consumer's view of the log ends in.
 */
export async function offsetsBefore(
  partition: Partition,
  timestamp: number,
  count: number,
  limit: number | null,
  nowMs: number,
): Promise<number[]> {
  if (count < 0) throw new KafkaError(Errors.INVALID_REQUEST)
  const { log } = partition
  const places = await log.segmentTimes()
  if (places.at(-1)?.isEmpty === false) places.push({ offset: log.logEndOffset, timestampMs: nowMs, isEmpty: true })
  const last =
    timestamp === latest
      ? places.length - 1
      : timestamp === earliest
        ? 0
        : places.findLastIndex(({ timestampMs }) => timestampMs <= timestamp)
  const first = Math.max(last + 1 - count, 0)
  const offsets = places.slice(first, last + 1).map(({ offset }) => offset)
  offsets.sort((a, b) => b - a)
  if (limit === null || !offsets.some(offset => offset > limit)) return offsets
  return [limit, ...offsets.filter(offset => offset <= limit)]
}
