import { api, array, bytes, int16, int32, string } from '../schema.ts'

/**
 * Hands a classic group's assignment from its leader to the members. Version 3 knows static members, 5 checks
 * the protocol's type and name.
 */
export const syncGroup = api(
  14,
  'SyncGroup',
  '0-5',
  { flexible: '4+', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+'),
      generationId: int32('0+'),
      memberId: string('0+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      protocolType: string('5+', { nullable: '5+', default: null }),
      protocolName: string('5+', { nullable: '5+', default: null }),
      assignments: array('0+', {
        memberId: string('0+'),
        assignment: bytes('0+'),
      }),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      errorCode: int16('0+'),
      protocolType: string('5+', { nullable: '5+', default: null }),
      protocolName: string('5+', { nullable: '5+', default: null }),
      assignment: bytes('0+'),
    },
  },
)
