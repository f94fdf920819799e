/** `ottla record ...` */
import { Noun, type Run } from '../shell/noun.ts'
import { consumeRecords } from './consume.ts'
import { produceRecords } from './produce.ts'

export function recordNoun(run: Run): Noun {
  const record = new Noun('record', 'produce and consume records', run)
  record
    .verb('produce', 'one record for each line of standard input, or of files')
    .argument('<topic>', 'where to')
    .argument('[file...]', 'what from; - is standard input')
    .option('-k, --key <text>', 'key of every record')
    .option('-v, --value <text>', 'one record with this value, instead of input')
    .option('--tombstone', 'one record without value: the end of --key in a compacted topic')
    .option(
      '-K, --key-delimiter <text>',
      'what stands between key and value of a line; \\t, \\0 and \\xHH are understood',
    )
    .option('-D, --delimiter <text>', 'what stands between records', '\\n')
    .option('-Z, --null <text>', 'a key or value that reads so is null')
    .option('--whole-files', 'each file is one record')
    .choice(
      '-f, --format <format>',
      'json: each line is a record as `consume --json` prints it',
      ['text', 'json'],
      'text',
    )
    .repeated('-H, --header <name=value>', 'a header of every record; may be repeated')
    .option('-p, --partition <n>', 'where to, whatever the key is')
    .option('--ignore-partitions', 'with --format json: choose partitions anew')
    .option('--timestamp <time>', 'of every record: 2026-01-31T12:00:00Z, or milliseconds (default: now)')
    .choice('-z, --compression <codec>', 'of batches', ['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'none')
    .choice('--acks <acks>', 'who must have it', ['all', '1', '0'], 'all')
    .option('--no-idempotence', 'do not ask for a producer id: a repeated attempt may append twice')
    .examples(
      'echo hello | ottla record produce greetings',
      "ottla record produce users users.tsv -K '\\t'",
      'ottla record consume a --json | ottla record produce b -f json',
      'ottla record produce users --key 42 --tombstone',
    )
    .act(produceRecords)
  record
    .verb('consume', 'print records: what there is now, or with --follow what comes')
    .argument('<topic[:partition]...>', 'what from: orders, orders:0, orders:0,2-4')
    .option(
      '--from <place>',
      'earliest, latest, an offset, -N for the last N of each partition, or a time (default: earliest)',
    )
    .option('--to <place>', 'latest, an offset (not included), or a time (default: latest)')
    .option('-F, --follow', 'do not end; without --from only what is new')
    .option('-n, --count <n>', 'end after so many records')
    .option('-t, --tail <n>', 'the last N of each partition: --from -N')
    .option('-g, --group <group>', 'as a member of a group: partitions are shared, offsets committed')
    .option('-f, --format <template>', 'such as %p:%o %k=%v\\n (default: %v\\n)')
    .option('--raw', 'only the bytes of the values, nothing between them')
    .option('-Z, --null <text>', 'what is printed for null', '')
    .choice(
      '--isolation <level>',
      'whether records of open and aborted transactions are seen',
      ['read_committed', 'read_uncommitted'],
      'read_committed',
    )
    .examples(
      'ottla record consume orders --tail 10',
      'ottla record consume orders --from 2026-01-31T12:00 --to 1h --json',
      "ottla record consume orders:0 --from 100 -n 5 -f '%o\\t%k\\t%v\\n'",
      'ottla record consume orders --follow --group billing',
    )
    .act(consumeRecords)
  return record
}
