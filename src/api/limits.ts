/** Limits of single requests. Those of connections are in `network/limits.ts`, those of logs in `log/limits.ts`. */
export const requestLimits = {
  /** A Fetch waits no longer than this, whatever it asks for. */
  fetchWaitMsMax: 5 * 60_000,
  /** A Produce request with acks=0 is in work no longer than this, then its connection is closed. */
  unacknowledgedWaitMsMax: 60_000,
  /**
   * What a batch may come to while it is converted from or to the message formats of old clients: so many times
   * max.message.bytes, but not less and not more than these bytes.
   */
  convertedBatchTimes: 16,
  convertedBatchBytesMin: 16 << 20,
  convertedBatchBytesMax: 64 << 20,
  /** OffsetCommit and OffsetFetch 0 wait no longer for the coordinator that another broker is. */
  oldOffsetsWaitMsMax: 10_000,
} as const

/** See `requestLimits.convertedBatchTimes`. */
export function convertedBytesMax(maxMessageBytes: number): number {
  const { convertedBatchTimes, convertedBatchBytesMin, convertedBatchBytesMax } = requestLimits
  return Math.min(Math.max(maxMessageBytes * convertedBatchTimes, convertedBatchBytesMin), convertedBatchBytesMax)
}
