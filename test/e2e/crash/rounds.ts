/**
 * Rounds of: write, let the broker die at some moment, start it again, read everything back. What was acknowledged must
 * be there, at its offset, in order, and what an idempotent producer wrote only once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SimRandom } from '../../sim/random.ts'
import { BrokerProcess, freePort } from './broker-process.ts'
import { History } from './history.ts'
import { PowerVolume } from './power.ts'
import { readAll, topic, Writers } from './workload.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** This broker. Without waiting for further group members: each round reads with a group of its own. */
export const ottlaCommand =
  `node ${root}dist/bin/ottla.js start --data-dir {dir} --listen 127.0.0.1:{port} --log-level info ` +
  '--override group.initial.rebalance.delay.ms=0'

export type CrashMode = 'kill' | 'power' | 'stop'
export const crashModes: readonly CrashMode[] = ['kill', 'power', 'stop']

export interface CrashOptions {
  readonly mode: CrashMode
  readonly rounds: number
  readonly seed: number
  readonly partitions: number
  /** Shell command that starts the broker; `{dir}` and `{port}` are replaced. */
  readonly command: string
  /** Leaves the data directory behind, also when all is well. */
  readonly keep: boolean
  readonly say: (line: string) => void
}

export interface CrashReport {
  readonly acknowledged: number
  readonly problems: readonly string[]
  /** Data and the broker's output, when they were kept. */
  readonly directory: string | null
}

/** Acknowledged records in one round before the broker dies. */
const acknowledgedMin = 20
const acknowledgedSpread = 3000

/** Throws NotPossible when this machine cannot cut the power of a disk. */
export async function crashRounds(options: CrashOptions): Promise<CrashReport> {
  const random = new SimRandom(options.seed)
  const pick = (n: number) => random.below(n)
  const directory = mkdtempSync(join(tmpdir(), 'ottla-crash-'))
  const history = new History()
  const problems: string[] = []
  let volume: PowerVolume | null = null
  let broker: BrokerProcess | null = null
  try {
    if (options.mode === 'power') volume = await PowerVolume.create(directory, pick)
    const data = join(volume?.path ?? directory, 'data')
    broker = new BrokerProcess(options.command, data, await freePort(), join(directory, 'broker.log'))
    await broker.start()
    await createTopic(broker, options.partitions)
    for (let round = 1; round <= options.rounds && problems.length === 0; round++) {
      problems.push(...(await oneRound(options, { broker, volume, history, round, pick })))
    }
    await broker.kill('SIGTERM')
    volume?.unmount()
  } catch (error) {
    if (history.acknowledgedCount === 0) throw error
    problems.push((error as Error).message)
  } finally {
    await broker?.kill('SIGKILL')
    volume?.destroy()
    if (!options.keep && problems.length === 0) rmSync(directory, { recursive: true, force: true })
  }
  const kept = options.keep || problems.length > 0
  return { acknowledged: history.acknowledgedCount, problems, directory: kept ? directory : null }
}

interface Round {
  readonly broker: BrokerProcess
  readonly volume: PowerVolume | null
  readonly history: History
  readonly round: number
  readonly pick: (n: number) => number
}

async function oneRound(options: CrashOptions, { broker, volume, history, round, pick }: Round): Promise<string[]> {
  const writers = await Writers.start(broker, history, round, options.partitions, pick)
  await writers.acknowledged(acknowledgedMin + pick(acknowledgedSpread))
  const how = volume ? `${options.mode}, ${volume.mountedWith}` : options.mode
  if (volume) {
    broker.freeze()
    await volume.cut()
  }
  const dying = broker.kill(options.mode === 'stop' ? 'SIGTERM' : 'SIGKILL')
  writers.stop()
  await dying
  if (volume) {
    volume.unmount()
    await volume.mount()
  }
  const started = performance.now()
  await broker.start()
  const startMs = Math.round(performance.now() - started)
  await writers.ended()
  const records = await readAll(broker.client(`reader-${round}`, 20), `reader-${round}`)
  const problems = [...writers.problems, ...history.check(records)]
  const verdict = problems.length === 0 ? 'ok' : `${problems.length} problems`
  options.say(
    `round ${round} (${how}): ${history.acknowledgedCount} acknowledged, ${records.length} read, ` +
      `started again in ${startMs} ms: ${verdict}`,
  )
  return problems
}

async function createTopic(broker: BrokerProcess, numPartitions: number): Promise<void> {
  const admin = broker.client('admin', 5).admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, replicationFactor: 1 }] })
  await admin.disconnect()
}
