/** Which brokers hold the replicas of new partitions. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { assert } from '../lib/assert.ts'
import type { Broker } from '../metadata/entities.ts'
import type { MetadataState } from '../metadata/state.ts'
import { isActive } from './context.ts'

/**
 * Replicas of `count` partitions, the preferred leader first. Leaders go round the active brokers from a random start. The
 * replicas of a partition are spread over as many racks as there are, then over the brokers that hold the fewest; a broker
 * that is not active serves only where its rack or the replication factor asks for it. Throws KafkaError
 * INVALID_REPLICATION_FACTOR.
 */
export function placeReplicas(
  brokers: Iterable<Broker>,
  count: number,
  replicationFactor: number,
  random: { below(n: number): number },
): number[][] {
  const usable = [...brokers].filter(takesReplicas)
  const refuse = (reason: string) => {
    const message = `Unable to replicate the partition ${replicationFactor} time(s): ${reason}`
    return new KafkaError(Errors.INVALID_REPLICATION_FACTOR, message)
  }
  if (replicationFactor > usable.length) {
    throw refuse(
      `The target replication factor of ${replicationFactor} cannot be reached because only ${usable.length} ` +
        'broker(s) are registered or some brokers have all their log directories cordoned.',
    )
  }
  const ring = interleaved(usable)
  const leaders = ring.filter(({ active }) => active)
  if (leaders.length === 0) throw refuse('All brokers are currently fenced or in controlled shutdown.')
  const start = leaders.length > 1 ? random.below(leaders.length) : 0
  return Array.from({ length: count }, (_, partition) => {
    const leader = leaders[(start + partition) % leaders.length]
    // Each time round, the followers of a leader are others than before.
    return placeOne(ring, leader, replicationFactor, Math.floor(partition / leaders.length))
  })
}

interface Place {
  readonly brokerId: number
  readonly rack: string
  readonly active: boolean
  /** Where it stands in the ring. */
  readonly at: number
  /** Replicas placed on it so far. */
  replicas: number
}

/** A broker whose every directory is cordoned takes no new replicas. */
function takesReplicas({ logDirs, cordonedLogDirs }: Broker): boolean {
  return logDirs.length === 0 || !cordonedLogDirs || !logDirs.every(id => cordonedLogDirs.includes(id))
}

/** One broker of each rack, then the second of each, and so on: neighbours are in different racks. */
function interleaved(brokers: readonly Broker[]): Place[] {
  const nth = new Map<string, number>()
  const ordered = [...brokers]
    .sort((a, b) => a.id - b.id)
    .map(broker => {
      const rack = broker.rack ?? ''
      const round = nth.get(rack) ?? 0
      nth.set(rack, round + 1)
      return { brokerId: broker.id, rack, active: isActive(broker), replicas: 0, round }
    })
    .sort((a, b) => a.round - b.round)
  return ordered.map(({ round: _, ...place }, at) => ({ ...place, at }))
}

function placeOne(ring: readonly Place[], leader: Place, replicationFactor: number, round: number): number[] {
  leader.replicas++
  const chosen = [leader]
  const inRack = new Map([[leader.rack, 1]])
  /** How far after the leader. */
  const distance = (place: Place) => (place.at - leader.at - 1 + ring.length + round) % (ring.length - 1)
  while (chosen.length < replicationFactor) {
    let best: Place | null = null
    let bestRank: readonly number[] = []
    for (const place of ring) {
      if (chosen.includes(place)) continue
      const rank = [inRack.get(place.rack) ?? 0, place.active ? 0 : 1, place.replicas, distance(place)]
      if (best && !isLess(rank, bestRank)) continue
      best = place
      bestRank = rank
    }
    assert(best, 'there are as many brokers as replicas')
    best.replicas++
    inRack.set(best.rack, (inRack.get(best.rack) ?? 0) + 1)
    chosen.push(best)
  }
  return chosen.map(({ brokerId }) => brokerId)
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && a[at] < b[at]
}

/** Throws KafkaError INVALID_REPLICA_ASSIGNMENT for replicas that a client chose and that cannot be. */
export function checkReplicas(
  state: MetadataState,
  brokerIds: readonly number[],
  replicationFactor: number | null,
): void {
  const refuse = (message: string): never => {
    throw new KafkaError(Errors.INVALID_REPLICA_ASSIGNMENT, message)
  }
  if (brokerIds.length === 0) refuse('The manual partition assignment includes an empty replica list.')
  const seen = new Set<number>()
  for (const id of brokerIds) {
    if (!state.brokers.has(id)) {
      refuse(`The manual partition assignment includes broker ${id}, but no such broker is registered.`)
    }
    if (seen.has(id)) refuse(`The manual partition assignment includes the broker ${id} more than once.`)
    seen.add(id)
  }
  if (replicationFactor !== null && brokerIds.length !== replicationFactor) {
    refuse(
      `The manual partition assignment includes a partition with ${brokerIds.length} replica(s), but this is not ` +
        `consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    )
  }
}
