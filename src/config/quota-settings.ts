/** The settings of quotas and telemetry that this broker reads, with the defaults of Apache Kafka 4.3. */
import { atLeast, INT_MAX, int, LONG_MAX, long } from './setting.ts'

export const quotaSettings = {
  'quota.window.num': int(11, { valid: atLeast(1), importance: 'low', doc: 'Samples kept for client quotas.' }),
  'quota.window.size.seconds': int(1, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Length of a sample for client quotas.',
  }),
  'controller.quota.window.num': int(11, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Samples kept for controller mutation quotas.',
  }),
  'controller.quota.window.size.seconds': int(1, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Length of a sample for controller mutation quotas.',
  }),
  'max.connection.creation.rate': int(INT_MAX, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Most new connections a second.',
  }),
  'telemetry.max.bytes': int(1_048_576, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Largest telemetry message accepted from a client.',
  }),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(LONG_MAX, {
    internal: true,
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Bytes a second for moving replicas between directories.',
  }),
  'alter.log.dirs.replication.quota.window.num': int(11, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Samples kept for quotas on moves between directories.',
  }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'Length of a sample for quotas on moves between directories.',
  }),
} as const
