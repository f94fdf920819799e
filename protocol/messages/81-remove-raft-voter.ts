import { api, int16, int32, string, uuid } from '../schema.ts'

/** Removes a voter from the KRaft quorum. */
export const removeRaftVoter = api(
  81,
  'RemoveRaftVoter',
  '0',
  { flexible: '0+', listeners: ['controller', 'broker'], forwarded: true },
  {
    request: {
      clusterId: string('0+', { nullable: '0+' }),
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    },
  },
)
