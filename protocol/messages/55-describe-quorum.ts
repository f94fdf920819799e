import { api, array, int16, int32, int64, string, uint16, uuid } from '../schema.ts'

const replicaState = {
  replicaId: int32('0+'),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64('0+'),
  lastFetchTimestamp: int64('1+', { default: -1 }),
  lastCaughtUpTimestamp: int64('1+', { default: -1 }),
}

/** Describes the KRaft quorum. Version 1 brings the replicas' timestamps, 2 directory ids and listeners. */
export const describeQuorum = api(
  55,
  'DescribeQuorum',
  '0-2',
  { flexible: '0+', listeners: ['broker', 'controller'], forwarded: true, clusterAction: true },
  {
    request: {
      topics: array('0+', {
        topicName: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
        }),
      }),
    },
    response: {
      errorCode: int16('0+'),
      errorMessage: string('2+', { nullable: '2+' }),
      topics: array('0+', {
        topicName: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
          errorMessage: string('2+', { nullable: '2+' }),
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
          highWatermark: int64('0+'),
          currentVoters: array('0+', replicaState),
          observers: array('0+', replicaState),
        }),
      }),
      nodes: array('2+', {
        nodeId: int32('2+'),
        listeners: array('2+', {
          name: string('2+'),
          host: string('2+'),
          port: uint16('2+'),
        }),
      }),
    },
  },
)
