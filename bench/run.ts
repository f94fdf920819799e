/**
 * The benchmark: the same load from a C client (and from kafkajs) on Ottla, on Apache Kafka and on a bare Node sink, in one
 * run on one machine. Prints a table with ratios and writes the raw figures to bench/results.json.
 *
 *   npm run bench                      everything
 *   npm run bench -- --quick           1 KiB records and 10 partitions only
 *   npm run bench -- --targets ottla,kafka,sink --seconds 5
 *   npm run bench -- --cluster         three brokers instead: bench/cluster.mjs, with its own options
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs, promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { startTarget, type Target, type TargetName } from './target.ts'

if (process.argv.includes('--cluster')) {
  const { status } = spawnSync(process.execPath, ['bench/cluster.mjs', ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    targets: { type: 'string', default: 'ottla,ottla-unsynced,kafka,kafka-synced,sink,sink-unsynced' },
    megabytes: { type: 'string', default: '1000' },
    out: { type: 'string', default: 'bench/results.json' },
  },
})

type Figures = Record<string, number>
const run = promisify(execFile)
const clientPath = '.cache/bench/client'
const results: Record<string, Figures> = {}

function buildClient(): void {
  if (existsSync(clientPath)) return
  mkdirSync('.cache/bench', { recursive: true })
  execFileSync('cc', ['-O2', '-o', clientPath, 'bench/client.c', '-lrdkafka', '-lpthread'], { stdio: 'inherit' })
}

async function load(...args: (string | number)[]): Promise<Figures> {
  const { stdout } = await run(clientPath, args.map(String), { timeout: 300_000 })
  return JSON.parse(stdout)
}

/** acks=all and idempotence off, as perf tools do; batches of up to 1 MB as the client makes them. */
const producer = ['acks=-1', 'linger.ms=5', 'batch.size=1000000', 'queue.buffering.max.kbytes=262144']

async function produceAll(target: Target, figures: Figures): Promise<void> {
  const sizes = options.quick ? [1024] : [100, 1024, 10240]
  const partitionCounts = options.quick ? [10] : [1, 10, 100]
  for (const size of sizes) {
    for (const partitions of partitionCounts) {
      const topic = `produce-${size}-${partitions}`
      await target.createTopic(topic, partitions)
      const megabytes = Number(options.megabytes) * (size < 1000 ? 0.2 : 1)
      const records = Math.round((megabytes * 1e6) / size)
      await load('produce', target.bootstrap, topic, partitions, size, Math.round(records / 10), ...producer)
      const before = target.usage().cpuSeconds
      const { mbPerSecond, recordsPerSecond, seconds } = await load(
        'produce',
        target.bootstrap,
        topic,
        partitions,
        size,
        records,
        ...producer,
      )
      const cpuSeconds = target.usage().cpuSeconds - before
      const name = `produce ${size} B x ${partitions}p`
      figures[`${name} MB/s`] = mbPerSecond
      figures[`${name} records/s`] = recordsPerSecond
      figures[`${name} cpu s/GB`] = cpuSeconds / ((mbPerSecond * seconds) / 1000)
    }
  }
}

async function consumeAll(target: Target, figures: Figures): Promise<void> {
  if (target.name.startsWith('sink')) return
  const consumer = ['fetch.message.max.bytes=1048576', 'queued.max.messages.kbytes=262144', 'check.crcs=false']
  const topic = 'produce-1024-10'
  const records = Math.round((Number(options.megabytes) * 1e6 * 1.1) / 1024) - 1000
  figures['consume 1 KiB x 10p, cached MB/s'] = (
    await load('consume', target.bootstrap, topic, 10, records, ...consumer)
  ).mbPerSecond
  if (dropCaches()) {
    figures['consume 1 KiB x 10p, from disk MB/s'] = (
      await load('consume', target.bootstrap, topic, 10, records, ...consumer)
    ).mbPerSecond
  }
}

function dropCaches(): boolean {
  try {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}

async function latencies(target: Target, figures: Figures): Promise<void> {
  if (target.name.startsWith('sink')) return
  await target.createTopic('latency', 1)
  for (const rate of options.quick ? [1000] : [100, 1000, 5000]) {
    const found = await load('latency', target.bootstrap, 'latency', rate, 1024, options.quick ? 5 : 10, 'acks=-1')
    for (const quantile of ['p50Ms', 'p99Ms', 'p999Ms'])
      figures[`end to end at ${rate}/s ${quantile}`] = found[quantile]
  }
}

async function kafkajsRound(target: Target, figures: Figures): Promise<void> {
  if (target.name.startsWith('sink')) return
  await target.createTopic('kafkajs', 10)
  const kafka = new Kafka({ brokers: [target.bootstrap], logLevel: logLevel.NOTHING })
  const sender = kafka.producer()
  await sender.connect()
  const value = Buffer.alloc(1024, 'x')
  const batches = 100
  const perBatch = 500
  const start = process.hrtime.bigint()
  for (let i = 0; i < batches; i++) {
    await sender.send({ topic: 'kafkajs', acks: -1, messages: Array.from({ length: perBatch }, () => ({ value })) })
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  await sender.disconnect()
  figures['kafkajs produce 1 KiB MB/s'] = (batches * perBatch * value.length) / seconds / 1e6
}

async function measure(name: TargetName): Promise<Figures> {
  const target = await startTarget(name)
  const figures: Figures = {}
  try {
    if (!name.startsWith('sink')) figures['start to first acknowledged write ms'] = target.firstWriteMs
    await new Promise(resolve => setTimeout(resolve, 2000))
    figures['memory idle MB'] = target.usage().residentMb
    await produceAll(target, figures)
    figures['memory after load MB'] = target.usage().residentMb
    await consumeAll(target, figures)
    await latencies(target, figures)
    await kafkajsRound(target, figures)
  } finally {
    await target.stop()
  }
  return figures
}

function table(): string {
  const names = Object.keys(results)
  const rows = [...new Set(names.flatMap(name => Object.keys(results[name])))]
  const base = results.kafka ? 'kafka' : names[0]
  const lines = [`| | ${names.join(' | ')} | ottla / ${base} |`, `| --- |${' ---: |'.repeat(names.length + 1)}`]
  for (const row of rows) {
    const cells = names.map(name => (results[name][row] === undefined ? '' : format(results[name][row])))
    const ratio =
      results.ottla?.[row] !== undefined && results[base][row] ? results.ottla[row] / results[base][row] : undefined
    lines.push(`| ${row} | ${cells.join(' | ')} | ${ratio === undefined ? '' : ratio.toFixed(2)} |`)
  }
  return lines.join('\n')
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}

buildClient()
for (const name of options.targets.split(',') as TargetName[]) {
  process.stderr.write(`measuring ${name}\n`)
  try {
    results[name] = await measure(name)
  } catch (error) {
    process.stderr.write(`${name} not measured: ${(error as Error).message}\n`)
  }
}
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
}
writeFileSync(options.out, `${JSON.stringify({ machine, results }, null, 2)}\n`)
console.log(`${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Node ${machine.node}\n`)
console.log(table())
