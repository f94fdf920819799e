/**
 * `npm run chaos -- --faults 20`: three brokers as processes in networks of their own, twenty faults, clients that write down
 * what they are told, and a checker that looks for what may not be. docs/chaos.md says more. Ends with 0 when all is well, 1
 * when something was found, 3 when the machine cannot run it.
 */
import { parseArgs } from 'node:util'
import { NotPossible } from '../e2e/crash/power.ts'
import { runBank } from './bank/bank.ts'
import { type FaultKind, faultKinds } from './faults.ts'
import { type FaultResult, possibleFaults, runChaos, seconds } from './run.ts'
import { apacheKafka, ottla } from './target.ts'
import { type ClientKind, clientKinds } from './workload/options.ts'

const exitCodes = { ok: 0, failed: 1, usage: 2, notRun: 3 }

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '20' },
    round: { type: 'string', default: '10' },
    seed: { type: 'string' },
    only: { type: 'string' },
    without: { type: 'string', default: '' },
    target: { type: 'string', default: 'ottla' },
    clients: { type: 'string', default: 'own,kafkajs,librdkafka' },
    partitions: { type: 'string', default: '6' },
    pause: { type: 'string', default: '50' },
    override: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
    overlap: { type: 'boolean', default: false },
    bank: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    help: { type: 'boolean', default: false },
  },
})

function usage(): never {
  process.stderr.write(
    'usage: npm run chaos -- [--faults n] [--round n] [--seed n] [--only kind,...] [--without kind,...] [--overlap] [--keep]\n' +
      '       [--target ottla|kafka] [--clients own,kafkajs,librdkafka,java] [--partitions n] [--pause ms] [--override key=value]\n' +
      '       --bank [--minutes n] [--seed n] [--target ottla|kafka] [--pause ms] [--override key=value] [--keep]\n' +
      `faults: ${faultKinds.join(', ')}\n`,
  )
  process.exit(exitCodes.usage)
}

const say = (line: string) => process.stdout.write(`${line}\n`)
if (values.help || !['ottla', 'kafka'].includes(values.target)) usage()
const target = values.target === 'kafka' ? apacheKafka() : ottla
const without = values.without.split(',')
const only = (values.only?.split(',') ?? possibleFaults(target).filter(kind => !without.includes(kind))) as FaultKind[]
const clients = values.clients.split(',') as ClientKind[]
if (only.some(kind => !faultKinds.includes(kind)) || clients.some(kind => !clientKinds.includes(kind))) usage()
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
say(`seed ${seed}`)
if (values.bank) process.exit(await bank())

try {
  const report = await runChaos({
    ...{ target, seed, only, clients, say, keep: values.keep, overrides: values.override },
    faults: Number(values.faults),
    overlap: values.overlap,
    faultsPerRound: Number(values.round),
    partitions: Number(values.partitions),
    pauseMs: Number(values.pause),
  })
  for (const line of table(report.results)) say(line)
  for (const problem of report.problems) say(problem)
  if (report.directory) say(`kept: ${report.directory}`)
  const failed = report.results.filter(({ problems }) => problems.length > 0).length
  const failedRounds = report.problems.length > 0 && failed === 0 ? 1 : 0
  say(
    `seed ${seed}, ${report.operations} operations: ${report.results.length - failed} passed, ${failed + failedRounds} failed`,
  )
  process.exit(failed + failedRounds === 0 ? exitCodes.ok : exitCodes.failed)
} catch (error) {
  if (!(error instanceof NotPossible)) throw error
  say(`NOT RUN: ${error.message}`)
  process.exit(exitCodes.notRun)
}

async function bank(): Promise<number> {
  const { problems, directory } = await runBank({
    ...{ target, seed, say, keep: values.keep, overrides: values.override },
    minutes: Number(values.minutes),
    accounts: 24,
    pauseMs: Number(values.pause),
  })
  for (const problem of problems) say(problem)
  if (directory) say(`kept: ${directory}`)
  say(`seed ${seed}: ${problems.length === 0 ? 'the books are right' : 'FAILED'}`)
  return problems.length === 0 ? exitCodes.ok : exitCodes.failed
}

/** Per kind: how many, and how long clients waited. */
function table(results: readonly FaultResult[]): string[] {
  const row = (kind: string, of: readonly FaultResult[]) => {
    const gaps = of.map(({ gapMs }) => gapMs).sort((a, b) => a - b)
    const recoveries = of.map(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b)
    const middle = (list: readonly number[]) => seconds(list[Math.floor((list.length - 1) / 2)])
    return [
      kind,
      String(of.length),
      middle(gaps),
      seconds(gaps.at(-1)!),
      middle(recoveries),
      seconds(recoveries.at(-1)!),
    ]
  }
  const rows = faultKinds.flatMap(kind => {
    const of = results.filter(result => result.kind === kind)
    return of.length > 0 ? [row(kind, of)] : []
  })
  const lines = [['fault', 'times', 'gap p50', 'gap max', 'whole p50', 'whole max'], ...rows]
  return lines.map(cells => cells.map((cell, at) => (at === 0 ? cell.padEnd(18) : cell.padStart(11))).join(''))
}
