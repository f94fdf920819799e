/** What this machine is called. */
import { hostname } from 'node:os'

/** The address that clients are told when a listener is bound to every interface and nothing is advertised. */
export function machineName(): string {
  return hostname()
}
