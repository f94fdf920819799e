import { api, array, bool, float64, int16, int32, string } from '../schema.ts'

/** Changes client quotas. */
export const alterClientQuotas = api(
  49,
  'AlterClientQuotas',
  '0-1',
  { flexible: '1+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      entries: array('0+', {
        entity: array('0+', {
          entityType: string('0+'),
          entityName: string('0+', { nullable: '0+' }),
        }),
        ops: array('0+', {
          key: string('0+'),
          value: float64('0+'),
          remove: bool('0+'),
        }),
      }),
      validateOnly: bool('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      entries: array('0+', {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        entity: array('0+', {
          entityType: string('0+'),
          entityName: string('0+', { nullable: '0+' }),
        }),
      }),
    },
  },
)
