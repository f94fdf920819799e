/**
 * `npm run sim -- SEED` replays one seed and prints what happened. `npm run sim -- --seeds N [--from S] [--minutes M]`
 * tries many and stops at the first that fails.
 */
import { parseArgs } from 'node:util'
import type { Operation } from '../history/history.ts'
import { type Bug, bugs } from './bugs.ts'
import { storedMetadata } from './logs.ts'
import { alone, drawOptions } from './options.ts'
import { SimRandom } from './random.ts'
import { type Report, Simulation } from './simulation.ts'

const shownLines = 60

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    /** Goes on after a failure. */
    all: { type: 'boolean', default: false },
    /** Plants a bug and counts the seeds until it is found; several by commas, or `all`. With a seed: replays it with the bug. */
    bug: { type: 'string' },
    /** Every seed has transactions of all sorts. */
    transactions: { type: 'boolean', default: false },
    /** One broker only. */
    alone: { type: 'boolean', default: false },
    /** `key=value` of a broker's settings, in place of what the seed draws. */
    set: { type: 'string', multiple: true, default: [] },
    /** Prints the metadata log of this node. */
    metadata: { type: 'string' },
    /** Prints what clients did with this partition. */
    history: { type: 'string' },
    quiet: { type: 'boolean', default: false },
  },
})

function play(seed: number, print?: (line: string) => void, transactional = values.transactions): Promise<Report> {
  const drawn = drawOptions(new SimRandom(seed).fork(), transactional)
  const chosen = values.alone ? alone(drawn) : drawn
  const overrides = Object.fromEntries(values.set.map(text => text.split('=', 2)))
  const settings = { ...chosen.cluster.settings, ...overrides }
  const options = { ...chosen, cluster: { ...chosen.cluster, settings } }
  print?.(JSON.stringify(options))
  const simulation = new Simulation(seed, options, print)
  return simulation.play().then(report => {
    const node = simulation.cluster.nodes[Number(values.metadata) - 1]
    if (node) for (const line of storedMetadata(node.machine.disk)) console.log(line)
    if (values.history) tell(simulation.history.operations, values.history)
    return report
  })
}

function tell(operations: readonly Operation[], partition: string): void {
  for (const { id, kind, process, call, result, outcome, error, invoked, ended } of operations) {
    const all = JSON.stringify({ ...call, ...result })
    if (!all.includes(partition)) continue
    const times = `${invoked.toFixed(1)}..${ended.toFixed(1)}`
    console.log(`${id} ${times} ${process} ${kind} ${outcome} ${error ?? ''} ${all.slice(0, 300)}`)
  }
}

function summary({
  seed,
  problem,
  atMs,
  hash,
  events,
  acknowledged,
  polled,
  commits,
  transactions,
  faults,
}: Report): string {
  const told = `${(atMs / 1000).toFixed(0)} s, ${events} events, ${acknowledged} acknowledged, ${polled} polls, ${commits} commits, ${transactions} transactions; ${faults}`
  return `seed ${seed} ${problem ? 'FAILED' : 'ok'} ${hash}: ${told}${problem ? `\n  ${problem}` : ''}`
}

async function many(from: number, count: number, minutes: number): Promise<number> {
  const startedMs = performance.now()
  let failed = 0
  for (let seed = from; seed < from + count; seed++) {
    if (performance.now() - startedMs > minutes * 60_000) break
    const report = await play(seed)
    console.log(summary(report))
    if (!report.problem) continue
    failed++
    if (!values.quiet) for (const line of report.trace.slice(-shownLines)) console.log(line)
    if (!values.all) break
  }
  console.log(`${failed} failed, ${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
  return failed
}

/** One try to find a bug; what was seen, null when nothing was. */
async function tryToFind({ scenario, needs }: Bug, seed: number): Promise<string | null> {
  if (!scenario) return (await play(seed, undefined, needs === 'transactions')).problem
  try {
    await scenario(seed)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** How many of them were not found within their budgets. */
async function findBugs(wanted: readonly Bug[], from: number): Promise<number> {
  let missed = 0
  for (const bug of wanted) {
    const startedMs = performance.now()
    const remove = bug.plant()
    let seen: string | null = null
    let tried = 0
    while (tried < bug.budget && seen === null) seen = await tryToFind(bug, from + tried++)
    remove()
    if (seen === null) missed++
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
    const where = bug.scenario ? ` of ${bug.scenario.name}` : ''
    const told =
      seen === null
        ? `missed in ${tried}${where} |`
        : `found by seed ${from + tried - 1}${where} | ${seen.split('\n')[0]}`
    console.log(`| ${bug.name} | ${told} | ${seconds} s |`)
  }
  for (const { name } of bugs.filter(({ isOpen }) => isOpen))
    if (values.bug === 'all') console.log(`| ${name} | not tried |`)
  return missed
}

const planted = bugs.filter(({ name, isOpen }) =>
  values.bug === 'all' ? !isOpen : values.bug?.split(',').includes(name),
)
if (values.bug && planted.length === 0) throw new Error(`bugs: ${bugs.map(({ name }) => name).join(', ')}`)
let failed = 0
if (planted.length > 0 && positionals.length === 0) failed = await findBugs(planted, Number(values.from))
else if (values.seeds) failed = await many(Number(values.from), Number(values.seeds), Number(values.minutes ?? 60))
else {
  for (const { plant } of planted) plant()
  const report = await play(Number(positionals[0] ?? 1), values.quiet ? undefined : line => console.log(line))
  console.log(summary(report))
  failed = report.problem ? 1 : 0
}
process.exitCode = failed > 0 ? 1 : 0
