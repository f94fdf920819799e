import { api, array, int16, int32, string } from '../schema.ts'

/** Deletes empty groups. */
export const deleteGroups = api(
  42,
  'DeleteGroups',
  '0-2',
  { flexible: '2+', listeners: ['broker'] },
  {
    request: {
      groupsNames: array('0+', 'string'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      results: array('0+', {
        groupId: string('0+'),
        errorCode: int16('0+'),
      }),
    },
  },
)
