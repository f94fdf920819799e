import { api, array, bool, bytes, int16, int32, string } from '../schema.ts'

/**
 * Describes classic groups. Version 3 brings authorized operations, 4 static members, 6 an error and message for
 * unknown groups.
 */
export const describeGroups = api(
  15,
  'DescribeGroups',
  '0-6',
  { flexible: '5+', listeners: ['broker'] },
  {
    request: {
      groups: array('0+', 'string'),
      includeAuthorizedOperations: bool('3+'),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      groups: array('0+', {
        errorCode: int16('0+'),
        errorMessage: string('6+', { nullable: '6+', default: null }),
        groupId: string('0+'),
        groupState: string('0+'),
        protocolType: string('0+'),
        protocolData: string('0+'),
        members: array('0+', {
          memberId: string('0+'),
          groupInstanceId: string('4+', { nullable: '4+', default: null }),
          clientId: string('0+'),
          clientHost: string('0+'),
          memberMetadata: bytes('0+'),
          memberAssignment: bytes('0+'),
        }),
        authorizedOperations: int32('3+', { default: -2147483648 }),
      }),
    },
  },
)
