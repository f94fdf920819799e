import { api, array, bool, int16, int32, uuid } from '../schema.ts'

/** Asks which client metrics to push. */
export const getTelemetrySubscriptions = api(
  71,
  'GetTelemetrySubscriptions',
  '0',
  { flexible: '0+', listeners: ['broker'] },
  {
    request: {
      clientInstanceId: uuid('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      clientInstanceId: uuid('0+'),
      subscriptionId: int32('0+'),
      acceptedCompressionTypes: array('0+', 'int8'),
      pushIntervalMs: int32('0+'),
      telemetryMaxBytes: int32('0+'),
      deltaTemporality: bool('0+'),
      requestedMetrics: array('0+', 'string'),
    },
  },
)
