import { api, array, bytes, int16, int32, int64, string } from '../schema.ts'

/** Describes delegation tokens. Version 3 tells who requested them. */
export const describeDelegationToken = api(
  41,
  'DescribeDelegationToken',
  '0-3',
  { flexible: '2+', legacy: '0', listeners: ['broker', 'controller'] },
  {
    request: {
      owners: array(
        '0+',
        {
          principalType: string('0+'),
          principalName: string('0+'),
        },
        { nullable: '0+' },
      ),
    },
    response: {
      errorCode: int16('0+'),
      tokens: array('0+', {
        principalType: string('0+'),
        principalName: string('0+'),
        tokenRequesterPrincipalType: string('3+'),
        tokenRequesterPrincipalName: string('3+'),
        issueTimestamp: int64('0+'),
        expiryTimestamp: int64('0+'),
        maxTimestamp: int64('0+'),
        tokenId: string('0+'),
        hmac: bytes('0+'),
        renewers: array('0+', {
          principalType: string('0+'),
          principalName: string('0+'),
        }),
      }),
      throttleTimeMs: int32('0+', { default: 0 }),
    },
  },
)
