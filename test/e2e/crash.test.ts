/** A few rounds of what `npm run crash` does at length. */
import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import { NotPossible } from './crash/power.ts'
import { type CrashMode, type CrashReport, crashRounds, ottlaCommand } from './crash/rounds.ts'

const flushNever = `${ottlaCommand} --override log.flush.interval.messages=1000000000`

async function rounds(t: Test, mode: CrashMode, count: number, seed: number, command = ottlaCommand) {
  t.comment(`seed ${seed}`)
  return crashRounds({ mode, rounds: count, seed, command, partitions: 3, keep: false, say: line => t.comment(line) })
}

function allIsWell(t: Test, report: CrashReport): void {
  t.same(report.problems, [], report.directory ?? '')
  t.ok(report.acknowledged > 0)
}

/** Where the power cannot be cut the test is reported as not run. */
async function cuttingPower(t: Test, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof NotPossible)) throw error
    t.plan(0, `not run: ${error.message}`)
  }
}

t.test('kill -9', async t => allIsWell(t, await rounds(t, 'kill', 2, 1)))

t.test('a shutdown in good order', async t => allIsWell(t, await rounds(t, 'stop', 1, 2)))

t.test('power failure', t => cuttingPower(t, async () => allIsWell(t, await rounds(t, 'power', 2, 3))))

t.test('without syncs a power failure loses records, and this test sees it', t =>
  cuttingPower(t, async () => {
    const { problems, directory } = await rounds(t, 'power', 3, 4, flushNever)
    if (directory) rmSync(directory, { recursive: true, force: true })
    t.ok(problems.some(problem => problem.includes('is lost')))
  }),
)
