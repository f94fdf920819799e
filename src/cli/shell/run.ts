/** One run of the command line, from the words that were typed to the exit code. */
import { Command, CommanderError } from 'commander'
import { SinkClosed } from '../../host/terminal.ts'
import { ExitCode } from './exit-codes.ts'
import { failureOf, shownFailure } from './failure.ts'
import type { Noun, Run } from './noun.ts'
import type { Surroundings } from './session.ts'

/** What a command that has something to bring to an end is given for it after Ctrl-C. */
const graceMs = 3000

export type DefineNoun = (run: Run) => Noun

/** Runs `ottla WORDS...`, where the first word is that of one of the nouns. Never throws. */
export async function runCommand(
  words: readonly string[],
  surroundings: Surroundings,
  nouns: readonly DefineNoun[],
): Promise<number> {
  const { terminal } = surroundings
  const run: Run = { surroundings, session: null, exitCode: ExitCode.OK }
  const said: { sink: 'output' | 'errors'; text: string }[] = []
  const program = new Command('ottla').helpCommand(false)
  for (const define of nouns) program.addCommand(define(run).command)
  everyCommand(program, command =>
    command
      .exitOverride()
      .helpOption('-h, --help', 'show this help')
      .configureOutput({
        writeOut: text => said.push({ sink: 'output', text }),
        writeErr: text => said.push({ sink: 'errors', text }),
        getOutHelpWidth: () => terminal.output.columns,
        getErrHelpWidth: () => terminal.errors.columns,
      }),
  )
  const ended = program.parseAsync(words, { from: 'user' }).then(
    () => run.exitCode,
    (error: unknown) => ending(error, words.includes('--json'), surroundings),
  )
  let stopped: number | null = null
  const interrupted = new Promise<number>(resolve => {
    const { interrupted: signal } = terminal
    const stop = () => {
      const code = signal.reason === 'SIGTERM' ? ExitCode.TERMINATED : ExitCode.INTERRUPTED
      stopped = code
      if (run.session?.endsItself) surroundings.host.clock.after(graceMs, () => resolve(code))
      else resolve(code)
    }
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    const code = await Promise.race([ended.then(code => stopped ?? code), interrupted])
    for (const { sink, text } of said) await terminal[sink].write(text)
    return code
  } catch (error) {
    return error instanceof SinkClosed ? ExitCode.OK : ending(error, false, surroundings)
  }
}

async function ending(error: unknown, json: boolean, { terminal }: Surroundings): Promise<number> {
  if (error instanceof SinkClosed) return ExitCode.OK
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE
  const failure = failureOf(error)
  await terminal.errors.write(shownFailure(failure, json))
  return failure.exitCode
}

export function everyCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const each of command.commands) everyCommand(each, visit)
}
