import { api, array, bytes, int16, int32, int64, string } from '../schema.ts'

/** Creates a delegation token. Version 3 can name another owner. */
export const createDelegationToken = api(
  38,
  'CreateDelegationToken',
  '0-3',
  { flexible: '2+', legacy: '0', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      ownerPrincipalType: string('3+', { nullable: '3+' }),
      ownerPrincipalName: string('3+', { nullable: '3+' }),
      renewers: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
      }),
      maxLifetimeMs: int64('0+'),
    },
    response: {
      errorCode: int16('0+'),
      principalType: string('0+'),
      principalName: string('0+'),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestampMs: int64('0+'),
      expiryTimestampMs: int64('0+'),
      maxTimestampMs: int64('0+'),
      tokenId: string('0+'),
      hmac: bytes('0+'),
      throttleTimeMs: int32('0+', { default: 0 }),
    },
  },
)
