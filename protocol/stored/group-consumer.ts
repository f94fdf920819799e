/** Records of __consumer_offsets: groups of the consumer group protocol. */
import { array, bigInt64, bytes, int8, int32, int64, message, string, struct, uuid } from '../schema.ts'

export const consumerGroupMetadataKey = message(
  'ConsumerGroupMetadataKey',
  '0',
  { flexible: 'none', type: 3 },
  {
    groupId: string('0'),
  },
)

export const consumerGroupMetadataValue = message(
  'ConsumerGroupMetadataValue',
  '0',
  { flexible: '0+', type: 3 },
  {
    epoch: int32('0+'),
    metadataHash: bigInt64('0+', { default: 0n, tag: 0 }),
  },
)

export const consumerGroupPartitionMetadataKey = message(
  'ConsumerGroupPartitionMetadataKey',
  '0',
  { flexible: 'none', type: 4 },
  {
    groupId: string('0'),
  },
)

export const consumerGroupPartitionMetadataValue = message(
  'ConsumerGroupPartitionMetadataValue',
  '0',
  { flexible: '0+', type: 4 },
  {
    topics: array('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
      numPartitions: int32('0+'),
      partitionMetadata: array('0+', {
        partition: int32('0+'),
        racks: array('0+', 'string'),
      }),
    }),
  },
)

export const consumerGroupMemberMetadataKey = message(
  'ConsumerGroupMemberMetadataKey',
  '0',
  { flexible: 'none', type: 5 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export const consumerGroupMemberMetadataValue = message(
  'ConsumerGroupMemberMetadataValue',
  '0',
  { flexible: '0+', type: 5 },
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: array('0+', 'string'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: array('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
)

export const consumerGroupTargetAssignmentMetadataKey = message(
  'ConsumerGroupTargetAssignmentMetadataKey',
  '0',
  { flexible: 'none', type: 6 },
  {
    groupId: string('0'),
  },
)

export const consumerGroupTargetAssignmentMetadataValue = message(
  'ConsumerGroupTargetAssignmentMetadataValue',
  '0',
  { flexible: '0+', type: 6 },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { default: 0, tag: 0 }),
  },
)

export const consumerGroupTargetAssignmentMemberKey = message(
  'ConsumerGroupTargetAssignmentMemberKey',
  '0',
  { flexible: 'none', type: 7 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

export const consumerGroupTargetAssignmentMemberValue = message(
  'ConsumerGroupTargetAssignmentMemberValue',
  '0',
  { flexible: '0+', type: 7 },
  {
    topicPartitions: array('0+', {
      topicId: uuid('0+'),
      partitions: array('0+', 'int32'),
    }),
  },
)

export const consumerGroupCurrentMemberAssignmentKey = message(
  'ConsumerGroupCurrentMemberAssignmentKey',
  '0',
  { flexible: 'none', type: 8 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', 'int32'),
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0 }),
}

export const consumerGroupCurrentMemberAssignmentValue = message(
  'ConsumerGroupCurrentMemberAssignmentValue',
  '0',
  { flexible: '0+', type: 8 },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: array('0+', topicPartitions),
    partitionsPendingRevocation: array('0+', topicPartitions),
  },
)

export const consumerGroupRegularExpressionKey = message(
  'ConsumerGroupRegularExpressionKey',
  '0',
  { flexible: 'none', type: 16 },
  {
    groupId: string('0'),
    regularExpression: string('0'),
  },
)

export const consumerGroupRegularExpressionValue = message(
  'ConsumerGroupRegularExpressionValue',
  '0',
  { flexible: '0+', type: 16 },
  {
    topics: array('0+', 'string'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
)
