import { api, array, int16, int32, string } from '../schema.ts'

/** Lists the groups of one broker. Version 4 filters by state, 5 by type. */
export const listGroups = api(
  16,
  'ListGroups',
  '0-5',
  { flexible: '3+', listeners: ['broker'] },
  {
    request: {
      statesFilter: array('4+', 'string'),
      typesFilter: array('5+', 'string'),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      errorCode: int16('0+'),
      groups: array('0+', {
        groupId: string('0+'),
        protocolType: string('0+'),
        groupState: string('4+'),
        groupType: string('5+'),
      }),
    },
  },
)
