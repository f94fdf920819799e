import { api, bytes, int16 } from '../schema.ts'

/** Wraps a client's request that a broker forwards to the active controller. */
export const envelope = api(
  58,
  'Envelope',
  '0',
  { flexible: '0+', listeners: ['controller'], clusterAction: true },
  {
    request: {
      requestData: bytes('0+'),
      requestPrincipal: bytes('0+', { nullable: '0+' }),
      clientHostAddress: bytes('0+'),
    },
    response: {
      responseData: bytes('0+', { nullable: '0+', default: null }),
      errorCode: int16('0+'),
    },
  },
)
