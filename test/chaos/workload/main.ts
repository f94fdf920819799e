/**
 * The clients of one round as a process of their own, in the clients' network: writes its history to a file, says on standard
 * output ten times a second how it is going, and obeys lines on standard input: `mark`, `stop`.
 */
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { History } from '../../history/history.ts'
import { SimRandom } from '../../sim/random.ts'
import { monotonicMs } from './clock.ts'
import { ClusterClient } from './cluster-client.ts'
import { watchGroup } from './group-watch.ts'
import { JavaClients } from './java.ts'
import type { KafkajsWorld } from './kafkajs.ts'
import { KafkajsProcess } from './kafkajs-process.ts'
import { Librdkafka } from './librdkafka.ts'
import type { WorkloadLine, WorkloadOptions } from './options.ts'
import { Progress } from './progress.ts'
import { follow, readEverything, watchBroker, watchOffsets } from './readers.ts'
import { idempotentWriter, plainWriter } from './writers.ts'

const progressMs = 100
const finalReadLimitMs = 120_000

async function main(options: WorkloadOptions): Promise<void> {
  const { bootstrap, topic, seed, pauseMs, clients } = options
  const partitions = Array.from({ length: options.partitions }, (_, index) => `${topic}-${index}`)
  const file = createWriteStream(options.historyPath)
  const history = new History(monotonicMs, entry => file.write(`${JSON.stringify(entry)}\n`))
  const progress = new Progress(partitions)
  const random = new SimRandom(seed)
  const client = new ClusterClient(bootstrap, [topic])
  let stopping = false
  let readersStopping = false
  const say = (line: WorkloadLine) => process.stdout.write(`${JSON.stringify(line)}\n`)
  const failed = (who: string, error: unknown) => say({ kind: 'failed', who, error: (error as Error).message })
  const world: KafkajsWorld = {
    ...{ client, history, random, progress, pauseMs, bootstrap, topic, partitions, failed },
    stopping: () => stopping,
  }
  const readers = {
    ...{ client, history, stopping: () => readersStopping },
    wrong: (message: string) => say({ kind: 'wrong', message }),
  }
  await client.refresh()

  const writing: Promise<void>[] = []
  const reading: Promise<void>[] = []
  let rdkafka: Librdkafka | null = null
  let java: JavaClients | null = null
  let kafkajs: KafkajsProcess | null = null
  if (clients.includes('own')) {
    for (const [index, partition] of partitions.entries()) {
      writing.push(
        plainWriter(world, `plain-${index}`, partition, -1),
        idempotentWriter(world, `once-${index}`, partition),
      )
    }
    writing.push(plainWriter(world, 'leader-only', partitions[0], 1))
  }
  if (clients.includes('kafkajs')) kafkajs = new KafkajsProcess(options, say)
  if (clients.includes('librdkafka')) rdkafka = new Librdkafka(world, 'rd')
  if (clients.includes('java')) java = new JavaClients(world, 'java')
  reading.push(follow(readers, 'follower', partitions), watchOffsets(readers, 'offsets', partitions))
  for (const group of ['js', 'rd', 'java']) {
    reading.push(watchGroup(readers, { brokers: bootstrap, topic, partitions: partitions.length, group }))
  }
  for (const { id, ...endpoint } of bootstrap) reading.push(watchBroker(readers, id, endpoint, topic))

  const timer = setInterval(
    () => say({ kind: 'progress', operations: history.operations.length, ...progress.gaps }),
    progressMs,
  )
  await new Promise<void>(resolve => {
    createInterface({ input: process.stdin })
      .on('line', line => {
        if (line === 'mark') progress.mark()
        if (line === 'stop') resolve()
      })
      .on('close', resolve)
  })
  stopping = true
  await Promise.all([...writing, rdkafka?.stop(), java?.stop(), kafkajs?.stop()])
  readersStopping = true
  await Promise.all(reading)
  clearInterval(timer)
  try {
    await readEverything(readers, partitions, finalReadLimitMs)
  } catch (error) {
    say({ kind: 'wrong', message: (error as Error).message })
  }
  java?.admitTheRest()
  await new Promise(resolve => file.end(resolve))
  say({ kind: 'ended' })
  process.exit(0)
}

await main(JSON.parse(process.argv[2]) as WorkloadOptions)
