import { api, array, bool, int8, int16, int32, string } from '../schema.ts'

/** Replaces the whole configuration of a resource; superseded by IncrementalAlterConfigs. */
export const alterConfigs = api(
  33,
  'AlterConfigs',
  '0-2',
  { flexible: '2+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      resources: array('0+', {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        configs: array('0+', {
          name: string('0+'),
          value: string('0+', { nullable: '0+' }),
        }),
      }),
      validateOnly: bool('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      responses: array('0+', {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        resourceType: int8('0+'),
        resourceName: string('0+'),
      }),
    },
  },
)
