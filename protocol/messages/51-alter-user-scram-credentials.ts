import { api, array, bytes, int8, int16, int32, string } from '../schema.ts'

/** Creates, changes and deletes SCRAM credentials. */
export const alterUserScramCredentials = api(
  51,
  'AlterUserScramCredentials',
  '0',
  { flexible: '0+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      deletions: array('0+', {
        name: string('0+'),
        mechanism: int8('0+'),
      }),
      upsertions: array('0+', {
        name: string('0+'),
        mechanism: int8('0+'),
        iterations: int32('0+'),
        salt: bytes('0+'),
        saltedPassword: bytes('0+'),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      results: array('0+', {
        user: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    },
  },
)
