import { api, array, bool, int8, int16, int32, string } from '../schema.ts'

/** Changes single keys of a configuration: set, delete, append, subtract. */
export const incrementalAlterConfigs = api(
  44,
  'IncrementalAlterConfigs',
  '0-1',
  { flexible: '1+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      resources: array('0+', {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        configs: array('0+', {
          name: string('0+'),
          configOperation: int8('0+'),
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
