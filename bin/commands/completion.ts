/** `ottla completion SHELL`, and `ottla complete`, which the printed scripts ask. */
import type { Command } from 'commander'
import { complete } from '../../src/cli/shell/complete.ts'
import { completionScripts, type Shell, shells } from '../../src/cli/shell/completion.ts'
import type { DefineNoun } from '../../src/cli/shell/run.ts'
import { quietHost } from '../../src/host/node-quiet.ts'
import { nodeTerminal } from '../../src/host/node-terminal.ts'

export function printScript(shell: string): void {
  if (!shells.includes(shell as Shell)) {
    process.stderr.write(`error: there is no completion for ${shell}, only for ${shells.join(', ')}\n`)
    process.exit(2)
  }
  process.stdout.write(completionScripts[shell as Shell])
}

export async function completeWords(
  program: Command,
  nouns: readonly DefineNoun[],
  words: readonly string[],
  version: string,
): Promise<void> {
  const surroundings = { host: quietHost, terminal: nodeTerminal().terminal, version }
  for (const define of nouns) program.addCommand(define({ surroundings, session: null, exitCode: 0 }).command)
  await complete(program, words[0] === '--' ? words.slice(1) : words, surroundings)
  process.exit(0)
}
