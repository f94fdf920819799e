import { api, int16, int32, int64 } from '../schema.ts'

/** Gives a broker a block of producer ids. */
export const allocateProducerIds = api(
  67,
  'AllocateProducerIds',
  '0',
  { flexible: '0+', listeners: ['controller'], forwarded: true, clusterAction: true },
  {
    request: {
      brokerId: int32('0+'),
      brokerEpoch: int64('0+', { default: -1 }),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      producerIdStart: int64('0+'),
      producerIdLen: int32('0+'),
    },
  },
)
