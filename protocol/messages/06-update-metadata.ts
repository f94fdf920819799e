import { api, array, bool, int8, int16, int32, int64, string, uuid } from '../schema.ts'

const updateMetadataPartitionState = {
  topicName: string('0-4'),
  partitionIndex: int32('0+'),
  controllerEpoch: int32('0+'),
  leader: int32('0+'),
  leaderEpoch: int32('0+'),
  isr: array('0+', 'int32'),
  zkVersion: int32('0+'),
  replicas: array('0+', 'int32'),
  offlineReplicas: array('4+', 'int32'),
}

/** Pushed cluster metadata to brokers in the days of ZooKeeper. Kafka 4 has no version of it. */
export const updateMetadata = api(
  6,
  'UpdateMetadata',
  '0-8',
  { flexible: '6+', legacy: '0-8', listeners: [], clusterAction: true },
  {
    request: {
      controllerId: int32('0+'),
      isKRaftController: bool('8+', { default: false }),
      type: int8('8+', { default: 0, tag: 0 }),
      controllerEpoch: int32('0+'),
      brokerEpoch: int64('5+', { default: -1 }),
      ungroupedPartitionStates: array('0-4', updateMetadataPartitionState),
      topicStates: array('5+', {
        topicName: string('5+'),
        topicId: uuid('7+'),
        partitionStates: array('5+', updateMetadataPartitionState),
      }),
      liveBrokers: array('0+', {
        id: int32('0+'),
        v0Host: string('0'),
        v0Port: int32('0'),
        endpoints: array('1+', {
          port: int32('1+'),
          host: string('1+'),
          listener: string('3+'),
          securityProtocol: int16('1+'),
        }),
        rack: string('2+', { nullable: '2+' }),
      }),
    },
    response: {
      errorCode: int16('0+'),
    },
  },
)
