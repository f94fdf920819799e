/** The settings of transactions that this broker reads, with the defaults of Apache Kafka 4.3. */
import { atLeast, bool, int, short } from './setting.ts'

export const transactionSettings = {
  'transaction.state.log.min.isr': int(2, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'In-sync replicas that a write of transaction state needs.',
  }),
  'transaction.state.log.replication.factor': short(3, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Replicas of the topic that holds transaction state.',
  }),
  'transaction.state.log.num.partitions': int(50, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Partitions of the topic that holds transaction state.',
  }),
  'transaction.state.log.segment.bytes': int(104_857_600, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Segment size of the topic that holds transaction state.',
  }),
  'transaction.partition.verification.enable': bool(true, {
    importance: 'low',
    dynamic: 'cluster',
    doc: 'Whether a partition checks that a transaction really includes it.',
  }),
  'transactional.id.expiration.ms': int(604_800_000, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'How long an idle transactional id is remembered.',
  }),
  'transaction.max.timeout.ms': int(900_000, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Longest transaction timeout a producer may ask for.',
  }),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(3_600_000, {
    valid: atLeast(1),
    importance: 'low',
    doc: 'How often expired transactional ids are looked for.',
  }),
  'add.partitions.to.txn.retry.backoff.max.ms': int(100, {
    valid: atLeast(0),
    importance: 'high',
    doc: 'How long a broker goes on asking whether a partition is in a transaction.',
  }),
  'add.partitions.to.txn.retry.backoff.ms': int(20, {
    valid: atLeast(1),
    importance: 'high',
    doc: 'Wait between two such questions.',
  }),
} as const
