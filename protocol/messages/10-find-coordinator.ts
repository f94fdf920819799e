import { api, array, int8, int16, int32, string } from '../schema.ts'

/**
 * Finds the coordinator of a group (key type 0), a transactional id (1, from version 1) or a share partition (2,
 * from version 6). Version 4 asks for many keys at once.
 */
export const findCoordinator = api(
  10,
  'FindCoordinator',
  '0-6',
  { flexible: '3+', listeners: ['broker'] },
  {
    request: {
      key: string('0-3'),
      keyType: int8('1+', { default: 0 }),
      coordinatorKeys: array('4+', 'string'),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      errorCode: int16('0-3'),
      errorMessage: string('1-3', { nullable: '1-3' }),
      nodeId: int32('0-3'),
      host: string('0-3'),
      port: int32('0-3'),
      coordinators: array('4+', {
        key: string('4+'),
        nodeId: int32('4+'),
        host: string('4+'),
        port: int32('4+'),
        errorCode: int16('4+'),
        errorMessage: string('4+', { nullable: '4+' }),
      }),
    },
  },
)
