#!/usr/bin/env node
/** The command line: parse, call, print. */
import { Command, InvalidArgumentError } from 'commander'
import { dumpLog } from './commands/dump-log.ts'
import { ping } from './commands/ping.ts'
import { start } from './commands/start.ts'
import { formatStorage, storageInfo } from './commands/storage.ts'

const program = new Command('ottla')
program.description('a Kafka-compatible broker').version('0.1.0').showHelpAfterError()

const collect = (value: string, before: string[] = []) => [...before, value]

function endpoint(value: string): string {
  if (!/^(\[[^\]]+\]|[^:]*):\d{1,5}$/.test(value)) throw new InvalidArgumentError('HOST:PORT is expected.')
  return value
}

program
  .command('start')
  .description('run a broker until it is told to stop (SIGTERM, SIGINT)')
  .option('-c, --config <file>', "settings, as in Apache Kafka's server.properties")
  .option('--data-dir <dir>', 'where the data is kept (default: ./data)')
  .option('--listen <host:port>', 'address for clients; port 0 takes a free one (default: localhost:9092)', endpoint)
  .option('--advertise <host:port>', 'address that clients are told to connect to', endpoint)
  .option('--node-id <n>', 'id of this broker (default: 1)')
  .option('--override <key=value>', 'one setting; may be repeated', collect)
  .option('--env', 'also take settings from KAFKA_... environment variables, as the apache/kafka image does')
  .option('--log-level <level>', 'debug, info, warn, error or silent', 'info')
  .action(options => start(options))

const storage = program.command('storage').description('look at or prepare a data directory')
storage
  .command('info')
  .description('what is in the data directories')
  .option('-c, --config <file>', 'server.properties')
  .option('--data-dir <dir>')
  .action(options => storageInfo(options))
storage
  .command('format')
  .description('make empty directories ready for a first start')
  .option('-c, --config <file>', 'server.properties')
  .option('--data-dir <dir>')
  .option('-t, --cluster-id <id>', 'a new one is made without it')
  .option('--node-id <n>')
  .option('-g, --ignore-formatted', 'leave directories alone that are formatted already')
  .action(options => formatStorage(options))

program
  .command('dump-log')
  .description('print the batches of a segment, the entries of an index, a snapshot or a checkpoint')
  .argument('<file...>')
  .option('--print-records', 'every record, not only batches')
  .option('--offsets', 'decode records of __consumer_offsets')
  .option('--metadata', 'decode records of __cluster_metadata')
  .action((files, options) => dumpLog(files, options))

program
  .command('ping')
  .description('exit with 0 if a broker answers')
  .option('--bootstrap <host:port>', '', endpoint, 'localhost:9092')
  .option('--timeout <ms>', '', '3000')
  .action(options => ping(options))

await program.parseAsync()
