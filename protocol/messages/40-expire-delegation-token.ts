import { api, bytes, int16, int32, int64 } from '../schema.ts'

/** Expires a delegation token. */
export const expireDelegationToken = api(
  40,
  'ExpireDelegationToken',
  '0-2',
  { flexible: '2+', legacy: '0', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      hmac: bytes('0+'),
      expiryTimePeriodMs: int64('0+'),
    },
    response: {
      errorCode: int16('0+'),
      expiryTimestampMs: int64('0+'),
      throttleTimeMs: int32('0+', { default: 0 }),
    },
  },
)
