import { api, array, int16, string } from '../schema.ts'

/** Chooses a SASL mechanism. From version 1 on the tokens travel in SaslAuthenticate. */
export const saslHandshake = api(
  17,
  'SaslHandshake',
  '0-1',
  { flexible: 'none', listeners: ['broker', 'controller'] },
  {
    request: {
      mechanism: string('0+'),
    },
    response: {
      errorCode: int16('0+'),
      mechanisms: array('0+', 'string'),
    },
  },
)
