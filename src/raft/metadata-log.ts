/** The log `__cluster_metadata-0` among the logs of the broker. */
import type { BrokerConfig } from '../config/broker.ts'
import type { Log } from '../log/log.ts'
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts'
import type { Logs } from '../log/logs.ts'
import { metadataTopic, metadataTopicId } from '../metadata/internal-topics.ts'
import { metadataBatchBytesMax } from './quorum.ts'

/** Always synced, never expired by time or size: snapshots decide what may go. */
export function metadataLogConfig(config: BrokerConfig): LogConfig {
  return {
    ...defaultLogConfig,
    segmentBytes: config.metadataLogSegmentBytes,
    segmentMs: config.metadataLogSegmentMs,
    retentionMs: -1,
    retentionBytes: -1,
    cleanupPolicy: { delete: false, compact: false },
    maxMessageBytes: metadataBatchBytesMax,
  }
}

/** Loads it, or makes it. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
export function openMetadataLog(logs: Logs, config: BrokerConfig): Promise<Log> {
  return logs.create(metadataTopic, metadataTopicId, 0, metadataLogConfig(config))
}
