import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Reads the state of share partitions without their batches. Version 1 counts delivered records. */
export const readShareGroupStateSummary = api(
  87,
  'ReadShareGroupStateSummary',
  '0-1',
  { flexible: '0+', listeners: ['broker'], clusterAction: true },
  {
    request: {
      groupId: string('0+'),
      topics: array('0+', {
        topicId: uuid('0+'),
        partitions: array('0+', {
          partition: int32('0+'),
          leaderEpoch: int32('0+'),
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
          stateEpoch: int32('0+'),
          leaderEpoch: int32('0+'),
          startOffset: int64('0+'),
          deliveryCompleteCount: int32('1+', { default: -1 }),
        }),
      }),
    },
  },
)
