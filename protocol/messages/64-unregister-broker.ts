import { api, int16, int32, string } from '../schema.ts'

/** Removes a broker's registration. */
export const unregisterBroker = api(
  64,
  'UnregisterBroker',
  '0',
  { flexible: '0+', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      brokerId: int32('0+'),
    },
    response: {
      throttleTimeMs: int32('0+', { default: 0 }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    },
  },
)
