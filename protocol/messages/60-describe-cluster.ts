import { api, array, bool, int8, int16, int32, string } from '../schema.ts'

/** Describes the cluster's brokers, or from version 1 its controllers; version 2 can include fenced brokers. */
export const describeCluster = api(
  60,
  'DescribeCluster',
  '0-2',
  { flexible: '0+', listeners: ['broker', 'controller'] },
  {
    request: {
      includeClusterAuthorizedOperations: bool('0+'),
      endpointType: int8('1+', { default: 1 }),
      includeFencedBrokers: bool('2+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      endpointType: int8('1+', { default: 1 }),
      clusterId: string('0+'),
      controllerId: int32('0+', { default: -1 }),
      brokers: array('0+', {
        brokerId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('0+', { nullable: '0+', default: null }),
        isFenced: bool('2+'),
      }),
      clusterAuthorizedOperations: int32('0+', { default: -2147483648 }),
    },
  },
)
