import { api, array, int8, int16, int32, string } from '../schema.ts'

/** Creates access control entries. Version 1 brings pattern types, 3 the resource type of users. */
export const createAcls = api(
  30,
  'CreateAcls',
  '0-3',
  { flexible: '2+', legacy: '0', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      creations: array('0+', {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        resourcePatternType: int8('1+', { default: 3 }),
        principal: string('0+'),
        host: string('0+'),
        operation: int8('0+'),
        permissionType: int8('0+'),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      results: array('0+', {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    },
  },
)
