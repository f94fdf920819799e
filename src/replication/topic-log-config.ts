/** The settings of a topic's logs, out of everything that has a say in them. */
import type { EffectiveConfigs } from '../config/effective.ts'
import type { CompressionType, LogConfig } from '../log/log-config.ts'

/** What the logs of `topic` go by now. Ask again when a config of the topic or of the broker changed. */
export function topicLogConfig(topic: string, configs: EffectiveConfigs): LogConfig {
  const value: EffectiveConfigs['topicValue'] = (of, name) => configs.topicValue(of, name)
  const policy = value(topic, 'cleanup.policy')
  return {
    segmentBytes: value(topic, 'internal.segment.bytes') ?? value(topic, 'segment.bytes'),
    segmentMs: value(topic, 'segment.ms'),
    segmentJitterMs: value(topic, 'segment.jitter.ms'),
    segmentIndexBytes: value(topic, 'segment.index.bytes'),
    indexIntervalBytes: value(topic, 'index.interval.bytes'),
    retentionMs: value(topic, 'retention.ms'),
    retentionBytes: value(topic, 'retention.bytes'),
    maxMessageBytes: value(topic, 'max.message.bytes'),
    // Only what was asked for changes when an acknowledged write is synced.
    flushMessages: configs.isTopicValueSet(topic, 'flush.messages') ? value(topic, 'flush.messages') : null,
    flushMs: configs.isTopicValueSet(topic, 'flush.ms') ? value(topic, 'flush.ms') : null,
    cleanupPolicy: { delete: policy.includes('delete'), compact: policy.includes('compact') },
    compressionType: value(topic, 'compression.type') as CompressionType,
    compressionGzipLevel: value(topic, 'compression.gzip.level'),
    compressionLz4Level: value(topic, 'compression.lz4.level'),
    compressionZstdLevel: value(topic, 'compression.zstd.level'),
    messageTimestampType: value(topic, 'message.timestamp.type') as LogConfig['messageTimestampType'],
    messageTimestampBeforeMaxMs: value(topic, 'message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: value(topic, 'message.timestamp.after.max.ms'),
    fileDeleteDelayMs: value(topic, 'file.delete.delay.ms'),
    minInsyncReplicas: value(topic, 'min.insync.replicas'),
    preallocate: value(topic, 'preallocate'),
    deleteRetentionMs: value(topic, 'delete.retention.ms'),
    minCompactionLagMs: value(topic, 'min.compaction.lag.ms'),
    maxCompactionLagMs: value(topic, 'max.compaction.lag.ms'),
    minCleanableDirtyRatio: value(topic, 'min.cleanable.dirty.ratio'),
  }
}
