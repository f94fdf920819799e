import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Starts the state of share partitions, sent by the group coordinator to the share coordinator. */
export const initializeShareGroupState = api(
  83,
  'InitializeShareGroupState',
  '0',
  { flexible: '0+', listeners: ['broker'], clusterAction: true },
  {
    request: {
      groupId: string('0+'),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partition: int32('0+'),
          stateEpoch: int32('0+'),
          startOffset: int64('0+'),
        }),
      }),
    },
    response: {
      results: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partition: int32('0+'),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+', default: null }),
        }),
      }),
    },
  },
)
