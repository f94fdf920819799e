/**
 * Broker settings that Apache Kafka documents and that have no effect here: accepted, checked and shown by
 * DescribeConfigs, and setting one warns once. A row moves to `broker-settings.ts` together with the code that reads it.
 */
import { atLeast, bool, className, int, LONG_MAX, list, long, names } from './setting.ts'

export const inertSettings = {
  // cluster
  'controller.quorum.append.linger.ms': int(25, {
    valid: atLeast(0),
    doc: 'How long the leader gathers records before it writes them.',
  }),
  'metadata.max.retention.ms': long(604_800_000, {
    importance: 'high',
    doc: 'How long metadata log and snapshots are kept before old ones are deleted.',
  }),
  // node
  'controller.performance.sample.period.ms': long(60_000, {
    valid: atLeast(100),
    internal: true,
    doc: 'How often the controller reports on its own speed.',
  }),
  'controller.performance.always.log.threshold.ms': long(2000, {
    valid: atLeast(0),
    internal: true,
    doc: 'Controller events slower than this are always reported.',
  }),
  'server.max.startup.time.ms': long(LONG_MAX, {
    valid: atLeast(0),
    internal: true,
    doc: 'How long the start may take before the process gives up.',
  }),
  'unstable.api.versions.enable': bool(false, {
    importance: 'high',
    internal: true,
    doc: 'Whether API versions still under development are offered.',
  }),
  'unstable.feature.versions.enable': bool(false, {
    importance: 'high',
    internal: true,
    doc: 'Whether feature levels still under development are offered.',
  }),
  'config.providers': list([], {
    valid: names(true),
    importance: 'low',
    dynamic: 'cluster',
    doc: 'Classes that resolve placeholders inside configuration values.',
  }),
  'background.threads': int(10, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Threads for background work.',
  }),

  // metadata log
  'internal.metadata.log.segment.bytes': int(null, {
    importance: 'low',
    internal: true,
    doc: 'Segment size of the metadata log, for tests.',
  }),
  'internal.metadata.max.batch.size.in.bytes': int(8_388_608, {
    importance: 'low',
    internal: true,
    doc: 'Largest batch of the metadata log, for tests.',
  }),
  'internal.metadata.delete.delay.millis': long(60_000, {
    importance: 'low',
    internal: true,
    doc: 'Delay before metadata log files are removed, for tests.',
  }),

  // network
  'early.start.listeners': list(null, {
    valid: names(true),
    importance: 'high',
    doc: 'Listeners that open before authorization data is loaded.',
  }),
  'socket.send.buffer.bytes': int(102_400, {
    importance: 'high',
    doc: "Send buffer of a connection's socket; -1 for the system's choice.",
  }),
  'socket.receive.buffer.bytes': int(102_400, {
    importance: 'high',
    doc: "Receive buffer of a connection's socket; -1 for the system's choice.",
  }),
  'connection.failed.authentication.delay.ms': int(100, {
    valid: atLeast(0),
    importance: 'low',
    doc: 'How long the answer to a failed authentication is held back.',
  }),
  'queued.max.requests': int(500, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Requests that may wait before the network stops reading.',
  }),
  'num.network.threads': int(3, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Threads that read requests and write answers.',
  }),
  'num.io.threads': int(8, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Threads that work on requests.',
  }),
  'socket.connection.setup.timeout.ms': long(10_000, { doc: 'How long an outgoing connection may take to be set up.' }),
  'socket.connection.setup.timeout.max.ms': long(30_000, { doc: 'Longest such time after repeated failures.' }),

  // topics
  'create.topic.policy.class.name': className(null, {
    importance: 'low',
    doc: 'Class that decides whether a topic may be created.',
  }),
  'alter.config.policy.class.name': className(null, {
    importance: 'low',
    doc: 'Class that decides whether settings may be altered.',
  }),

  // log
  'cordoned.log.dirs': list([], {
    valid: names(true),
    dynamic: 'broker',
    doc: 'Directories that take no new partitions.',
  }),
  'log.dir.failure.timeout.ms': long(30_000, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'How long a broker with a failed directory tries to tell the controller.',
  }),
  'log.initial.task.delay.ms': long(30_000, {
    valid: atLeast(0),
    importance: 'low',
    internal: true,
    doc: 'Delay of the first run of the background tasks of the log.',
  }),

  // replication
  'replica.socket.receive.buffer.bytes': int(65_536, { importance: 'high', doc: 'Receive buffer of replication.' }),
  'fetch.purgatory.purge.interval.requests': int(1000, {
    doc: 'How many answered fetches may be remembered before they are dropped.',
  }),
  'producer.purgatory.purge.interval.requests': int(1000, {
    doc: 'How many answered produce requests may be remembered before they are dropped.',
  }),
  'delete.records.purgatory.purge.interval.requests': int(1, {
    doc: 'How many answered delete-records requests may be remembered before they are dropped.',
  }),
  'num.replica.alter.log.dirs.threads': int(null, {
    importance: 'high',
    doc: 'Threads that move replicas between directories.',
  }),
  'follower.fetch.last.tiered.offset.enable': bool(false, {
    dynamic: 'cluster',
    doc: 'Whether a new follower of a tiered topic starts at the last tiered offset.',
  }),

  // groups
  'group.coordinator.threads': int(4, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Threads of the group coordinator.',
  }),
  'group.coordinator.background.threads': int(2, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Threads for the slow work of the group coordinator.',
  }),
  'group.coordinator.append.linger.ms': int(-1, {
    valid: atLeast(-1),
    doc: 'How long the coordinator gathers records before it writes them; -1 to choose by load.',
  }),
  'group.coordinator.cached.buffer.max.bytes': int(1_048_588, {
    valid: atLeast(524_288),
    dynamic: 'cluster',
    doc: 'Largest write buffer that the group coordinator keeps for reuse.',
  }),
  'offsets.load.buffer.size': int(5_242_880, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Bytes read at once while offsets are loaded.',
  }),
  'offsets.topic.compression.codec': int(0, {
    importance: 'high',
    doc: 'Codec of the topic that holds group offsets.',
  }),

  // transactions
  'transaction.state.log.load.buffer.size': int(5_242_880, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Bytes read at once while transaction state is loaded.',
  }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(10_000, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'How often transactions that took too long are looked for; here each has a timer of its own.',
  }),
  'transaction.two.phase.commit.enable': bool(false, {
    importance: 'low',
    doc: 'Whether transactions may be prepared and decided from outside.',
  }),
} as const
