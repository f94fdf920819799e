import { api, bytes, int16, int64, string } from '../schema.ts'

/** Carries one SASL token each way. Version 1 tells how long the session lasts. */
export const saslAuthenticate = api(
  36,
  'SaslAuthenticate',
  '0-2',
  { flexible: '2+', listeners: ['broker', 'controller'] },
  {
    request: {
      authBytes: bytes('0+'),
    },
    response: {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      authBytes: bytes('0+'),
      sessionLifetimeMs: int64('1+', { default: 0 }),
    },
  },
)
