/**
 * A run: rounds of some faults each. In a round clients write and read a topic of their own while one fault follows the other;
 * after each the cluster must become whole and everybody must be able to write. Then everything is read, the brokers are
 * stopped, their files compared, the history checked.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkHistory, describeAnomalies } from '../history/check.ts'
import { History, type Operation, readHistory } from '../history/history.ts'
import { SimRandom } from '../sim/random.ts'
import { Clients } from './clients.ts'
import { brokerIds, ChaosCluster } from './cluster.ts'
import { readReplica } from './damage.ts'
import { type FaultKind, faultKinds, faults } from './faults.ts'
import { ChaosNetwork } from './network.ts'
import { fakeTimeLibrary } from './node.ts'
import { clientPort, type Target } from './target.ts'
import { monotonicMs } from './workload/clock.ts'
import { kafkajsHistoryPath } from './workload/kafkajs-process.ts'
import type { ClientKind } from './workload/options.ts'

export interface ChaosOptions {
  readonly target: Target
  readonly faults: number
  readonly faultsPerRound: number
  readonly seed: number
  readonly only: readonly FaultKind[]
  readonly clients: readonly ClientKind[]
  readonly partitions: number
  /** Between two batches of one writer, on average. */
  readonly pauseMs: number
  readonly overrides: readonly string[]
  readonly keep: boolean
  /** Something is wrong with the network while something happens to a broker. */
  readonly overlap: boolean
  readonly say: (line: string) => void
}

export interface FaultResult {
  readonly kind: FaultKind
  readonly gapMs: number
  readonly recoveredMs: number
  readonly problems: readonly string[]
}

export interface ChaosReport {
  readonly results: readonly FaultResult[]
  /** What went wrong outside of any one fault: anomalies, above all. */
  readonly problems: readonly string[]
  readonly operations: number
  /** Histories, logs and data, when they were kept. */
  readonly directory: string | null
}

/** The faults that this target and this machine can be put to. */
export function possibleFaults(target: Target): FaultKind[] {
  const excluded: FaultKind[] = []
  if (!target.durable) excluded.push('power-all')
  if (!target.repairs) excluded.push('corrupt-metadata')
  // A JVM does not get far with libfaketime.
  if (fakeTimeLibrary === null || target.name === 'kafka') excluded.push('clock')
  return faultKinds.filter(kind => !excluded.includes(kind))
}

interface Round {
  readonly options: ChaosOptions
  readonly cluster: ChaosCluster
  readonly network: ChaosNetwork
  readonly random: SimRandom
  readonly directory: string
  readonly number: number
}

/** Throws NotPossible when this machine cannot do it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { target, say } = options
  const random = new SimRandom(options.seed)
  const directory = mkdtempSync(join(tmpdir(), `ottla-chaos-${process.pid}-`))
  const results: FaultResult[] = []
  const problems: string[] = []
  let operations = 0
  ChaosNetwork.sweep()
  const network = new ChaosNetwork(brokerIds)
  let cluster: ChaosCluster | null = null
  try {
    const fakeClock = options.only.includes('clock') && fakeTimeLibrary !== null
    cluster = await ChaosCluster.create({
      ...{ directory, target, random, fakeClock },
      place: network,
      volumes: true,
      overrides: options.overrides,
    })
    cluster.start()
    const started = performance.now()
    await cluster.whole(null)
    say(`three brokers of ${target.name} stand after ${seconds(performance.now() - started)}, ${directory}`)
    for (let number = 1; results.length < options.faults && problems.length === 0; number++) {
      const count = Math.min(options.faultsPerRound, options.faults - results.length)
      const round = { options, cluster, network, random, directory, number }
      const outcome = await oneRound(round, count, results)
      problems.push(...outcome.problems)
      operations += outcome.operations
    }
  } catch (error) {
    problems.push((error as Error).message)
  } finally {
    await cluster?.destroy()
    network.close()
  }
  const failed = problems.length > 0 || results.some(result => result.problems.length > 0)
  if (!failed && !options.keep) rmSync(directory, { recursive: true, force: true })
  return { results, problems, operations, directory: failed || options.keep ? directory : null }
}

async function oneRound(
  round: Round,
  count: number,
  results: FaultResult[],
): Promise<{ problems: string[]; operations: number }> {
  const { options, cluster, network, random, directory, number } = round
  const { say } = options
  const topic = `round-${number}`
  await cluster.createTopic(topic, options.partitions)
  await cluster.whole(topic)
  const historyPath = join(directory, `history-${number}.jsonl`)
  const clients = new Clients(network.within(network.clients), join(directory, 'clients.log'), {
    bootstrap: cluster.nodes.map(({ id, host }) => ({ id, host, port: clientPort })),
    ...{ topic, historyPath, partitions: options.partitions, pauseMs: options.pauseMs, clients: options.clients },
    seed: random.below(2 ** 31),
  })
  const problems: string[] = []
  try {
    await clients.allWrite(options.target.recoveryLimitMs)
    for (let i = 0; i < count; i++) {
      const kind = random.pick(options.only)
      const result = await oneFault(round, kind, { clients, topic, label: `${results.length + 1}` })
      results.push(result)
      if (result.problems.length > 0) problems.push(`stopped after a ${kind} that went wrong`)
      if (result.problems.length > 0) break
    }
    await clients.stop()
  } catch (error) {
    problems.push((error as Error).message)
  } finally {
    clients.kill()
  }
  problems.push(...clients.takeWrongs())
  const paths = [historyPath, kafkajsHistoryPath(historyPath)].filter(path => existsSync(path))
  const operations = paths.map(path => readHistory(readFileSync(path, 'utf8'))).reduce(renumbered)
  const replicas = problems.length === 0 ? await compareReplicas(round, topic) : []
  for (const node of cluster.nodes) problems.push(...node.surprises.splice(0))
  const started = performance.now()
  const checked = checkHistory(renumbered(operations, replicas), { allowed: options.target.allowed })
  const { anomalies, allowed, counts } = checked
  say(
    `round ${number}: ${operations.length} operations, ${counts.acknowledged} values acknowledged, ` +
      `${counts.recovered} of unknown end are there, ${anomalies.length} anomalies, ${allowed.length} allowed (checked in ${seconds(performance.now() - started)})`,
  )
  problems.push(...describeAnomalies(anomalies))
  if (problems.length === 0) {
    await cluster.whole(topic)
    await cluster.deleteTopic(topic)
    if (!options.keep) for (const path of paths) rmSync(path)
  }
  return { problems, operations: operations.length }
}

interface FaultContext {
  readonly clients: Clients
  readonly topic: string
  readonly label: string
}

const ofNetwork: readonly FaultKind[] = ['isolate', 'partition', 'one-way', 'bridge', 'loss', 'reset']
const ofBrokers: readonly FaultKind[] = [
  ...(['kill-leader', 'kill-controller', 'kill-two', 'stop', 'pause-leader', 'pause-controller', 'pause-two'] as const),
  ...(['disk-full', 'power', 'corrupt'] as const),
]

/** What may happen at the same time: to the network while something happens to brokers, or the other way round. */
function companion(kind: FaultKind, random: SimRandom): FaultKind | null {
  if (ofNetwork.includes(kind)) return random.pick(ofBrokers)
  return ofBrokers.includes(kind) ? random.pick(ofNetwork) : null
}

/** Faults during which no error may reach a client with retries on. */
const gentle: ReadonlySet<FaultKind> = new Set(['rolling', 'stop', 'clock'])

async function oneFault(round: Round, kind: FaultKind, { clients, topic, label }: FaultContext): Promise<FaultResult> {
  const { options, cluster, network, random } = round
  const limitMs = options.target.recoveryLimitMs
  const partitions = Array.from({ length: options.partitions }, (_, index) => `${topic}-${index}`)
  const recovered = async () => {
    await cluster.whole(topic, limitMs)
    await clients.allWrite(limitMs)
  }
  clients.takeFailures()
  clients.mark()
  const problems: string[] = []
  let what = ''
  let healed = performance.now()
  try {
    const world = { cluster, network, random, topic, partitions, recovered }
    const second = options.overlap ? companion(kind, random) : null
    const [first, meanwhile] = await Promise.all([faults[kind](world), second && faults[second](world)])
    what = second ? `${first}; meanwhile ${second}: ${meanwhile}` : first
    healed = performance.now()
    await recovered()
  } catch (error) {
    problems.push((error as Error).message)
  }
  const recoveredMs = performance.now() - healed
  const gap = clients.longestGap
  const failures = clients.takeFailures()
  if (gentle.has(kind) && !options.overlap)
    problems.push(...failures.map(failure => `an error reached a client: ${failure}`))
  for (const node of cluster.nodes) problems.push(...node.surprises.splice(0))
  problems.push(...clients.takeWrongs())
  const verdict = problems.length === 0 ? 'ok' : `FAILED: ${problems.join('; ')}`
  const given = failures.length > 0 ? `, ${failures.length} given up` : ''
  options.say(
    `${label.padStart(3)} ${kind}: ${what}: longest gap ${seconds(gap.ms)} (${gap.partition}), ` +
      `whole again after ${seconds(recoveredMs)}${given}: ${verdict}`,
  )
  return { kind, gapMs: gap.ms, recoveredMs, problems }
}

/** Stops all brokers, reads their files, starts them again. */
async function compareReplicas({ options, cluster }: Round, topic: string): Promise<readonly Operation[]> {
  await cluster.whole(topic)
  await cluster.stop()
  const history = new History(monotonicMs)
  for (let index = 0; index < options.partitions; index++) {
    const partition = `${topic}-${index}`
    const replicas = cluster.nodes.map(node => ({
      broker: node.id,
      ...readReplica(join(node.dataDirectory, partition)),
    }))
    const from = Math.max(...replicas.map(replica => replica.from))
    const to = Math.min(...replicas.map(replica => replica.end))
    for (const { broker, digests } of replicas) {
      history.note(
        'files',
        'replica',
        { broker, partition, from, to },
        { digest: digests.get(to) ?? `no batch ends at ${to}` },
      )
    }
  }
  cluster.start()
  return history.operations
}

function renumbered(operations: Operation[], more: readonly Operation[]): Operation[] {
  return [...operations, ...more.map((operation, at) => ({ ...operation, id: operations.length + at }))]
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
