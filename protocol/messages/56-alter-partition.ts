import { api, array, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/**
 * Asks the controller to change a partition's in-sync set. Version 1 brings leader recovery, 2 topic ids, 3 the
 * epochs of the in-sync brokers.
 */
export const alterPartition = api(
  56,
  'AlterPartition',
  '0-3',
  { flexible: '0+', legacy: '0-1', listeners: ['controller'], clusterAction: true },
  {
    request: {
      brokerId: int32('0+'),
      brokerEpoch: int64('0+', { default: -1 }),
      topics: array('0+', {
        topicName: string('0-1', { default: '' }),
        topicId: uuid('2+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          leaderEpoch: int32('0+'),
          newIsr: array('0-2', 'int32'),
          newIsrWithEpochs: array('3+', {
            brokerId: int32('3+'),
            brokerEpoch: int64('3+', { default: -1 }),
          }),
          leaderRecoveryState: int8('1+', { default: 0 }),
          partitionEpoch: int32('0+'),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      topics: array('0+', {
        topicName: string('0-1', { default: '' }),
        topicId: uuid('2+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
          isr: array('0+', 'int32'),
          leaderRecoveryState: int8('1+', { default: 0 }),
          partitionEpoch: int32('0+'),
        }),
      }),
    },
  },
)
