import { api, array, int16, int32, int64, string } from '../schema.ts'

/**
 * Commits a group's offsets inside a transaction. Version 2 brings leader epochs, 3 fencing by member and
 * generation, 5 adds the group to the transaction by itself.
 */
export const txnOffsetCommit = api(
  28,
  'TxnOffsetCommit',
  '0-5',
  { flexible: '3+', listeners: ['broker'] },
  {
    request: {
      transactionalId: string('0+'),
      groupId: string('0+'),
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      generationId: int32('3+', { default: -1 }),
      memberId: string('3+', { default: '' }),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          committedOffset: int64('0+'),
          committedLeaderEpoch: int32('2+', { default: -1 }),
          committedMetadata: string('0+', { nullable: '0+' }),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    },
  },
)
