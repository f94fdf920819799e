/**
 * BrokerHeartbeat, versions 0-2.
 *
 * - On controller listeners. Keeps the session of a broker; STALE_BROKER_EPOCH for one that is not the last registered.
 * - A broker is unfenced when it knows of its registration and does not want to be fenced.
 * - A broker that wants to shut down is told to when its leaderships are gone and all others know.
 * - v1 log directories that failed, v2 those that take no new replicas.
 */
import { Errors } from '../../protocol/errors.ts'
import { brokerHeartbeat } from '../../protocol/messages/63-broker-heartbeat.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  brokerHeartbeat,
  '0-2',
  async (request, context) => ({
    errorCode: Errors.NONE,
    ...(await context.broker.controller.heartbeat(request)),
  }),
  { listeners: ['controller'] },
)
