import { api, bool, bytes, int8, int16, int32, uuid } from '../schema.ts'

/** Pushes client metrics. */
export const pushTelemetry = api(
  72,
  'PushTelemetry',
  '0',
  { flexible: '0+', listeners: ['broker'] },
  {
    request: {
      clientInstanceId: uuid('0+'),
      subscriptionId: int32('0+'),
      terminating: bool('0+'),
      compressionType: int8('0+'),
      metrics: bytes('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
    },
  },
)
