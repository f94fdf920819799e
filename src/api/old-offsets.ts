/**
 * OffsetCommit and OffsetFetch 0 come from clients that know of no coordinators: their offsets once were in ZooKeeper, which any
 * broker could ask. Now any broker finds the coordinator of the group for them.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import type { AnyApi, DecodedResponseOf, RequestInputOf } from '../../protocol/schema.ts'
import { PeerError } from '../network/peers.ts'
import { requestLimits } from './limits.ts'
import type { RequestContext } from './request.ts'

/**
 * The broker that coordinates the group, for `askOther`; null when it is this one. Throws KafkaError
 * COORDINATOR_NOT_AVAILABLE.
 */
export async function otherCoordinator(groupId: string, { broker }: RequestContext): Promise<number | null> {
  const { coordinators, nodeId } = broker
  if ((await coordinators.ensureOffsetsTopic()) !== Errors.NONE) throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE)
  const id = coordinators.coordinatorOfGroup(groupId)
  return id === nodeId ? null : id
}

/** Asks another broker in the oldest version that all of them serve. Throws KafkaError COORDINATOR_NOT_AVAILABLE. */
export async function askOther<A extends AnyApi>(
  brokerId: number,
  api: A,
  version: number,
  request: RequestInputOf<A>,
  { broker: { config, metadata, peers } }: RequestContext,
): Promise<DecodedResponseOf<A>> {
  const { endpoints } = metadata.brokers.get(brokerId) ?? { endpoints: [] }
  const endpoint = endpoints.find(({ name }) => name === config.interBrokerListener?.name)
  if (!endpoint) throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE)
  const options = {
    lane: 'old-offsets',
    timeoutMs: requestLimits.oldOffsetsWaitMsMax,
    minVersion: version,
    maxVersion: version,
  }
  try {
    return await peers.request(endpoint, api, request, options)
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE, error.message)
  }
}
