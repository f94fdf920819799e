import { api, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Commits or aborts a transaction. From version 5 the producer's epoch is bumped with each transaction and the
 * answer carries it.
 */
export const endTxn = api(
  26,
  'EndTxn',
  '0-5',
  { flexible: '3+', listeners: ['broker'] },
  {
    request: {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      committed: bool('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      producerId: int64('5+', { default: -1 }),
      producerEpoch: int16('5+', { default: -1 }),
    },
  },
)
