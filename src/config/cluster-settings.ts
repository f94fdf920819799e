/** The settings of a cluster that this broker reads, with the defaults of Apache Kafka 4.3. */
import { atLeast, bool, eachMatching, int, LONG_MAX, list, long, names, string, subsetOf } from './setting.ts'

export const clusterSettings = {
  // roles and the quorum
  'process.roles': list(['broker', 'controller'], {
    required: true,
    valid: subsetOf(['broker', 'controller'], false),
    importance: 'high',
    doc: 'Which roles this process takes: broker, controller, or both.',
  }),
  'controller.listener.names': list(['CONTROLLER'], {
    required: true,
    valid: names(false),
    importance: 'high',
    doc: 'Listeners that carry controller traffic; the first is used by this broker to reach controllers.',
  }),
  'controller.quorum.voters': list([], {
    valid: eachMatching('a list of id@host:port', /^\d+@.+:\d+$/),
    importance: 'high',
    doc: 'The fixed set of voters of the metadata quorum, as id@host:port.',
  }),
  'controller.quorum.bootstrap.servers': list([], {
    valid: eachMatching('a list of host:port', /^.+:\d+$/),
    importance: 'high',
    doc: 'Where to find the metadata quorum, as host:port.',
  }),
  'controller.quorum.election.timeout.ms': int(1000, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'How long a voter waits without a leader before it stands for election.',
  }),
  'controller.quorum.fetch.timeout.ms': int(2000, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'How long without a successful fetch from the leader before a voter stands for election.',
  }),
  'controller.quorum.election.backoff.max.ms': int(1000, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'Longest wait between elections that fail.',
  }),
  'controller.quorum.request.timeout.ms': int(2000, {
    valid: atLeast(0),
    doc: 'How long a request within the quorum may take.',
  }),
  'controller.quorum.retry.backoff.ms': int(20, {
    valid: atLeast(0),
    importance: 'low',
    doc: 'Wait before a failed request within the quorum is sent again.',
  }),
  'controller.quorum.auto.join.enable': bool(false, {
    importance: 'low',
    doc: 'Whether a controller adds itself to the voters.',
  }),
  'controller.quorum.fetch.snapshot.max.bytes': int(1_048_576, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Largest piece of a metadata snapshot fetched at once.',
  }),
  'controller.quorum.fetch.max.bytes': int(1_048_576, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Most bytes of metadata records fetched at once.',
  }),
  'controller.socket.timeout.ms': int(30_000, { doc: 'Socket timeout between broker and controller.' }),

  // life of a broker in the cluster
  'initial.broker.registration.timeout.ms': int(60_000, {
    doc: 'How long a broker tries to register before it gives up.',
  }),
  'broker.heartbeat.interval.ms': int(2000, { doc: 'How often a broker tells the controller that it lives.' }),
  'broker.session.timeout.ms': int(9000, {
    doc: 'How long without a heartbeat before the controller fences a broker.',
  }),
  'controlled.shutdown.enable': bool(true, { doc: 'Whether leaderships are moved away before a broker stops.' }),

  // metadata log
  'metadata.max.retention.bytes': long(104_857_600, {
    importance: 'high',
    doc: 'Bytes of metadata log and snapshots kept before old ones are deleted.',
  }),
  'metadata.max.idle.interval.ms': int(500, {
    valid: atLeast(0),
    importance: 'low',
    doc: 'How often an idle active controller writes a no-op record; 0 for never.',
  }),

  // replication
  'replica.lag.time.max.ms': long(30_000, {
    importance: 'high',
    doc: 'How long a follower may lag before it leaves the in-sync set.',
  }),
  'replica.socket.timeout.ms': int(30_000, { importance: 'high', doc: 'Socket timeout of replication.' }),
  'replica.fetch.max.bytes': int(1_048_576, { valid: atLeast(0), doc: 'Bytes a follower asks for per partition.' }),
  'replica.fetch.wait.max.ms': int(500, {
    importance: 'high',
    doc: "How long a follower's fetch may wait for records.",
  }),
  'replica.fetch.backoff.ms': int(1000, { valid: atLeast(0), doc: 'Wait of a follower after a failed fetch.' }),
  'replica.fetch.min.bytes': int(1, { importance: 'high', doc: "Bytes a follower's fetch waits for." }),
  'replica.fetch.response.max.bytes': int(10_485_760, { valid: atLeast(0), doc: 'Bytes a follower asks for in all.' }),
  'num.replica.fetchers': int(1, {
    valid: atLeast(1),
    importance: 'high',
    dynamic: 'cluster',
    doc: 'Fetch connections per source broker.',
  }),
  'unclean.leader.election.interval.ms': long(300_000, {
    valid: atLeast(1),
    internal: true,
    doc: 'How often the controller looks for partitions that need an unclean election.',
  }),
  'auto.leader.rebalance.enable': bool(true, {
    importance: 'high',
    doc: 'Whether leaderships move back to preferred replicas by themselves.',
  }),
  'leader.imbalance.check.interval.seconds': long(300, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'How often that is looked at.',
  }),
  'replica.selector.class': string(null, { doc: 'Class that picks the replica a consumer should read from.' }),
  'leader.replication.throttled.rate': long(LONG_MAX, {
    internal: true,
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Bytes a second for replication of throttled replicas on the leader.',
  }),
  'follower.replication.throttled.rate': long(LONG_MAX, {
    internal: true,
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Bytes a second for replication of throttled replicas on the follower.',
  }),
  'replication.quota.window.num': int(11, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Samples kept for replication quotas.',
  }),
  'replication.quota.window.size.seconds': int(1, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Length of a sample for replication quotas.',
  }),
}
