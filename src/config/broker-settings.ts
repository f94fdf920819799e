/**
 * The broker settings that this broker reads, with the defaults of Apache Kafka 4.3. Where our own start differs:
 * `defaults.ts`.
 */
import {
  atLeast,
  between,
  betweenOr,
  bool,
  INT_MAX,
  int,
  LONG_MAX,
  list,
  long,
  names,
  oneOf,
  short,
  string,
  subsetOf,
} from './setting.ts'

export const brokerSettings = {
  // node
  'broker.id': int(-1, { importance: 'high', doc: 'Older name of node.id; when both are set they must agree.' }),
  'node.id': int(1, {
    required: true,
    valid: atLeast(0),
    importance: 'high',
    doc: 'Identifies this node in the cluster; unique and stable.',
  }),
  'broker.rack': string(null, {
    doc: 'Failure domain of this broker, told to clients and used when replicas are placed.',
  }),

  // metadata log
  'metadata.log.dir': string(null, {
    importance: 'high',
    doc: 'Directory of the metadata log; the first of log.dirs when not set.',
  }),
  'metadata.log.segment.bytes': int(1_073_741_824, {
    valid: atLeast(8_388_608),
    importance: 'high',
    doc: 'Largest segment file of the metadata log.',
  }),
  'metadata.log.segment.ms': long(604_800_000, {
    importance: 'high',
    doc: 'Age at which a segment of the metadata log is rolled.',
  }),
  'metadata.log.max.record.bytes.between.snapshots': long(20_971_520, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Bytes of metadata records after which a new snapshot is taken.',
  }),
  'metadata.log.max.snapshot.interval.ms': long(3_600_000, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'Longest time between two metadata snapshots when there is something new; 0 for no limit.',
  }),

  // network
  listeners: list(['PLAINTEXT://:9092'], {
    valid: names(false),
    importance: 'high',
    doc: 'Where the broker listens, as NAME://host:port; an empty host means every interface.',
  }),
  'advertised.listeners': list(null, {
    valid: names(false),
    importance: 'high',
    doc: 'The addresses that clients are told; those of listeners when not set.',
  }),
  'listener.security.protocol.map': string(
    'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    { importance: 'low', doc: 'Which security protocol each listener name speaks.' },
  ),
  'inter.broker.listener.name': string(null, {
    doc: 'The listener that other brokers use; chosen by security.inter.broker.protocol when not set.',
  }),
  'security.inter.broker.protocol': string('PLAINTEXT', {
    valid: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
    doc: 'Security protocol between brokers, when inter.broker.listener.name is not set.',
  }),
  'socket.listen.backlog.size': int(50, { valid: atLeast(1), doc: 'Connections that may wait to be accepted.' }),
  'socket.request.max.bytes': int(104_857_600, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Largest request accepted; a larger one closes the connection.',
  }),
  'max.connections': int(INT_MAX, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Most connections to this broker at once.',
  }),
  'max.connections.per.ip': int(INT_MAX, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Most connections from one address at once.',
  }),
  'max.connections.per.ip.overrides': string('', {
    dynamic: 'cluster',
    doc: 'Other limits for single addresses or host names, as host:count.',
  }),
  'connections.max.idle.ms': long(600_000, { doc: 'An idle connection is closed after this time.' }),
  'queued.max.request.bytes': long(-1, {
    doc: 'Bytes of requests in work before the network stops reading; -1 for the built-in limit.',
  }),
  'request.timeout.ms': int(30_000, { importance: 'high', doc: 'How long a request that waits for others may take.' }),
  'fetch.max.bytes': int(57_671_680, {
    valid: atLeast(1024),
    doc: 'Most bytes a fetch answer may hold, whatever the consumer asks.',
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, {
    valid: atLeast(0),
    doc: 'Incremental fetch sessions kept at once.',
  }),
  'max.request.partition.size.limit': int(2000, {
    valid: atLeast(1),
    doc: 'Most partitions described by one DescribeTopicPartitions answer.',
  }),

  // topics
  'num.partitions': int(1, { valid: atLeast(1), doc: 'Partitions of a topic that is created without a count.' }),
  'default.replication.factor': int(1, { doc: 'Replicas of a topic that is created without a count.' }),
  'auto.create.topics.enable': bool(true, {
    importance: 'high',
    doc: 'Whether asking for an unknown topic may create it.',
  }),
  'delete.topic.enable': bool(true, { importance: 'high', doc: 'Whether topics may be deleted.' }),
  'message.max.bytes': int(1_048_588, {
    valid: atLeast(0),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Largest record batch accepted, after compression.',
  }),
  'min.insync.replicas': int(1, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Replicas that must hold a record before a write with acks=all succeeds.',
  }),
  'unclean.leader.election.enable': bool(false, {
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Whether a replica that lacks records may become leader.',
  }),
  'compression.type': string('producer', {
    valid: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'The codec in which batches are kept; producer keeps what was sent.',
  }),
  'compression.gzip.level': int(-1, {
    valid: betweenOr(1, 9, -1),
    dynamic: 'cluster',
    doc: 'Level when the broker itself compresses with gzip.',
  }),
  'compression.lz4.level': int(9, {
    valid: between(1, 17),
    dynamic: 'cluster',
    doc: 'Level when the broker itself compresses with lz4.',
  }),
  'compression.zstd.level': int(3, {
    valid: between(-131072, 22),
    dynamic: 'cluster',
    doc: 'Level when the broker itself compresses with zstd.',
  }),

  // log
  'log.dir': list(['/tmp/kafka-logs'], {
    valid: names(false),
    importance: 'high',
    doc: 'Directory of the data, when log.dirs is not set.',
  }),
  'log.dirs': list(null, { valid: names(false), importance: 'high', doc: 'Directories of the data.' }),
  'log.segment.bytes': int(1_073_741_824, {
    valid: atLeast(1_048_576),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Largest segment file.',
  }),
  'log.roll.ms': long(null, {
    importance: 'high',
    dynamic: 'cluster',
    doc: "Age at which a segment is rolled even when it isn't full.",
  }),
  'log.roll.hours': int(168, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'The same in hours, when log.roll.ms is not set.',
  }),
  'log.roll.jitter.ms': long(null, {
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Largest random time subtracted from that age.',
  }),
  'log.roll.jitter.hours': int(0, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'The same in hours, when log.roll.jitter.ms is not set.',
  }),
  'log.retention.ms': long(null, {
    importance: 'high',
    dynamic: 'cluster',
    doc: 'How long records are kept at least; -1 for ever.',
  }),
  'log.retention.minutes': int(null, {
    importance: 'high',
    doc: 'The same in minutes, when log.retention.ms is not set.',
  }),
  'log.retention.hours': int(168, { importance: 'high', doc: 'The same in hours, when neither of the others is set.' }),
  'log.retention.bytes': long(-1, {
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Bytes a partition keeps before old segments are deleted; -1 for no limit.',
  }),
  'log.retention.check.interval.ms': long(300_000, {
    valid: atLeast(1),
    doc: 'How often segments are looked over for deletion.',
  }),
  'log.cleanup.policy': list(['delete'], {
    valid: subsetOf(['compact', 'delete'], true),
    dynamic: 'cluster',
    doc: 'What becomes of old segments: delete, compact, or both.',
  }),
  'log.index.size.max.bytes': int(10_485_760, { valid: atLeast(4), dynamic: 'cluster', doc: 'Largest index file.' }),
  'log.index.interval.bytes': int(4096, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Bytes of records between two entries of the offset index.',
  }),
  'log.flush.interval.messages': long(LONG_MAX, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Sync after this many records; when it is set, acknowledged writes no longer wait for a sync.',
  }),
  'log.flush.interval.ms': long(null, {
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Sync after this time; when it is set, acknowledged writes no longer wait for a sync.',
  }),
  'log.flush.scheduler.interval.ms': long(LONG_MAX, {
    importance: 'high',
    doc: 'How often the flush time is checked; stands in for log.flush.interval.ms when that is not set.',
  }),
  'log.flush.offset.checkpoint.interval.ms': int(60_000, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'How often the recovery points are written.',
  }),
  'log.flush.start.offset.checkpoint.interval.ms': int(60_000, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'How often the log start offsets are written.',
  }),
  'log.segment.delete.delay.ms': long(60_000, {
    valid: atLeast(0),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Time between marking a file as deleted and removing it.',
  }),
  'log.preallocate': bool(false, { dynamic: 'cluster', doc: 'Whether segment files are made at full size.' }),
  'num.recovery.threads.per.data.dir': int(2, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Logs of a directory that are loaded at the same time.',
  }),
  'log.message.timestamp.type': string('CreateTime', {
    valid: oneOf('CreateTime', 'LogAppendTime'),
    dynamic: 'cluster',
    doc: "Whether a record's time is set by its producer or when it is appended.",
  }),
  'log.message.timestamp.before.max.ms': long(LONG_MAX, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: "How far a record's time may lie in the past.",
  }),
  'log.message.timestamp.after.max.ms': long(3_600_000, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: "How far a record's time may lie in the future.",
  }),

  // replication
  'replica.high.watermark.checkpoint.interval.ms': long(5000, {
    importance: 'high',
    doc: 'How often the high watermarks are written.',
  }),

  // groups
  'offsets.commit.timeout.ms': int(5000, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'How long an offset commit may wait for its replicas.',
  }),
  'offsets.topic.replication.factor': short(3, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Replicas of the topic that holds group offsets.',
  }),
  'offsets.topic.num.partitions': int(50, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Partitions of the topic that holds group offsets; never to be changed.',
  }),
  'offsets.topic.segment.bytes': int(104_857_600, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Segment size of the topic that holds group offsets.',
  }),
  'offset.metadata.max.bytes': int(4096, {
    importance: 'high',
    doc: 'Longest text that may be committed with an offset.',
  }),
  'offsets.retention.minutes': int(10_080, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'How long offsets of an empty group, or of a partition nobody consumes, are kept.',
  }),
  'offsets.retention.check.interval.ms': long(600_000, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'How often expired offsets are looked for.',
  }),
  'group.min.session.timeout.ms': int(6000, { doc: 'Shortest session timeout a classic member may ask for.' }),
  'group.max.session.timeout.ms': int(1_800_000, { doc: 'Longest session timeout a classic member may ask for.' }),
  'group.initial.rebalance.delay.ms': int(3000, {
    doc: 'How long a new group waits for more members before its first rebalance.',
  }),
  'group.max.size': int(INT_MAX, { valid: atLeast(1), doc: 'Most members of a classic group.' }),

  // scrubbing
  'ottla.log.scrub.max.bytes.per.second': long(33_554_432, {
    valid: atLeast(0),
    importance: 'low',
    doc: 'How fast stored records are read in the background to verify their checksums; 0 for not at all.',
  }),
  'ottla.log.scrub.interval.ms': long(604_800_000, {
    valid: atLeast(1000),
    importance: 'low',
    doc: 'Time between two rounds over all stored records that verify their checksums. The first follows the start.',
  }),

  // transactions
  'producer.id.expiration.ms': int(86_400_000, {
    valid: atLeast(1),
    importance: 'low',
    dynamic: 'cluster',
    doc: "How long an idle producer's sequence numbers are remembered.",
  }),
  'producer.id.expiration.check.interval.ms': int(600_000, {
    valid: atLeast(1),
    importance: 'low',
    internal: true,
    doc: 'How often expired producers are looked for.',
  }),
} as const
