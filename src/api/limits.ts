/** Limits of single requests. Those of connections are in `network/limits.ts`, those of logs in `log/limits.ts`. */
export const requestLimits = {
  /** A Fetch waits no longer than this, whatever it asks for. */
  fetchWaitMsMax: 5 * 60_000,
  /** DeleteRecords, CreateTopics and the like wait no longer than this. */
  adminWaitMsMax: 5 * 60_000,
} as const
