import { api, array, bool, bytes, int16, int32, string } from '../schema.ts'

/**
 * Joins a classic consumer group. Version 1 separates the rebalance timeout, 4 hands out member ids first, 5
 * knows static members, 7 names the protocol type, 8 carries a reason, 9 lets a static leader skip the
 * assignment.
 */
export const joinGroup = api(
  11,
  'JoinGroup',
  '0-9',
  { flexible: '6+', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+'),
      sessionTimeoutMs: int32('0+'),
      rebalanceTimeoutMs: int32('1+', { default: -1 }),
      memberId: string('0+'),
      groupInstanceId: string('5+', { nullable: '5+', default: null }),
      protocolType: string('0+'),
      protocols: array('0+', {
        name: string('0+'),
        metadata: bytes('0+'),
      }),
      reason: string('8+', { nullable: '8+', default: null }),
    },
    response: {
      throttleTimeMs: int32('2+', { default: 0 }),
      errorCode: int16('0+'),
      generationId: int32('0+', { default: -1 }),
      protocolType: string('7+', { nullable: '7+', default: null }),
      protocolName: string('0+', { nullable: '7+' }),
      leader: string('0+'),
      skipAssignment: bool('9+', { default: false }),
      memberId: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        groupInstanceId: string('5+', { nullable: '5+', default: null }),
        metadata: bytes('0+'),
      }),
    },
  },
)
