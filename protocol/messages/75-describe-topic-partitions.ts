import { api, array, bool, int16, int32, string, struct, uuid } from '../schema.ts'

/** Describes the partitions of topics page by page, with eligible leader replicas. */
export const describeTopicPartitions = api(
  75,
  'DescribeTopicPartitions',
  '0',
  { flexible: '0+', listeners: ['broker'] },
  {
    request: {
      topics: array('0+', {
        name: string('0+'),
      }),
      responsePartitionLimit: int32('0+', { default: 2000 }),
      cursor: struct(
        '0+',
        {
          topicName: string('0+'),
          partitionIndex: int32('0+'),
        },
        { nullable: '0+', default: null },
      ),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      topics: array('0+', {
        errorCode: int16('0+'),
        name: string('0+', { nullable: '0+' }),
        topicId: uuid('0+'),
        isInternal: bool('0+', { default: false }),
        partitions: array('0+', {
          errorCode: int16('0+'),
          partitionIndex: int32('0+'),
          leaderId: int32('0+'),
          leaderEpoch: int32('0+', { default: -1 }),
          replicaNodes: array('0+', 'int32'),
          isrNodes: array('0+', 'int32'),
          eligibleLeaderReplicas: array('0+', 'int32', { nullable: '0+', default: null }),
          lastKnownElr: array('0+', 'int32', { nullable: '0+', default: null }),
          offlineReplicas: array('0+', 'int32'),
        }),
        topicAuthorizedOperations: int32('0+', { default: -2147483648 }),
      }),
      nextCursor: struct(
        '0+',
        {
          topicName: string('0+'),
          partitionIndex: int32('0+'),
        },
        { nullable: '0+', default: null },
      ),
    },
  },
)
