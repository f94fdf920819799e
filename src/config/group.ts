/** The settings of groups and of client metrics subscriptions. */
import { atLeast, bool, int, list, matching, names, oneOf, string } from './setting.ts'

export const groupSettings = {
  'consumer.session.timeout.ms': int(45_000, { valid: atLeast(1), doc: 'Session timeout of the group.' }),
  'consumer.heartbeat.interval.ms': int(5000, { valid: atLeast(1), doc: 'Heartbeat interval of the group.' }),
  'consumer.assignment.interval.ms': int(1000, {
    valid: atLeast(0),
    doc: 'Shortest time between two assignments of the group.',
  }),
  'share.session.timeout.ms': int(45_000, { valid: atLeast(1), doc: 'Session timeout of the group.' }),
  'share.heartbeat.interval.ms': int(5000, { valid: atLeast(1), doc: 'Heartbeat interval of the group.' }),
  'share.record.lock.duration.ms': int(30_000, {
    valid: atLeast(1000),
    doc: 'How long a record stays locked by the member that acquired it.',
  }),
  'share.delivery.count.limit': int(5, {
    valid: atLeast(2),
    doc: 'How often a record is delivered before it is given up.',
  }),
  'share.partition.max.record.locks': int(2000, {
    valid: atLeast(100),
    doc: 'Records of one partition that may be locked at once.',
  }),
  'share.auto.offset.reset': string('latest', {
    valid: matching('latest, earliest or by_duration:<ISO 8601 duration>', /^(latest|earliest|by_duration:P.+)$/),
    doc: 'Where a new share group starts.',
  }),
  'share.isolation.level': string('read_uncommitted', {
    valid: oneOf('read_committed', 'read_uncommitted'),
    doc: 'Whether records of open and aborted transactions are delivered.',
  }),
  'share.renew.acknowledge.enable': bool(true, { doc: 'Whether a member may renew its locks.' }),
  'share.assignment.interval.ms': int(1000, {
    valid: atLeast(0),
    doc: 'Shortest time between two assignments of the group.',
  }),
  'streams.session.timeout.ms': int(45_000, { valid: atLeast(1), doc: 'Session timeout of the group.' }),
  'streams.heartbeat.interval.ms': int(5000, { valid: atLeast(1), doc: 'Heartbeat interval of the group.' }),
  'streams.num.standby.replicas': int(0, { valid: atLeast(0), doc: 'Standby replicas of each task.' }),
  'streams.initial.rebalance.delay.ms': int(3000, {
    valid: atLeast(0),
    doc: 'How long a new group waits for more members.',
  }),
  'streams.assignment.interval.ms': int(1000, {
    valid: atLeast(0),
    doc: 'Shortest time between two assignments of the group.',
  }),
} as const

export const clientMetricsSettings = {
  metrics: list([], { valid: names(true), doc: 'Prefixes of the metrics asked for; * for all.' }),
  'interval.ms': int(300_000, { doc: 'How often clients push.' }),
  match: list([], { valid: names(true), doc: 'Which clients this is for, as selector=pattern.' }),
} as const
