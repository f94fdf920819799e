import { api, bytes, int16, int32, int64 } from '../schema.ts'

/** Renews a delegation token. */
export const renewDelegationToken = api(
  39,
  'RenewDelegationToken',
  '0-2',
  { flexible: '2+', legacy: '0', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      hmac: bytes('0+'),
      renewPeriodMs: int64('0+'),
    },
    response: {
      errorCode: int16('0+'),
      expiryTimestampMs: int64('0+'),
      throttleTimeMs: int32('0+', { default: 0 }),
    },
  },
)
