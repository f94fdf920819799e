/**
 * BrokerRegistration, versions 0-4.
 *
 * - On controller listeners. The epoch of the answer is the offset of the registration in the metadata log; the same
 *   incarnation keeps its epoch, another one is DUPLICATE_BROKER_REGISTRATION while the one before is alive.
 * - INCONSISTENT_CLUSTER_ID, INVALID_REGISTRATION for log directories, UNSUPPORTED_VERSION for missing feature levels.
 * - v3 the epoch before a clean shutdown: without it the broker is no eligible leader replica any more (KIP-966).
 * - Left out: v1 migration from ZooKeeper, UNSUPPORTED_VERSION.
 */
import { Errors } from '../../protocol/errors.ts'
import { brokerRegistration } from '../../protocol/messages/62-broker-registration.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  brokerRegistration,
  '0-4',
  async (request, context) => {
    const { brokerEpoch } = await context.broker.controller.registerBroker({
      brokerId: request.brokerId,
      clusterId: request.clusterId,
      incarnationId: request.incarnationId,
      endpoints: request.listeners,
      features: request.features,
      rack: request.rack,
      logDirs: request.logDirs,
      previousBrokerEpoch: request.previousBrokerEpoch,
      isMigratingZkBroker: request.isMigratingZkBroker,
    })
    return { errorCode: Errors.NONE, brokerEpoch }
  },
  { listeners: ['controller'] },
)
