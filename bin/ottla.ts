#!/usr/bin/env node
/** The command line: parse, call, print. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { quietHost } from '../src/host/node-quiet.ts'
import { packageVersion } from './commands/version.ts'

const version = await packageVersion(quietHost.disk)

/** Commands for people at any cluster. What they are made of is loaded when one of them is asked for. */
const nouns = {
  topic: {
    description: 'list, describe, create, alter and delete topics',
    load: async () => (await import('../src/cli/topic/topic.ts')).topicNoun,
  },
  record: {
    description: 'produce and consume records',
    load: async () => (await import('../src/cli/record/record.ts')).recordNoun,
  },
  group: {
    description: 'look at groups of consumers, reset their offsets, delete them',
    load: async () => (await import('../src/cli/group/group.ts')).groupNoun,
  },
  config: {
    description: 'settings of topics, brokers, groups and client metrics; quotas',
    load: async () => (await import('../src/cli/config/config.ts')).configNoun,
  },
  cluster: {
    description: 'brokers, quorum, features, log directories, reassignments, elections',
    load: async () => (await import('../src/cli/cluster/cluster.ts')).clusterNoun,
  },
  transaction: {
    description: 'look at transactions, find hanging ones, end them',
    load: async () => (await import('../src/cli/transaction/transaction.ts')).transactionNoun,
  },
} as const

type NounName = keyof typeof nouns

function isNoun(word: string | undefined): word is NounName {
  return word !== undefined && Object.hasOwn(nouns, word)
}

const program = new Command('ottla')
program.description('a Kafka-compatible broker, and a command line for any Kafka cluster').version(version)
program.showHelpAfterError()

const collect = (value: string, before: string[] = []) => [...before, value]

function endpoint(value: string): string {
  if (!/^(\[[^\]]+\]|[^:]*):\d{1,5}$/.test(value)) throw new InvalidArgumentError('HOST:PORT is expected.')
  return value
}

function milliseconds(value: string): string {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('a number of milliseconds is expected.')
  return value
}

function count(value: string): number {
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new InvalidArgumentError('a number from 1 on is expected.')
  return Number(value)
}

/** Kafka's name for an option, taken without being advertised. */
const alias = (flags: string) => new Option(flags).hideHelp()

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
  .addOption(
    new Option('--log-level <level>', '(default: info)').choices(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
  )
  .action(async options => (await import('./commands/start.ts')).start(options))

program
  .command('dev')
  .description('run a cluster in one process, for the desk; in memory unless it is told where (Ctrl-C stops it)')
  .option('--brokers <n>', 'how many', count, 3)
  .option('--port <n>', 'where the first listens for clients, the others behind it', count, 9092)
  .option('--data-dir <dir>', 'where the data is kept')
  .option('--override <key=value>', 'one setting of every broker; may be repeated', collect)
  .addOption(
    new Option('--log-level <level>', '(default: warn)').choices(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
  )
  .action(async options => (await import('./commands/dev.ts')).dev(options))

const storage = program.command('storage').description('look at or prepare a data directory')
storage
  .command('info')
  .description('what is in the data directories; exits with 1 if they are not ready for a start')
  .option('-c, --config <file>', 'server.properties')
  .option('--data-dir <dir>', '(default: ./data)')
  .option('--override <key=value>', 'one setting; may be repeated', collect)
  .option('--env', 'also take settings from KAFKA_... environment variables')
  .action(async options => (await import('./commands/storage.ts')).storageInfo(options))
storage
  .command('format')
  .description('make empty directories ready for a first start')
  .option('-c, --config <file>', 'server.properties')
  .option('--data-dir <dir>', '(default: ./data)')
  .option('-t, --cluster-id <id>', 'a new one is made without it')
  .option('--node-id <n>', 'id of the broker (default: 1)')
  .option('--override <key=value>', 'one setting; may be repeated', collect)
  .option('--env', 'also take settings from KAFKA_... environment variables')
  .option('-g, --ignore-formatted', 'leave directories alone that are formatted already')
  .option('-s, --standalone', 'a controller that is the only voter at first')
  .option('-I, --initial-controllers <list>', 'the voters at first, as id@host:port:directory-id,...')
  .option('-N, --no-initial-controllers', 'a controller that joins voters that exist')
  .action(async options => (await import('./commands/storage.ts')).formatStorage(options))
storage
  .command('random-uuid')
  .description('print a new id for a cluster')
  .action(async () => (await import('./commands/storage.ts')).randomUuid())

program
  .command('dump-log')
  .description('print what is in segments, indexes, snapshots and checkpoints; exits with 1 if something is wrong')
  .argument('[file...]')
  .option('--print-records', 'every record, not only batches')
  .option('--offsets', 'records are those of __consumer_offsets')
  .option('--transactions', 'records are those of __transaction_state')
  .option('--share-state', 'records are those of __share_group_state')
  .option('--metadata', 'records are those of __cluster_metadata')
  .option('--skip-record-metadata', 'of records, only key and payload')
  .option('--verify-index-only', 'compare indexes with their segment without printing them')
  .option('--max-bytes <n>', 'of a segment, only the batches that begin before')
  .addOption(alias('--files <list>'))
  .addOption(alias('--print-data-log'))
  .addOption(alias('--deep-iteration'))
  .addOption(alias('--offsets-decoder'))
  .addOption(alias('--transaction-log-decoder'))
  .addOption(alias('--share-group-state-decoder'))
  .addOption(alias('--cluster-metadata-decoder'))
  .addOption(alias('--index-sanity-check'))
  .action(async (files, options) => (await import('./commands/dump-log.ts')).dumpLog(files, options))

program
  .command('ping')
  .description('exit with 0 if a broker answers')
  .option('--bootstrap <host:port>', '(default: localhost:9092)', endpoint)
  .option('--timeout <ms>', '', milliseconds, '3000')
  .option('--env', 'ask the first listener that the KAFKA_... environment variables name')
  .action(async options => (await import('./commands/ping.ts')).ping(options))

program
  .command('completion')
  .description('print a script that has a shell complete the words of ottla')
  .argument('<shell>', 'bash, zsh or fish')
  .action(async shell => (await import('./commands/completion.ts')).printScript(shell))

const words = process.argv.slice(2)
const [first, second] = words
if (isNoun(first)) await runNoun(first, words)
else if (first === 'help' && isNoun(second)) await runNoun(second, [second, '--help'])
else if (first === 'complete') {
  const loaded = await Promise.all(Object.values(nouns).map(({ load }) => load()))
  await (await import('./commands/completion.ts')).completeWords(program, loaded, words.slice(1), version)
} else {
  for (const [name, { description }] of Object.entries(nouns)) program.command(name).description(description)
  await program.parseAsync()
}

async function runNoun(name: NounName, typed: readonly string[]): Promise<void> {
  const { runNouns } = await import('./commands/run-nouns.ts')
  await runNouns(typed, [await nouns[name].load()], version)
}
