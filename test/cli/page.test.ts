/** docs/cli.md tells of every command there is. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import t from 'tap'
import { ExitCode } from '../../src/cli/shell/exit-codes.ts'
import { quietHost } from '../../src/host/node-quiet.ts'
import { allNouns, silentTerminal } from './typed.ts'

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
const surroundings = { host: quietHost, terminal: silentTerminal(), version: '0' }

function* leaves(command: Command): Generator<Command, void, void> {
  if (command.commands.length === 0) yield command
  for (const each of command.commands) yield* leaves(each)
}

t.test('every command stands in the page, with what it takes', async t => {
  for (const define of allNouns) {
    const noun = define({ surroundings, session: null, exitCode: 0 }).command
    const text = page.split(/^## /m).filter(section => section.startsWith(noun.name()) || section.startsWith(`record`))
    for (const leaf of leaves(noun))
      t.ok(
        text.some(section => section.includes(leaf.name())),
        `${noun.name()} ${leaf.name()}`,
      )
  }
})

t.test('every exit code stands in the page', async t => {
  for (const [name, code] of Object.entries(ExitCode)) t.match(page, new RegExp(`^\\| (\\d+, )?${code}\\b`, 'm'), name)
})
