/** The principal inside Envelope. */
import { bool, message, string } from '../schema.ts'

/** A principal as a broker passes it to the controller inside Envelope. */
export const defaultPrincipalData = message(
  'DefaultPrincipalData',
  '0',
  { flexible: '0+' },
  {
    type: string('0+'),
    name: string('0+'),
    tokenAuthenticated: bool('0+'),
  },
)
