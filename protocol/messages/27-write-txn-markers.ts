import { api, array, bool, int8, int16, int32, int64, string } from '../schema.ts'

/**
 * Writes commit and abort markers into partitions, sent by the transaction coordinator. Version 2 carries the
 * transaction's version.
 */
export const writeTxnMarkers = api(
  27,
  'WriteTxnMarkers',
  '0-2',
  { flexible: '1+', legacy: '0', listeners: ['broker'], clusterAction: true },
  {
    request: {
      markers: array('0+', {
        producerId: int64('0+'),
        producerEpoch: int16('0+'),
        transactionResult: bool('0+'),
        topics: array('0+', {
          name: string('0+'),
          partitionIndexes: array('0+', 'int32'),
        }),
        coordinatorEpoch: int32('0+'),
        transactionVersion: int8('2+', { default: 0 }),
      }),
    },
    response: {
      markers: array('0+', {
        producerId: int64('0+'),
        topics: array('0+', {
          name: string('0+'),
          partitions: array('0+', {
            partitionIndex: int32('0+'),
            errorCode: int16('0+'),
          }),
        }),
      }),
    },
  },
)
