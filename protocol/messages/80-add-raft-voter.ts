import { api, array, bool, int16, int32, string, uint16, uuid } from '../schema.ts'

/** Adds a voter to the KRaft quorum. Version 1 can answer before the change is committed. */
export const addRaftVoter = api(
  80,
  'AddRaftVoter',
  '0-1',
  { flexible: '0+', listeners: ['controller', 'broker'], forwarded: true },
  {
    request: {
      clusterId: string('0+', { nullable: '0+' }),
      timeoutMs: int32('0+'),
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      listeners: array('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      }),
      ackWhenCommitted: bool('1+', { default: true }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    },
  },
)
