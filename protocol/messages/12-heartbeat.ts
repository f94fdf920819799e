import { api, int16, int32, string } from '../schema.ts'

/** Keeps a member of a classic group alive. Version 3 knows static members. */
export const heartbeat = api(
  12,
  'Heartbeat',
  '0-4',
  { flexible: '4+', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+'),
      generationId: int32('0+'),
      memberId: string('0+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      errorCode: int16('0+'),
    },
  },
)
