/** What can be told about a request without looking at its group. */
import { type ErrorCode, Errors } from '../../../protocol/errors.ts'
import type { RequestEvent } from './events.ts'
import type { GroupSettings } from './settings.ts'

export function checkRequest(event: RequestEvent, settings: GroupSettings): ErrorCode {
  switch (event.kind) {
    case 'join': {
      if (event.groupId === '') return Errors.INVALID_GROUP_ID
      const { sessionTimeoutMs } = event
      const allowed =
        sessionTimeoutMs >= settings.sessionTimeoutMinMs && sessionTimeoutMs <= settings.sessionTimeoutMaxMs
      return allowed ? Errors.NONE : Errors.INVALID_SESSION_TIMEOUT
    }
    case 'sync':
    case 'heartbeat':
    case 'leave':
    case 'offsetDelete':
      return event.groupId === '' ? Errors.INVALID_GROUP_ID : Errors.NONE
    default:
      // Old consumers commit and fetch offsets of the group with the empty name, and tools look at it.
      return Errors.NONE
  }
}
