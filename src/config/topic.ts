/** The settings of a topic, and which broker setting stands in for one that the topic doesn't set. */
import {
  atLeast,
  between,
  betweenOr,
  bool,
  double,
  eachMatching,
  int,
  LONG_MAX,
  list,
  long,
  oneOf,
  string,
  subsetOf,
} from './setting.ts'
import type { BrokerSettingName } from './tables.ts'

export const topicSettings = {
  'segment.bytes': int(1_073_741_824, { valid: atLeast(1_048_576), doc: 'Largest segment file.' }),
  'segment.ms': long(604_800_000, {
    valid: atLeast(1),
    doc: "Age at which a segment is rolled even when it isn't full.",
  }),
  'segment.jitter.ms': long(0, { valid: atLeast(0), doc: 'Largest random time subtracted from that age.' }),
  'segment.index.bytes': int(10_485_760, { valid: atLeast(4), doc: 'Largest index file.' }),
  'flush.messages': long(LONG_MAX, {
    valid: atLeast(1),
    doc: 'Sync after this many records; when it is set, acknowledged writes no longer wait for a sync.',
  }),
  'flush.ms': long(LONG_MAX, {
    valid: atLeast(0),
    doc: 'Sync after this time; when it is set, acknowledged writes no longer wait for a sync.',
  }),
  'retention.bytes': long(-1, { doc: 'Bytes a partition keeps before old segments are deleted; -1 for no limit.' }),
  'retention.ms': long(604_800_000, { valid: atLeast(-1), doc: 'How long records are kept at least; -1 for ever.' }),
  'max.message.bytes': int(1_048_588, { valid: atLeast(0), doc: 'Largest record batch accepted, after compression.' }),
  'index.interval.bytes': int(4096, {
    valid: atLeast(0),
    doc: 'Bytes of records between two entries of the offset index.',
  }),
  'delete.retention.ms': long(86_400_000, { valid: atLeast(0), doc: 'How long tombstones survive compaction.' }),
  'min.compaction.lag.ms': long(0, { valid: atLeast(0), doc: 'Age below which a record is not compacted.' }),
  'max.compaction.lag.ms': long(LONG_MAX, { valid: atLeast(1), doc: 'Age at which a record must be compacted.' }),
  'file.delete.delay.ms': long(60_000, {
    valid: atLeast(0),
    doc: 'Time between marking a file as deleted and removing it.',
  }),
  'min.cleanable.dirty.ratio': double(0.5, {
    valid: between(0, 1),
    doc: 'Share of a log that must be dirty before it is compacted.',
  }),
  'cleanup.policy': list(['delete'], {
    valid: subsetOf(['compact', 'delete'], true),
    doc: 'What becomes of old segments: delete, compact, or both; empty keeps everything.',
  }),
  'unclean.leader.election.enable': bool(false, { doc: 'Whether a replica that lacks records may become leader.' }),
  'min.insync.replicas': int(1, {
    valid: atLeast(1),
    doc: 'Replicas that must hold a record before a write with acks=all succeeds.',
  }),
  'compression.type': string('producer', {
    valid: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    doc: 'The codec in which batches are kept; producer keeps what was sent.',
  }),
  'compression.gzip.level': int(-1, {
    valid: betweenOr(1, 9, -1),
    doc: 'Level when the broker itself compresses with gzip.',
  }),
  'compression.lz4.level': int(9, { valid: between(1, 17), doc: 'Level when the broker itself compresses with lz4.' }),
  'compression.zstd.level': int(3, {
    valid: between(-131072, 22),
    doc: 'Level when the broker itself compresses with zstd.',
  }),
  preallocate: bool(false, { doc: 'Whether segment files are made at full size.' }),
  'message.timestamp.type': string('CreateTime', {
    valid: oneOf('CreateTime', 'LogAppendTime'),
    doc: "Whether a record's time is set by its producer or when it is appended.",
  }),
  'message.timestamp.before.max.ms': long(LONG_MAX, {
    valid: atLeast(0),
    doc: "How far a record's time may lie in the past.",
  }),
  'message.timestamp.after.max.ms': long(3_600_000, {
    valid: atLeast(0),
    doc: "How far a record's time may lie in the future.",
  }),
  'leader.replication.throttled.replicas': list([], {
    valid: eachMatching('* or a list of partition:broker', /^(\*|\d+:\d+)$/),
    doc: 'Replicas throttled on the leader, as partition:broker, or * for all.',
  }),
  'follower.replication.throttled.replicas': list([], {
    valid: eachMatching('* or a list of partition:broker', /^(\*|\d+:\d+)$/),
    doc: 'Replicas throttled on the follower, as partition:broker, or * for all.',
  }),
  'remote.storage.enable': bool(false, { doc: 'Whether the topic is tiered.' }),
  'local.retention.ms': long(-2, {
    valid: atLeast(-2),
    doc: 'How long tiered records are kept locally; -2 for as long as retention.ms.',
  }),
  'local.retention.bytes': long(-2, {
    valid: atLeast(-2),
    doc: 'Bytes of tiered records kept locally; -2 for as many as retention.bytes.',
  }),
  'remote.log.copy.disable': bool(false, { doc: 'Whether no more segments are copied to remote storage.' }),
  'remote.log.delete.on.disable': bool(false, { doc: 'Whether remote data goes when tiering is turned off.' }),
  'internal.segment.bytes': int(null, { internal: true, doc: 'Segment size below the ordinary minimum, for tests.' }),
} as const

export type TopicSettingName = keyof typeof topicSettings

/** The broker setting that gives a topic setting its value; that setting may have older spellings: `synonyms.ts`. */
export const brokerNameOfTopicSetting: { readonly [K in TopicSettingName]?: BrokerSettingName } = {
  'segment.bytes': 'log.segment.bytes',
  'segment.ms': 'log.roll.ms',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'retention.bytes': 'log.retention.bytes',
  'retention.ms': 'log.retention.ms',
  'max.message.bytes': 'message.max.bytes',
  'index.interval.bytes': 'log.index.interval.bytes',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'cleanup.policy': 'log.cleanup.policy',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
  'min.insync.replicas': 'min.insync.replicas',
  'compression.type': 'compression.type',
  'compression.gzip.level': 'compression.gzip.level',
  'compression.lz4.level': 'compression.lz4.level',
  'compression.zstd.level': 'compression.zstd.level',
  preallocate: 'log.preallocate',
  'message.timestamp.type': 'log.message.timestamp.type',
  'message.timestamp.before.max.ms': 'log.message.timestamp.before.max.ms',
  'message.timestamp.after.max.ms': 'log.message.timestamp.after.max.ms',
  'local.retention.ms': 'log.local.retention.ms',
  'local.retention.bytes': 'log.local.retention.bytes',
}
