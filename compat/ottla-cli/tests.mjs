// The transcript against a broker: node tests.mjs; with --write BOOTSTRAP it is written anew.
import { runAll, test } from '../lib/harness.mjs'
import { run, sections, write } from './transcript.mjs'

if (process.argv[2] === '--write') {
  const all = sections()
  for (const { steps } of all) for (const step of steps) step.said = await run(step.command, process.argv[3])
  write(all)
} else {
  for (const { name, steps } of sections()) {
    test(
      name,
      async () => {
        for (const { command, said } of steps) {
          const now = await run(command, process.env.COMPAT_BOOTSTRAP)
          if (now !== said) throw new Error(`$ ${command}\n--- expected\n${said}\n--- said\n${now}`)
        }
      },
      { timeoutMs: 120_000 },
    )
  }
  await runAll(() => {}, 2)
}
