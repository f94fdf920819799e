import { api, int16, int32, int64, string } from '../schema.ts'

/** Adds a group's offsets to a transaction. */
export const addOffsetsToTxn = api(
  25,
  'AddOffsetsToTxn',
  '0-4',
  { flexible: '3+', listeners: ['broker'] },
  {
    request: {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      groupId: string('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
    },
  },
)
