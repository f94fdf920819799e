/** The settings of log compaction, with the defaults of Apache Kafka 4.3. */
import { atLeast, between, bool, double, int, LONG_MAX, long } from './setting.ts'

export const cleanerSettings = {
  'log.cleaner.enable': bool(true, { doc: 'Whether logs are compacted.' }),
  'log.cleaner.threads': int(1, { valid: atLeast(0), dynamic: 'cluster', doc: 'Threads that compact logs.' }),
  'log.cleaner.io.max.bytes.per.second': double(Number.MAX_VALUE, {
    dynamic: 'cluster',
    doc: 'Bytes a second that compaction may read and write.',
  }),
  'log.cleaner.dedupe.buffer.size': long(134_217_728, {
    dynamic: 'cluster',
    doc: 'Memory for the keys that compaction looks at in one run.',
  }),
  'log.cleaner.io.buffer.size': int(524_288, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Memory for reading and writing while compacting.',
  }),
  'log.cleaner.io.buffer.load.factor': double(0.9, { dynamic: 'cluster', doc: 'How full the table of keys may get.' }),
  'log.cleaner.backoff.ms': long(15_000, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Wait when there is nothing to compact.',
  }),
  'log.cleaner.min.cleanable.ratio': double(0.5, {
    valid: between(0, 1),
    dynamic: 'cluster',
    doc: 'Share of a log that must be dirty before it is compacted.',
  }),
  'log.cleaner.delete.retention.ms': long(86_400_000, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'How long tombstones survive compaction.',
  }),
  'log.cleaner.min.compaction.lag.ms': long(0, {
    valid: atLeast(0),
    dynamic: 'cluster',
    doc: 'Age below which a record is not compacted.',
  }),
  'log.cleaner.max.compaction.lag.ms': long(LONG_MAX, {
    valid: atLeast(1),
    dynamic: 'cluster',
    doc: 'Age at which a record must be compacted.',
  }),
}
