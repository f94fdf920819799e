/**
 * PushTelemetry, version 0 (KIP-714).
 *
 * - Metrics of a client, as OpenTelemetry's MetricsData, compressed or not; they go to the receiver that the broker was started
 *   with, else to its log.
 * - THROTTLING_QUOTA_EXCEEDED before the interval is over, UNKNOWN_SUBSCRIPTION_ID when another subscription holds by now,
 *   TELEMETRY_TOO_LARGE as it comes or when it is decompressed, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD for what cannot be
 *   read. The last push of a client may come early, and nothing may follow it: INVALID_REQUEST.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { pushTelemetry } from '../../protocol/messages/72-push-telemetry.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { defineHandler } from './define.ts'
import { traitsOf } from './telemetry-client.ts'

/** Reserved for the metadata log's topic, and so no client's id. */
const reservedUuid = 'AAAAAAAAAAAAAAAAAAAAAQ'

export const handler = defineHandler(pushTelemetry, '0', async (request, context) => {
  const { clientInstanceId } = request
  if (clientInstanceId === zeroUuid || clientInstanceId === reservedUuid) {
    throw new KafkaError(Errors.INVALID_REQUEST, 'no client has this instance id')
  }
  await context.broker.telemetry.push(traitsOf(clientInstanceId, context), request)
  return { errorCode: Errors.NONE }
})
