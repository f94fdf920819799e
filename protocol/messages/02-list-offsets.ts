import { api, array, int8, int16, int32, int64, string } from '../schema.ts'

/**
 * Finds offsets by timestamp, where negative timestamps name special places (-1 latest, -2 earliest, -3 largest
 * timestamp, -4 earliest local, -5 latest tiered, -6 earliest pending upload). Version 1 answers one offset, 2
 * knows isolation levels, 4 leader epochs, 10 a timeout.
 */
export const listOffsets = api(
  2,
  'ListOffsets',
  '0-11',
  { flexible: '6+', legacy: '0', listeners: ['broker'] },
  {
    request: {
      replicaId: int32('0+'),
      isolationLevel: int8('2+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          currentLeaderEpoch: int32('4+', { default: -1 }),
          timestamp: int64('0+'),
          maxNumOffsets: int32('0', { default: 1 }),
        }),
      }),
      timeoutMs: int32('10+'),
    },
    response: {
      throttleTimeMs: int32('2+', { default: 0 }),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
          oldStyleOffsets: array('0', 'int64'),
          timestamp: int64('1+', { default: -1 }),
          offset: int64('1+', { default: -1 }),
          leaderEpoch: int32('4+', { default: -1 }),
        }),
      }),
    },
  },
)
