import { api, array, int16, int32, string, uint16, uuid } from '../schema.ts'

/** Announces a new KRaft leader to the voters. Version 1 brings directory ids and endpoints. */
export const beginQuorumEpoch = api(
  53,
  'BeginQuorumEpoch',
  '0-1',
  { flexible: '1+', listeners: ['controller'], clusterAction: true },
  {
    request: {
      clusterId: string('0+', { nullable: '0+', default: null }),
      voterId: int32('1+', { default: -1 }),
      topics: array('0+', {
        topicName: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          voterDirectoryId: uuid('1+'),
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
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
