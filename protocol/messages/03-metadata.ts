import { api, array, bool, int16, int32, string, uuid } from '../schema.ts'

/**
 * Describes brokers, topics and partitions. In version 0 an empty list asks for all topics, later null does.
 * Version 1 brings the controller, 4 automatic creation on demand, 7 leader epochs, 8 authorized operations, 10
 * topic ids, 12 asking by id, 13 an error for the whole answer.
 */
export const metadata = api(
  3,
  'Metadata',
  '0-13',
  { flexible: '9+', listeners: ['broker'] },
  {
    request: {
      topics: array(
        '0+',
        {
          topicId: uuid('10+'),
          name: string('0+', { nullable: '10+' }),
        },
        { nullable: '1+' },
      ),
      allowAutoTopicCreation: bool('4+', { default: true }),
      includeClusterAuthorizedOperations: bool('8-10'),
      includeTopicAuthorizedOperations: bool('8+'),
    },
    response: {
      throttleTimeMs: int32('3+', { default: 0 }),
      brokers: array('0+', {
        nodeId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('1+', { nullable: '1+', default: null }),
      }),
      clusterId: string('2+', { nullable: '2+', default: null }),
      controllerId: int32('1+', { default: -1 }),
      topics: array('0+', {
        errorCode: int16('0+'),
        name: string('0+', { nullable: '12+' }),
        topicId: uuid('10+'),
        isInternal: bool('1+', { default: false }),
        partitions: array('0+', {
          errorCode: int16('0+'),
          partitionIndex: int32('0+'),
          leaderId: int32('0+'),
          leaderEpoch: int32('7+', { default: -1 }),
          replicaNodes: array('0+', 'int32'),
          isrNodes: array('0+', 'int32'),
          offlineReplicas: array('5+', 'int32'),
        }),
        topicAuthorizedOperations: int32('8+', { default: -2147483648 }),
      }),
      clusterAuthorizedOperations: int32('8-10', { default: -2147483648 }),
      errorCode: int16('13+'),
    },
  },
)
