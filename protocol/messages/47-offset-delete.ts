import { api, array, int16, int32, string } from '../schema.ts'

/** Deletes a group's committed offsets. */
export const offsetDelete = api(
  47,
  'OffsetDelete',
  '0',
  { flexible: 'none', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
        }),
      }),
    },
    response: {
      errorCode: int16('0+'),
      throttleTimeMs: int32('0+', { default: 0 }),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    },
  },
)
