/** Every limit of the log room in one place. All in bytes unless the name says otherwise. */

export interface LogLimits {
  /** Recent batches kept in memory over all logs, beyond those that still wait for the disk. */
  readonly tailCacheBytes: number
  /** The same for one log, so that one busy partition does not take it all. */
  readonly tailCachePerLogBytes: number
  /** Most bytes that one turn of a write loop hands to one `writev`; a larger single batch goes alone. */
  readonly writeTurnBytes: number
  /** Most batches in one turn. */
  readonly writeTurnBatches: number
  /** Most bytes of one read from disk, whatever was asked for; a larger single batch is read whole. */
  readonly readBytes: number
  /** Read buffers kept for the next reads, over all logs. */
  readonly readBuffersBytes: number
  /** Files held open over all logs; the least recently used idle one is closed first. */
  readonly openFiles: number
  /** Indexes of closed segments kept in memory over all logs. */
  readonly indexCacheBytes: number
  /** Free space below which appends of clients are refused, so that checkpoints, metadata and deletes still work. */
  readonly reservedFreeBytes: number
  /** How long a measurement of free space is believed, milliseconds. */
  readonly spaceCheckMs: number
  /** Pause before a write that found the disk full is tried again, milliseconds. */
  readonly fullRetryMs: number
  /** Logs loaded, or closed, at the same time for each recovery thread asked for: one log alone mostly waits. */
  readonly loadsPerRecoveryThread: number
  /** Bytes read at a time while a segment is scanned. */
  readonly scanBytes: number
  /** The same in the background: what is verified in one go, so that nobody waits for long. */
  readonly scrubBytes: number
  /** How long a log that has just been scrubbed is not scrubbed again because a reader wonders, milliseconds. */
  readonly suspicionPauseMs: number
  /** How long compaction keeps the event loop at a time, milliseconds. */
  readonly cleanerSliceMs: number
  /** How long it then pauses when others have work, milliseconds. */
  readonly cleanerRestMs: number
  /** Written by compaction before it is synced. */
  readonly cleanerSyncBytes: number
}

export const logLimits: LogLimits = {
  tailCacheBytes: 64 << 20,
  tailCachePerLogBytes: 16 << 20,
  writeTurnBytes: 8 << 20,
  writeTurnBatches: 4096,
  readBytes: 8 << 20,
  readBuffersBytes: 32 << 20,
  openFiles: 1024,
  indexCacheBytes: 16 << 20,
  reservedFreeBytes: 64 << 20,
  spaceCheckMs: 1000,
  fullRetryMs: 500,
  loadsPerRecoveryThread: 8,
  scanBytes: 1 << 20,
  scrubBytes: 256 << 10,
  suspicionPauseMs: 5000,
  cleanerSliceMs: 2,
  cleanerRestMs: 4,
  cleanerSyncBytes: 4 << 20,
}
