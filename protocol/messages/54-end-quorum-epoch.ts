import { api, array, int16, int32, string, uint16, uuid } from '../schema.ts'

/** Announces a KRaft leader's resignation. Version 1 names successors by directory id. */
export const endQuorumEpoch = api(
  54,
  'EndQuorumEpoch',
  '0-1',
  { flexible: '1+', listeners: ['controller'], clusterAction: true },
  {
    request: {
      clusterId: string('0+', { nullable: '0+', default: null }),
      topics: array('0+', {
        topicName: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
          preferredSuccessors: array('0', 'int32'),
          preferredCandidates: array('1+', {
            candidateId: int32('1+'),
            candidateDirectoryId: uuid('1+'),
          }),
        }),
      }),
      leaderEndpoints: array('1+', {
        name: string('1+'),
        host: string('1+'),
        port: uint16('1+'),
      }),
    },
    response: {
      errorCode: int16('0+'),
      topics: array('0+', {
        topicName: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
        }),
      }),
      nodeEndpoints: array(
        '1+',
        {
          nodeId: int32('1+'),
          host: string('1+'),
          port: uint16('1+'),
        },
        { tag: 0 },
      ),
    },
  },
)
