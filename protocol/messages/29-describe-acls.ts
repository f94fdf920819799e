import { api, array, int8, int16, int32, string } from '../schema.ts'

/** Lists access control entries. Version 1 brings pattern types, 3 the resource type of users. */
export const describeAcls = api(
  29,
  'DescribeAcls',
  '0-3',
  { flexible: '2+', legacy: '0', listeners: ['broker', 'controller'] },
  {
    request: {
      resourceTypeFilter: int8('0+'),
      resourceNameFilter: string('0+', { nullable: '0+' }),
      patternTypeFilter: int8('1+', { default: 3 }),
      principalFilter: string('0+', { nullable: '0+' }),
      hostFilter: string('0+', { nullable: '0+' }),
      operation: int8('0+'),
      permissionType: int8('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resources: array('0+', {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        patternType: int8('1+', { default: 3 }),
        acls: array('0+', {
          principal: string('0+'),
          host: string('0+'),
          operation: int8('0+'),
          permissionType: int8('0+'),
        }),
      }),
    },
  },
)
