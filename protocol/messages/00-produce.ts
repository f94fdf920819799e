import { api, array, int16, int32, int64, records, string, struct, uuid } from '../schema.ts'

/**
 * Appends record batches to partitions. Version 3 brings magic 2 and transactions, 5 the log start offset, 7
 * zstd, 8 errors by record, 10 hints to the new leader, 12 adds partitions to the transaction by itself, 13
 * names topics by id.
 */
export const produce = api(
  0,
  'Produce',
  '0-13',
  { flexible: '9+', legacy: '0-2', listeners: ['broker'] },
  {
    request: {
      transactionalId: string('3+', { nullable: '3+', default: null }),
      acks: int16('0+'),
      timeoutMs: int32('0+'),
      topicData: array('0+', {
        name: string('0-12'),
        topicId: uuid('13+'),
        partitionData: array('0+', {
          index: int32('0+'),
          records: records('0+', { nullable: '0+' }),
        }),
      }),
    },
    response: {
      responses: array('0+', {
        name: string('0-12'),
        topicId: uuid('13+'),
        partitionResponses: array('0+', {
          index: int32('0+'),
          errorCode: int16('0+'),
          baseOffset: int64('0+'),
          logAppendTimeMs: int64('2+', { default: -1 }),
          logStartOffset: int64('5+', { default: -1 }),
          recordErrors: array('8+', {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', { nullable: '8+', default: null }),
          }),
          errorMessage: string('8+', { nullable: '8+', default: null }),
          currentLeader: struct(
            '10+',
            {
              leaderId: int32('10+', { default: -1 }),
              leaderEpoch: int32('10+', { default: -1 }),
            },
            { tag: 0 },
          ),
        }),
      }),
      throttleTimeMs: int32('1+', { default: 0 }),
      nodeEndpoints: array(
        '10+',
        {
          nodeId: int32('10+'),
          host: string('10+'),
          port: int32('10+'),
          rack: string('10+', { nullable: '10+', default: null }),
        },
        { tag: 0 },
      ),
    },
  },
)
