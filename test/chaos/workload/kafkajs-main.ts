/** The clients that are kafkajs, as a process: see kafkajs-process.ts. */
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { History } from '../../history/history.ts'
import { SimRandom } from '../../sim/random.ts'
import { monotonicMs } from './clock.ts'
import { ClusterClient } from './cluster-client.ts'
import { type KafkajsWorld, kafkajsMember, kafkajsWriter } from './kafkajs.ts'
import type { WorkloadLine, WorkloadOptions } from './options.ts'
import { Progress } from './progress.ts'

async function main({ bootstrap, topic, seed, pauseMs, historyPath, ...options }: WorkloadOptions): Promise<void> {
  const partitions = Array.from({ length: options.partitions }, (_, index) => `${topic}-${index}`)
  const file = createWriteStream(historyPath)
  let stopping = false
  const say = (line: WorkloadLine) => process.stdout.write(`${JSON.stringify(line)}\n`)
  const world: KafkajsWorld = {
    ...{ pauseMs, bootstrap, topic, partitions },
    client: new ClusterClient(bootstrap, [topic]),
    history: new History(monotonicMs, entry => file.write(`${JSON.stringify(entry)}\n`)),
    random: new SimRandom(seed),
    progress: new Progress(partitions),
    failed: (who, error) => say({ kind: 'failed', who, error: (error as Error).message }),
    stopping: () => stopping,
  }
  createInterface({ input: process.stdin }).on('close', () => {
    stopping = true
  })
  const members = [kafkajsMember(world, 'js-member-0', 'js'), kafkajsMember(world, 'js-member-1', 'js')]
  await Promise.all([kafkajsWriter(world, 'js'), ...members])
  await new Promise(resolve => file.end(resolve))
  process.exit(0)
}

await main(JSON.parse(process.argv[2]) as WorkloadOptions)
