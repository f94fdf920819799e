/** Records of __consumer_offsets: streams groups. */
import { array, bigInt64, int8, int16, int32, int64, message, string, struct, uint16 } from '../schema.ts'

export const streamsGroupMetadataKey = message(
  'StreamsGroupMetadataKey',
  '0',
  { flexible: 'none', type: 17 },
  {
    groupId: string('0'),
  },
)

const lastAssignmentConfig = {
  key: string('0+'),
  value: string('0+'),
}

export const streamsGroupMetadataValue = message(
  'StreamsGroupMetadataValue',
  '0',
  { flexible: '0+', type: 17 },
  {
    epoch: int32('0+'),
    metadataHash: bigInt64('0+'),
    validatedTopologyEpoch: int32('0+', { default: -1, tag: 0 }),
    lastAssignmentConfigs: array('0+', lastAssignmentConfig, { nullable: '0+', tag: 1 }),
  },
)

export const streamsGroupMemberMetadataKey = message(
  'StreamsGroupMemberMetadataKey',
  '0',
  { flexible: 'none', type: 19 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

const endpoint = {
  host: string('0+'),
  port: uint16('0+'),
}

const keyValue = {
  key: string('0+'),
  value: string('0+'),
}

export const streamsGroupMemberMetadataValue = message(
  'StreamsGroupMemberMetadataValue',
  '0',
  { flexible: '0+', type: 19 },
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    topologyEpoch: int32('0+'),
    processId: string('0+'),
    userEndpoint: struct('0+', endpoint, { nullable: '0+', default: null }),
    clientTags: array('0+', keyValue),
  },
)

export const streamsGroupTargetAssignmentMetadataKey = message(
  'StreamsGroupTargetAssignmentMetadataKey',
  '0',
  { flexible: 'none', type: 20 },
  {
    groupId: string('0'),
  },
)

export const streamsGroupTargetAssignmentMetadataValue = message(
  'StreamsGroupTargetAssignmentMetadataValue',
  '0',
  { flexible: '0+', type: 20 },
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { default: 0, tag: 0 }),
  },
)

export const streamsGroupTargetAssignmentMemberKey = message(
  'StreamsGroupTargetAssignmentMemberKey',
  '0',
  { flexible: 'none', type: 21 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

const taskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
}

export const streamsGroupTargetAssignmentMemberValue = message(
  'StreamsGroupTargetAssignmentMemberValue',
  '0',
  { flexible: '0+', type: 21 },
  {
    activeTasks: array('0+', taskIds),
    standbyTasks: array('0+', taskIds),
    warmupTasks: array('0+', taskIds),
  },
)

export const streamsGroupCurrentMemberAssignmentKey = message(
  'StreamsGroupCurrentMemberAssignmentKey',
  '0',
  { flexible: 'none', type: 22 },
  {
    groupId: string('0'),
    memberId: string('0'),
  },
)

const currentMemberAssignmentTaskIds = {
  subtopologyId: string('0+'),
  partitions: array('0+', 'int32'),
  assignmentEpochs: array('0+', 'int32', { nullable: '0+', tag: 0 }),
}

export const streamsGroupCurrentMemberAssignmentValue = message(
  'StreamsGroupCurrentMemberAssignmentValue',
  '0',
  { flexible: '0+', type: 22 },
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    activeTasks: array('0+', currentMemberAssignmentTaskIds),
    standbyTasks: array('0+', currentMemberAssignmentTaskIds),
    warmupTasks: array('0+', currentMemberAssignmentTaskIds),
    activeTasksPendingRevocation: array('0+', currentMemberAssignmentTaskIds),
    standbyTasksPendingRevocation: array('0+', currentMemberAssignmentTaskIds),
    warmupTasksPendingRevocation: array('0+', currentMemberAssignmentTaskIds),
  },
)

export const streamsGroupTopologyKey = message(
  'StreamsGroupTopologyKey',
  '0',
  { flexible: 'none', type: 23 },
  {
    groupId: string('0'),
  },
)

const topicConfig = {
  key: string('0+'),
  value: string('0+'),
}

const topicInfo = {
  name: string('0+'),
  partitions: int32('0+'),
  replicationFactor: int16('0+'),
  topicConfigs: array('0+', topicConfig),
}

export const streamsGroupTopologyValue = message(
  'StreamsGroupTopologyValue',
  '0',
  { flexible: '0+', type: 23 },
  {
    epoch: int32('0+'),
    subtopologies: array('0+', {
      subtopologyId: string('0+'),
      sourceTopics: array('0+', 'string'),
      sourceTopicRegex: array('0+', 'string'),
      stateChangelogTopics: array('0+', topicInfo),
      repartitionSinkTopics: array('0+', 'string'),
      repartitionSourceTopics: array('0+', topicInfo),
      copartitionGroups: array('0+', {
        sourceTopics: array('0+', 'int16'),
        sourceTopicRegex: array('0+', 'int16'),
        repartitionSourceTopics: array('0+', 'int16'),
      }),
    }),
  },
)
