import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Describes the offsets of share groups. Version 1 brings the lag. */
export const describeShareGroupOffsets = api(
  90,
  'DescribeShareGroupOffsets',
  '0-1',
  { flexible: '0+', listeners: ['broker'] },
  {
    request: {
      groups: array('0+', {
        groupId: string('0+'),
        topics: array(
          '0+',
          {
            topicName: string('0+'),
            partitions: array('0+', 'int32'),
          },
          { nullable: '0+' },
        ),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      groups: array('0+', {
        groupId: string('0+'),
        topics: array('0+', {
          topicName: string('0+'),
          topicId: uuid('0+'),
          partitions: array('0+', {
            partitionIndex: int32('0+'),
            startOffset: int64('0+'),
            leaderEpoch: int32('0+'),
            lag: int64('1+', { default: -1 }),
            errorCode: int16('0+'),
            errorMessage: string('0+', { nullable: '0+', default: null }),
          }),
        }),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    },
  },
)
