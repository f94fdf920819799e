import { api, array, int16, int32, string } from '../schema.ts'

/** Takes members out of a classic group: one up to version 2, many at once from version 3, with a reason from 5. */
export const leaveGroup = api(
  13,
  'LeaveGroup',
  '0-5',
  { flexible: '4+', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+'),
      memberId: string('0-2'),
      members: array('3+', {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: '3+', default: null }),
        reason: string('5+', { nullable: '5+', default: null }),
      }),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      errorCode: int16('0+'),
      members: array('3+', {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: '3+' }),
        errorCode: int16('3+'),
      }),
    },
  },
)
