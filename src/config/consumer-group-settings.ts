/** Settings of the consumer group protocol (KIP-848) that this broker reads. */
import { atLeast, INT_MAX, int, list, names, oneOf, string, subsetOf } from './setting.ts'

export const consumerGroupSettings = {
  'group.coordinator.rebalance.protocols': list(['classic', 'consumer', 'streams'], {
    valid: subsetOf(['classic', 'consumer', 'streams', 'share'], true),
    doc: 'The group protocols offered.',
  }),
  'group.consumer.session.timeout.ms': int(45_000, { valid: atLeast(1), doc: 'Session timeout of consumer groups.' }),
  'group.consumer.min.session.timeout.ms': int(45_000, {
    valid: atLeast(1),
    doc: 'Smallest session timeout a consumer group may be given.',
  }),
  'group.consumer.max.session.timeout.ms': int(60_000, {
    valid: atLeast(1),
    doc: 'Largest session timeout a consumer group may be given.',
  }),
  'group.consumer.heartbeat.interval.ms': int(5000, {
    valid: atLeast(1),
    doc: 'Heartbeat interval of consumer groups.',
  }),
  'group.consumer.min.heartbeat.interval.ms': int(5000, {
    valid: atLeast(1),
    doc: 'Smallest heartbeat interval a consumer group may be given.',
  }),
  'group.consumer.max.heartbeat.interval.ms': int(15_000, {
    valid: atLeast(1),
    doc: 'Largest heartbeat interval a consumer group may be given.',
  }),
  'group.consumer.max.size': int(INT_MAX, { valid: atLeast(1), doc: 'Most members of a consumer group.' }),
  'group.consumer.assignors': list(['uniform', 'range'], {
    valid: names(false),
    doc: 'Assignors of consumer groups, the first is the default.',
  }),
  'group.consumer.migration.policy': string('bidirectional', {
    valid: oneOf('disabled', 'downgrade', 'upgrade', 'bidirectional'),
    doc: 'Whether groups may change between the classic and the consumer protocol.',
  }),
  'group.consumer.assignment.interval.ms': int(1000, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Shortest time between two assignments of a consumer group.',
  }),
  'group.consumer.min.assignment.interval.ms': int(0, {
    valid: atLeast(0),
    doc: 'Smallest assignment interval a consumer group may be given.',
  }),
  'group.consumer.max.assignment.interval.ms': int(15_000, {
    valid: atLeast(0),
    doc: 'Largest assignment interval a consumer group may be given.',
  }),
  'group.consumer.regex.refresh.interval.ms': int(600_000, {
    valid: atLeast(10_000),
    internal: true,
    doc: 'How often subscriptions by pattern are looked at again.',
  }),
} as const

/** By the names of Apache Kafka's own classes too, as its configurations may have them. */
const assignorNames: ReadonlyMap<string, string> = new Map([
  ['uniform', 'uniform'],
  ['range', 'range'],
  ['org.apache.kafka.coordinator.group.assignor.UniformAssignor', 'uniform'],
  ['org.apache.kafka.coordinator.group.assignor.RangeAssignor', 'range'],
])

export function isAssignorName(name: string): boolean {
  return assignorNames.has(name)
}

/** What members call it. */
export function shortAssignorName(name: string): string {
  return assignorNames.get(name) ?? name
}
