/**
 * GetTelemetrySubscriptions, version 0 (KIP-714).
 *
 * - Which metrics a client is asked to push, and how often: all client metrics resources that match it, taken together. A
 *   client without an instance id is given one. Without a subscription it is asked for nothing, and comes again in five minutes.
 * - Whoever comes before its interval is over is THROTTLING_QUOTA_EXCEEDED, unless its subscription had changed.
 * - Left out: cumulative temporality; clients are asked for what is new since their last push, as by Kafka.
 */
import { Errors } from '../../protocol/errors.ts'
import { getTelemetrySubscriptions } from '../../protocol/messages/71-get-telemetry-subscriptions.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { telemetryCompressionTypes } from '../telemetry/client-telemetry.ts'
import { defineHandler } from './define.ts'
import { traitsOf } from './telemetry-client.ts'

export const handler = defineHandler(getTelemetrySubscriptions, '0', (request, context) => {
  const { host, telemetry } = context.broker
  const clientInstanceId = request.clientInstanceId === zeroUuid ? host.random.uuid() : request.clientInstanceId
  const { subscriptionId, metrics, intervalMs } = telemetry.ask(traitsOf(clientInstanceId, context))
  return {
    errorCode: Errors.NONE,
    clientInstanceId,
    subscriptionId,
    acceptedCompressionTypes: [...telemetryCompressionTypes],
    pushIntervalMs: intervalMs,
    telemetryMaxBytes: telemetry.pushBytesMax,
    deltaTemporality: true,
    requestedMetrics: [...metrics],
  }
})
