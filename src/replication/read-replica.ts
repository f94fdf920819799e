/** Which replica a consumer should read from, to spare the network between racks (KIP-392). */
import type { Partition } from './partition.ts'

/** The only value of `replica.selector.class` beside none: the class of Apache Kafka that does the same. */
export const rackAwareSelector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'

/**
 * The leader, when it is in that rack or nobody else is; otherwise the in-sync replica in the rack that has come furthest
 * among those that hold `offset`. Asked of the leader. `rackOf` is null for a broker that this consumer cannot reach.
 */
export function nearestReplica(
  { state, log, leadership }: Pick<Partition, 'state' | 'log' | 'leadership'>,
  offset: number,
  rack: string,
  rackOf: (brokerId: number) => string | null,
): number {
  const { leaderId } = state
  if (!leadership || rackOf(leaderId) === rack || offset < log.logStartOffset) return leaderId
  let chosen = leaderId
  let furthest = -1
  let latestMs = Number.NEGATIVE_INFINITY
  for (const id of leadership.isr) {
    const replica = leadership.replica(id)
    if (!replica || rackOf(id) !== rack) continue
    const { logEndOffset, logStartOffset, lastCaughtUpMs } = replica
    if (logEndOffset < offset || logStartOffset > offset || logEndOffset < furthest) continue
    if (logEndOffset === furthest && lastCaughtUpMs <= latestMs) continue
    chosen = id
    furthest = logEndOffset
    latestMs = lastCaughtUpMs
  }
  return chosen
}
