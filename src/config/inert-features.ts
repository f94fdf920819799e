/** More of `inert.ts`: the settings of whole features that this broker doesn't serve. */
import {
  atLeast,
  between,
  bool,
  className,
  double,
  INT_MAX,
  int,
  LONG_MAX,
  list,
  long,
  names,
  nonEmpty,
  short,
  string,
} from './setting.ts'

export const inertFeatureSettings = {
  // share
  'group.share.session.timeout.ms': int(45_000, { valid: atLeast(1), doc: 'Session timeout of share groups.' }),
  'group.share.min.session.timeout.ms': int(45_000, {
    valid: atLeast(1),
    doc: 'Smallest session timeout a share group may be given.',
  }),
  'group.share.max.session.timeout.ms': int(60_000, {
    valid: atLeast(1),
    doc: 'Largest session timeout a share group may be given.',
  }),
  'group.share.heartbeat.interval.ms': int(5000, { valid: atLeast(1), doc: 'Heartbeat interval of share groups.' }),
  'group.share.min.heartbeat.interval.ms': int(5000, {
    valid: atLeast(1),
    doc: 'Smallest heartbeat interval a share group may be given.',
  }),
  'group.share.max.heartbeat.interval.ms': int(15_000, {
    valid: atLeast(1),
    doc: 'Largest heartbeat interval a share group may be given.',
  }),
  'group.share.max.size': int(200, { valid: between(1, 1000), doc: 'Most members of a share group.' }),
  'group.share.assignors': list(['simple'], { valid: names(false), doc: 'Assignors of share groups.' }),
  'group.share.assignment.interval.ms': int(1000, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Shortest time between two assignments of a share group.',
  }),
  'group.share.min.assignment.interval.ms': int(0, {
    valid: atLeast(0),
    doc: 'Smallest assignment interval a share group may be given.',
  }),
  'group.share.max.assignment.interval.ms': int(15_000, {
    valid: atLeast(0),
    doc: 'Largest assignment interval a share group may be given.',
  }),
  'group.share.initialize.retry.interval.ms': int(30_000, {
    valid: atLeast(1),
    importance: 'low',
    internal: true,
    doc: 'Wait before the state of a share partition is initialized again.',
  }),
  'group.share.delivery.count.limit': int(5, {
    valid: between(2, 10),
    doc: 'How often a record is delivered before it is given up.',
  }),
  'group.share.max.delivery.count.limit': int(10, {
    valid: between(5, 25),
    doc: 'Largest delivery count a share group may be given.',
  }),
  'group.share.min.delivery.count.limit': int(2, {
    valid: between(2, 5),
    doc: 'Smallest delivery count a share group may be given.',
  }),
  'group.share.record.lock.duration.ms': int(30_000, {
    valid: between(1000, 3600000),
    doc: 'How long a record stays locked by the member that acquired it.',
  }),
  'group.share.min.record.lock.duration.ms': int(15_000, {
    valid: between(1000, 30000),
    doc: 'Shortest lock a share group may be given.',
  }),
  'group.share.max.record.lock.duration.ms': int(60_000, {
    valid: between(30000, 3600000),
    doc: 'Longest lock a share group may be given.',
  }),
  'group.share.partition.max.record.locks': int(2000, {
    valid: between(100, 10000),
    doc: 'Records of one partition that may be locked at once.',
  }),
  'group.share.max.partition.max.record.locks': int(4000, {
    valid: between(2000, 10000),
    doc: 'Largest lock count a share group may be given.',
  }),
  'group.share.min.partition.max.record.locks': int(100, {
    valid: between(100, 2000),
    doc: 'Smallest lock count a share group may be given.',
  }),
  'group.share.max.share.sessions': int(2000, { valid: atLeast(1), doc: 'Share sessions kept at once.' }),
  'group.share.persister.class.name': string('org.apache.kafka.server.share.persister.DefaultStatePersister', {
    internal: true,
    doc: 'Class that keeps the state of share partitions.',
  }),
  'share.fetch.purgatory.purge.interval.requests': int(1000, {
    doc: 'How many answered share fetches may be remembered before they are dropped.',
  }),
  'share.coordinator.state.topic.num.partitions': int(50, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Partitions of the topic that holds share state.',
  }),
  'share.coordinator.state.topic.replication.factor': short(3, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Replicas of the topic that holds share state.',
  }),
  'share.coordinator.state.topic.min.isr': short(2, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'In-sync replicas that a write of share state needs.',
  }),
  'share.coordinator.state.topic.segment.bytes': int(104_857_600, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Segment size of the topic that holds share state.',
  }),
  'share.coordinator.threads': int(1, { valid: atLeast(1), doc: 'Threads of the share coordinator.' }),
  'share.coordinator.snapshot.update.records.per.snapshot': int(500, {
    valid: between(0, 500),
    doc: 'Updates of share state between two snapshots of it.',
  }),
  'share.coordinator.load.buffer.size': int(5_242_880, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Bytes read at once while share state is loaded.',
  }),
  'share.coordinator.state.topic.compression.codec': int(0, {
    importance: 'high',
    doc: 'Codec of the topic that holds share state.',
  }),
  'share.coordinator.append.linger.ms': int(-1, {
    valid: atLeast(-1),
    doc: 'How long the share coordinator gathers records; -1 to choose by load.',
  }),
  'share.coordinator.write.timeout.ms': int(5000, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'How long a write of share state may take.',
  }),
  'share.coordinator.state.topic.prune.interval.ms': int(300_000, {
    valid: atLeast(1),
    importance: 'low',
    internal: true,
    doc: 'How often old share state is deleted.',
  }),
  'share.coordinator.cold.partition.snapshot.interval.ms': int(300_000, {
    valid: atLeast(1),
    importance: 'low',
    internal: true,
    doc: 'How often unused share partitions get a snapshot.',
  }),
  'share.coordinator.cached.buffer.max.bytes': int(1_048_588, {
    valid: atLeast(524_288),
    dynamic: 'cluster',
    doc: 'Largest write buffer that the share coordinator keeps for reuse.',
  }),

  // streams
  'group.streams.session.timeout.ms': int(45_000, { valid: atLeast(1), doc: 'Session timeout of streams groups.' }),
  'group.streams.min.session.timeout.ms': int(45_000, {
    valid: atLeast(1),
    doc: 'Smallest session timeout a streams group may be given.',
  }),
  'group.streams.max.session.timeout.ms': int(60_000, {
    valid: atLeast(1),
    doc: 'Largest session timeout a streams group may be given.',
  }),
  'group.streams.heartbeat.interval.ms': int(5000, { valid: atLeast(1), doc: 'Heartbeat interval of streams groups.' }),
  'group.streams.min.heartbeat.interval.ms': int(5000, {
    valid: atLeast(1),
    doc: 'Smallest heartbeat interval a streams group may be given.',
  }),
  'group.streams.max.heartbeat.interval.ms': int(15_000, {
    valid: atLeast(1),
    doc: 'Largest heartbeat interval a streams group may be given.',
  }),
  'group.streams.max.size': int(INT_MAX, { valid: atLeast(1), doc: 'Most members of a streams group.' }),
  'group.streams.num.standby.replicas': int(0, {
    valid: atLeast(0),
    doc: 'Standby replicas of each task of a streams group.',
  }),
  'group.streams.max.standby.replicas': int(2, {
    valid: atLeast(0),
    doc: 'Most standby replicas a streams group may be given.',
  }),
  'group.streams.initial.rebalance.delay.ms': int(3000, {
    valid: atLeast(0),
    doc: 'How long a new streams group waits for more members.',
  }),
  'group.streams.assignment.interval.ms': int(1000, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Shortest time between two assignments of a streams group.',
  }),
  'group.streams.min.assignment.interval.ms': int(0, {
    valid: atLeast(0),
    doc: 'Smallest assignment interval a streams group may be given.',
  }),
  'group.streams.max.assignment.interval.ms': int(15_000, {
    valid: atLeast(0),
    doc: 'Largest assignment interval a streams group may be given.',
  }),

  // quotas
  'client.quota.callback.class': className(null, {
    importance: 'low',
    doc: 'Class that decides the quotas of clients.',
  }),

  // metrics
  'metrics.num.samples': int(2, { valid: atLeast(1), importance: 'low', doc: 'Samples kept by a metric.' }),
  'metrics.sample.window.ms': long(30_000, { valid: atLeast(1), importance: 'low', doc: 'Length of a sample.' }),
  'metric.reporters': list(['org.apache.kafka.common.metrics.JmxReporter'], {
    valid: names(true),
    importance: 'low',
    dynamic: 'cluster',
    doc: 'Classes that report metrics.',
  }),
  'metrics.recording.level': string('INFO', { importance: 'low', doc: 'How much detail metrics record.' }),
  'kafka.metrics.reporters': list([], {
    valid: names(true),
    importance: 'low',
    doc: 'Classes that report the older kind of metrics.',
  }),
  'kafka.metrics.polling.interval.secs': int(10, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'How often such reporters are called.',
  }),

  // tiered storage
  'remote.log.storage.system.enable': bool(false, { doc: 'Whether tiered storage is on.' }),
  'remote.log.storage.manager.impl.prefix': string('rsm.config.', {
    valid: nonEmpty,
    doc: 'Prefix of the settings of the storage plug-in.',
  }),
  'remote.log.metadata.manager.impl.prefix': string('rlmm.config.', {
    valid: nonEmpty,
    doc: 'Prefix of the settings of the metadata plug-in.',
  }),
  'remote.log.storage.manager.class.name': string(null, { valid: nonEmpty, doc: 'Class of the storage plug-in.' }),
  'remote.log.storage.manager.class.path': string(null, { doc: 'Where that class is found.' }),
  'remote.log.metadata.manager.class.name': string(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    { valid: nonEmpty, doc: 'Class of the metadata plug-in.' },
  ),
  'remote.log.metadata.manager.class.path': string(null, { doc: 'Where that class is found.' }),
  'remote.log.metadata.manager.listener.name': string(null, {
    valid: nonEmpty,
    doc: 'Listener used by the metadata plug-in.',
  }),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, {
    valid: atLeast(0),
    importance: 'low',
    doc: 'Largest custom metadata of a remote segment.',
  }),
  'remote.log.index.file.cache.total.size.bytes': long(1_073_741_824, {
    valid: atLeast(1),
    importance: 'low',
    dynamic: 'cluster',
    doc: 'Bytes of remote indexes kept locally.',
  }),
  'remote.log.index.file.cache.ttl.ms': long(900_000, {
    valid: atLeast(-1),
    importance: 'low',
    internal: true,
    doc: 'How long they are kept.',
  }),
  'remote.log.manager.thread.pool.size': int(2, { valid: atLeast(1), doc: 'Threads of the remote log manager.' }),
  'remote.log.manager.copier.thread.pool.size': int(10, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Threads that copy segments.',
  }),
  'remote.log.manager.expiration.thread.pool.size': int(10, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Threads that delete expired segments.',
  }),
  'remote.log.manager.follower.thread.pool.size': int(2, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Threads for the work of followers.',
  }),
  'remote.log.manager.task.interval.ms': long(30_000, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'How often the remote log manager runs.',
  }),
  'remote.log.manager.task.retry.backoff.ms': long(500, {
    valid: atLeast(1),
    importance: 'low',
    internal: true,
    doc: 'First wait after its failure.',
  }),
  'remote.log.manager.task.retry.backoff.max.ms': long(30_000, {
    valid: atLeast(1),
    importance: 'low',
    internal: true,
    doc: 'Longest wait after its failures.',
  }),
  'remote.log.manager.task.retry.jitter': double(0.2, {
    valid: between(0, 0.5),
    importance: 'low',
    internal: true,
    doc: 'Random share of that wait.',
  }),
  'remote.log.reader.threads': int(10, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Threads that read remote segments.',
  }),
  'remote.log.reader.max.pending.tasks': int(100, {
    valid: atLeast(1),
    doc: 'Reads of remote segments that may wait.',
  }),
  'log.local.retention.ms': long(-2, {
    valid: atLeast(-2),
    dynamic: 'cluster',
    doc: 'How long tiered records are kept locally; -2 for as long as log.retention.ms.',
  }),
  'log.local.retention.bytes': long(-2, {
    valid: atLeast(-2),
    dynamic: 'cluster',
    doc: 'Bytes of tiered records kept locally; -2 for as many as log.retention.bytes.',
  }),
  'remote.log.manager.copy.max.bytes.per.second': long(LONG_MAX, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Bytes a second for copying segments.',
  }),
  'remote.log.manager.copy.quota.window.num': int(11, { valid: atLeast(1), doc: 'Samples kept for that limit.' }),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, { valid: atLeast(1), doc: 'Length of such a sample.' }),
  'remote.log.manager.fetch.max.bytes.per.second': long(LONG_MAX, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Bytes a second for reading remote segments.',
  }),
  'remote.log.manager.fetch.quota.window.num': int(11, { valid: atLeast(1), doc: 'Samples kept for that limit.' }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, { valid: atLeast(1), doc: 'Length of such a sample.' }),
  'remote.fetch.max.wait.ms': int(500, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'How long a fetch may wait for remote records.',
  }),
  'remote.list.offsets.request.timeout.ms': long(30_000, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'How long a lookup of remote offsets may take.',
  }),
} as const
