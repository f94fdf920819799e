/**
 * `npm run crash -- kill 10`: ten rounds of killing a broker under load. `power` cuts the power of its disk instead,
 * `stop` ends it in good order, `simulated` runs random lives of logs and whole brokers on simulated disks. See crash/rounds.ts. Ends with 0 when all is well, 1 when records were lost or the like,
 * 3 when the machine cannot run it.
 */
import { parseArgs } from 'node:util'
import { crashLives } from '../log/crash-model.ts'
import { brokerLives } from '../sim/broker-life.ts'
import { NotPossible } from './crash/power.ts'
import { type CrashMode, crashModes, crashRounds, ottlaCommand } from './crash/rounds.ts'

const problemsShown = 20
const exitCodes = { ok: 0, failed: 1, usage: 2, notRun: 3 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    partitions: { type: 'string', default: '3' },
    command: { type: 'string', default: ottlaCommand },
    override: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
  },
})

const [mode, rounds = '5'] = positionals
if (mode !== 'simulated' && !crashModes.includes(mode as CrashMode)) {
  process.stderr.write(
    'usage: npm run crash -- kill|power|stop|simulated [rounds] [--seed n] [--partitions n] [--keep]\n' +
      '       [--override key=value] [--command "how to start a broker, with {dir} and {port}"]\n',
  )
  process.exit(exitCodes.usage)
}

const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
const say = (line: string) => process.stdout.write(`${line}\n`)
say(`seed ${seed}`)
if (mode === 'simulated') {
  await crashLives(seed, Number(rounds), 'power failure', 'every write is synced')
  await crashLives(seed, Number(rounds), 'power failure', 'the page cache counts')
  await crashLives(seed, Number(rounds), 'kill', 'the page cache counts')
  say(`brokers: ${await brokerLives(seed, Number(rounds))} batches acknowledged`)
  say('ok')
  process.exit(exitCodes.ok)
}
try {
  const report = await crashRounds({
    mode: mode as CrashMode,
    rounds: Number(rounds),
    seed,
    partitions: Number(values.partitions),
    command: [values.command, ...values.override.map(setting => `--override ${setting}`)].join(' '),
    keep: values.keep,
    say,
  })
  for (const problem of report.problems.slice(0, problemsShown)) say(`  ${problem}`)
  if (report.problems.length > problemsShown) say(`  and ${report.problems.length - problemsShown} more`)
  if (report.directory) say(`kept: ${report.directory}`)
  say(report.problems.length === 0 ? `ok: ${report.acknowledged} records acknowledged` : 'FAILED')
  process.exit(report.problems.length === 0 ? exitCodes.ok : exitCodes.failed)
} catch (error) {
  if (!(error instanceof NotPossible)) throw error
  say(`NOT RUN: ${error.message}`)
  process.exit(exitCodes.notRun)
}
