/** Which brokers hold the replicas of new partitions. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../metadata/entities.ts'
import type { MetadataState } from '../metadata/state.ts'

/**
 * Replicas of `count` partitions, the preferred leader first: leaders go round the brokers from a random start, followers
 * are the brokers after the leader, so both are spread evenly. Throws KafkaError INVALID_REPLICATION_FACTOR.
 */
export function placeReplicas(
  brokers: readonly Broker[],
  count: number,
  replicationFactor: number,
  random: { below(n: number): number },
): number[][] {
  if (replicationFactor > brokers.length) {
    throw new KafkaError(
      Errors.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ` +
        `${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered or some ` +
        'brokers have all their log directories cordoned.',
    )
  }
  const start = brokers.length > 1 ? random.below(brokers.length) : 0
  return Array.from({ length: count }, (_, partition) =>
    Array.from(
      { length: replicationFactor },
      (_unused, replica) => brokers[(start + partition + replica) % brokers.length].id,
    ),
  )
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
