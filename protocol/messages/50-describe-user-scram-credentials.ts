import { api, array, int8, int16, int32, string } from '../schema.ts'

/** Describes the SCRAM credentials of users, without their secrets. */
export const describeUserScramCredentials = api(
  50,
  'DescribeUserScramCredentials',
  '0',
  { flexible: '0+', listeners: ['broker', 'controller'] },
  {
    request: {
      users: array(
        '0+',
        {
          name: string('0+'),
        },
        { nullable: '0+' },
      ),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      results: array('0+', {
        user: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        credentialInfos: array('0+', {
          mechanism: int8('0+'),
          iterations: int32('0+'),
        }),
      }),
    },
  },
)
