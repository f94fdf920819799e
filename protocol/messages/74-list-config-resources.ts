import { api, array, int8, int16, int32, string } from '../schema.ts'

/**
 * Lists configuration resources. Version 0 was called ListClientMetricsResources and lists those alone; 1
 * filters by type.
 */
export const listConfigResources = api(
  74,
  'ListConfigResources',
  '0-1',
  { flexible: '0+', listeners: ['broker'] },
  {
    request: {
      resourceTypes: array('1+', 'int8'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      configResources: array('0+', {
        resourceName: string('0+'),
        resourceType: int8('1+', { default: 16 }),
      }),
    },
  },
)
