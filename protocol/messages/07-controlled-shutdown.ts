import { api, array, int16, int32, int64, string } from '../schema.ts'

/** Announced a broker's shutdown in the days of ZooKeeper. Kafka 4 has no version of it. */
export const controlledShutdown = api(
  7,
  'ControlledShutdown',
  '0-3',
  { flexible: '3+', legacy: '0-3', listeners: [], clusterAction: true },
  {
    request: {
      brokerId: int32('0+'),
      brokerEpoch: int64('2+', { default: -1 }),
    },
    response: {
      errorCode: int16('0+'),
      remainingPartitions: array('0+', {
        topicName: string('0+'),
        partitionIndex: int32('0+'),
      }),
    },
  },
)
