/** `ottla topic ...` and its like: this process's terminal around the command line for people. */
import { type DefineNoun, runCommand } from '../../src/cli/shell/run.ts'
import { quietHost } from '../../src/host/node-quiet.ts'
import { nodeTerminal } from '../../src/host/node-terminal.ts'

export async function runNouns(words: readonly string[], nouns: readonly DefineNoun[], version: string): Promise<void> {
  const { terminal } = nodeTerminal()
  // Standard input may still be open: nobody waits for it.
  process.exit(await runCommand(words, { host: quietHost, terminal, version }, nouns))
}
