import { api, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Gives a producer its id and epoch. Version 3 bumps an epoch given by the producer, 6 prepares two-phase commit
 * and is not final.
 */
export const initProducerId = api(
  22,
  'InitProducerId',
  '0-6',
  { flexible: '2+', unstable: '6', listeners: ['broker'] },
  {
    request: {
      transactionalId: string('0+', { nullable: '0+' }),
      transactionTimeoutMs: int32('0+'),
      producerId: int64('3+', { default: -1 }),
      producerEpoch: int16('3+', { default: -1 }),
      enable2Pc: bool('6+', { default: false }),
      keepPreparedTxn: bool('6+', { default: false }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      producerId: int64('0+', { default: -1 }),
      producerEpoch: int16('0+'),
      ongoingTxnProducerId: int64('6+', { default: -1 }),
      ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
    },
  },
)
