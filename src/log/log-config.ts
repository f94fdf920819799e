/** The settings of one log: Kafka's topic configs in units and types of their own. */

export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentJitterMs: number
  /** Most bytes of an offset or time index; a full one makes the log roll. */
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  /** -1: no limit. */
  readonly retentionMs: number
  /** -1: no limit. */
  readonly retentionBytes: number
  readonly maxMessageBytes: number
  /** Null unless set explicitly: then every acknowledged write is synced (docs/decisions). */
  readonly flushMessages: number | null
  /** Null unless set explicitly, as flushMessages. */
  readonly flushMs: number | null
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean }
  readonly compressionType: CompressionType
  readonly compressionGzipLevel: number
  readonly compressionLz4Level: number
  readonly compressionZstdLevel: number
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampAfterMaxMs: number
  readonly fileDeleteDelayMs: number
  readonly minInsyncReplicas: number
  readonly preallocate: boolean
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
}

export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Kafka 4.3's defaults, and the synced acknowledgement that is ours. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1 << 30,
  segmentMs: 7 * 24 * 3_600_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 << 20,
  indexIntervalBytes: 4096,
  retentionMs: 7 * 24 * 3_600_000,
  retentionBytes: -1,
  maxMessageBytes: 1_048_588,
  flushMessages: null,
  flushMs: null,
  cleanupPolicy: { delete: true, compact: false },
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: 3_600_000,
  fileDeleteDelayMs: 60_000,
  minInsyncReplicas: 1,
  preallocate: false,
  deleteRetentionMs: 86_400_000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  minCleanableDirtyRatio: 0.5,
}

/**
 * Whether an acknowledged write has been synced. `flush.messages` = 1 asks for the same in Kafka's words; any other
 * explicit value chooses Kafka's behaviour, where the page cache counts.
 */
export function syncsEveryWrite(config: LogConfig): boolean {
  return (config.flushMessages === null && config.flushMs === null) || config.flushMessages === 1
}

/** Age at which a segment is rolled: only what is in a closed one can be compacted in time. */
export function segmentMsOf(config: LogConfig): number {
  return config.cleanupPolicy.compact ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs
}
