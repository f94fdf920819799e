/** Records of __consumer_offsets: share groups. */
import { array, bigInt64, int8, int32, int64, message, string, uuid } from '../schema.ts'

export const shareGroupMemberMetadataKey = message(
  'ShareGroupMemberMetadataKey',
  '0',
  { flexible: 'none', type: 10 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export const shareGroupMemberMetadataValue = message(
  'ShareGroupMemberMetadataValue',
  '0',
  { flexible: '0+', type: 10 },
  {
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
  },
)

export const shareGroupMetadataKey = message(
  'ShareGroupMetadataKey',
  '0',
  { flexible: 'none', type: 11 },
  {
    groupId: string('0'),
  },
)

export const shareGroupMetadataValue = message(
  'ShareGroupMetadataValue',
  '0',
  { flexible: '0+', type: 11 },
  {
    epoch: int32('0+'),
    metadataHash: bigInt64('0+'),
  },
)

export const shareGroupTargetAssignmentMetadataKey = message(
  'ShareGroupTargetAssignmentMetadataKey',
  '0',
  { flexible: 'none', type: 12 },
  {
    groupId: string('0'),
  },
)

export const shareGroupTargetAssignmentMetadataValue = message(
  'ShareGroupTargetAssignmentMetadataValue',
  '0',
  { flexible: '0+', type: 12 },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { default: 0, tag: 0 }),
  },
)

export const shareGroupTargetAssignmentMemberKey = message(
  'ShareGroupTargetAssignmentMemberKey',
  '0',
  { flexible: 'none', type: 13 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export const shareGroupTargetAssignmentMemberValue = message(
  'ShareGroupTargetAssignmentMemberValue',
  '0',
  { flexible: '0+', type: 13 },
  {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
)

export const shareGroupCurrentMemberAssignmentKey = message(
  'ShareGroupCurrentMemberAssignmentKey',
  '0',
  { flexible: 'none', type: 14 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
}

export const shareGroupCurrentMemberAssignmentValue = message(
  'ShareGroupCurrentMemberAssignmentValue',
  '0',
  { flexible: '0+', type: 14 },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', topicPartitions),
  },
)

export const shareGroupStatePartitionMetadataKey = message(
  'ShareGroupStatePartitionMetadataKey',
  '0',
  { flexible: 'none', type: 15 },
  {
    groupId: string('0'),
  },
)

const topicPartitionsInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: array('0+', 'int32'),
}

const topicInfo = {
  topicId: uuid('0+'),
  topicName: string('0+'),
}

export const shareGroupStatePartitionMetadataValue = message(
  'ShareGroupStatePartitionMetadataValue',
  '0',
  { flexible: '0+', type: 15 },
  {
    initializingTopics: array('0+', topicPartitionsInfo),
    initializedTopics: array('0+', topicPartitionsInfo),
    deletingTopics: array('0+', topicInfo),
  },
)

export const shareGroupPartitionMetadataKey = message(
  'ShareGroupPartitionMetadataKey',
  '0',
  { flexible: 'none', type: 9 },
  {
    groupId: string('0'),
  },
)

export const shareGroupPartitionMetadataValue = message(
  'ShareGroupPartitionMetadataValue',
  '0',
  { flexible: '0+', type: 9 },
  {
    initializedTopics: array('0+', topicPartitionsInfo),
    deletingTopics: array('0+', topicInfo),
  },
)
