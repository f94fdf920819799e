import { api, array, int16, int32, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
}

/** The heartbeat of a share group. Version 0 was early access in 4.0. */
export const shareGroupHeartbeat = api(
  76,
  'ShareGroupHeartbeat',
  '0-1',
  { flexible: '0+', legacy: '0', listeners: ['broker'] },
  {
    request: {
      groupId: string('0+'),
      memberId: string('0+'),
      memberEpoch: int32('0+'),
      rackId: string('0+', { nullable: '0+', default: null }),
      subscribedTopicNames: array('0+', 'string', { nullable: '0+', default: null }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      memberId: string('0+', { nullable: '0+', default: null }),
      memberEpoch: int32('0+'),
      heartbeatIntervalMs: int32('0+'),
      assignment: struct(
        '0+',
        {
          topicPartitions: array('0+', topicPartitions),
        },
        { nullable: '0+', default: null },
      ),
    },
  },
)
