import { api, array, int16, int32, int64, string } from '../schema.ts'

/** Finds where a leader epoch ends. Version 2 fences by the current epoch, 3 names the replica that asks. */
export const offsetForLeaderEpoch = api(
  23,
  'OffsetForLeaderEpoch',
  '0-4',
  { flexible: '4+', legacy: '0-1', listeners: ['broker'] },
  {
    request: {
      replicaId: int32('3+', { default: -2 }),
      topics: array('0+', {
        topic: string('0+'),
        partitions: array('0+', {
          partition: int32('0+'),
          currentLeaderEpoch: int32('2+', { default: -1 }),
          leaderEpoch: int32('0+'),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('2+', { default: 0 }),
      topics: array('0+', {
        topic: string('0+'),
        partitions: array('0+', {
          errorCode: int16('0+'),
          partition: int32('0+'),
          leaderEpoch: int32('1+', { default: -1 }),
          endOffset: int64('0+', { default: -1 }),
        }),
      }),
    },
  },
)
