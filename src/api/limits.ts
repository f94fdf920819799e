/** Limits of single requests. Those of connections are in `network/limits.ts`, those of logs in `log/limits.ts`. */
export const requestLimits = {
  /** A Fetch waits no longer than this, whatever it asks for. */
  fetchWaitMsMax: 5 * 60_000,
  /** A Produce request with acks=0 is in work no longer than this, then its connection is closed. */
  unacknowledgedWaitMsMax: 60_000,
} as const
