/** Every limit of the client room, in one table. */

const MiB = 1024 * 1024

export const clientLimits = {
  /** Pause before asking again; it doubles each time. */
  backoffMs: 30,
  backoffMaxMs: 1000,
  /** Records of a batch, before compression. */
  batchBytesMax: 512 * 1024,
  /** Records that wait to be sent, of all partitions. */
  bufferedBytesMax: 32 * MiB,
  /** One answer to a fetch, and what of it is one partition's. */
  fetchBytesMax: 8 * MiB,
  partitionFetchBytesMax: 2 * MiB,
  /** How long a broker may hold a fetch for want of records. */
  fetchWaitMs: 500,
  /** Records of a batch after decompression. */
  decompressedBytesMax: 256 * MiB,
  /** As a member of a group. */
  sessionMs: 30_000,
  heartbeatMs: 1000,
  rebalanceMs: 30_000,
  leaveMs: 2000,
  peers: { connectTimeoutMs: 5000, frameBytesMax: 256 * MiB },
} as const
