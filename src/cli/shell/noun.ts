/** How a noun of the command line (`topic`, `group` ...) gets its verbs: common options, a session, an exit code. */
import { Command, Option } from 'commander'
import { type CommonOptions, Session, type Surroundings } from './session.ts'

/** What became of a run: commander only tells of mistakes. */
export interface Run {
  readonly surroundings: Surroundings
  session: Session | null
  exitCode: number
}

export class Noun {
  readonly command: Command
  readonly #run: Run

  constructor(name: string, description: string, run: Run) {
    this.command = new Command(name).description(description)
    this.#run = run
  }

  /** A noun under this one: `cluster reassign plan`. */
  noun(name: string, description: string): Noun {
    const inner = new Noun(name, description, this.#run)
    this.command.addCommand(inner.command)
    return inner
  }

  /** A verb. Arguments and options of its own are added to what is returned, `act` at last. */
  verb(name: string, description: string): Verb {
    const command = new Command(name).description(description)
    this.command.addCommand(command)
    return new Verb(command, this.#run)
  }
}

export class Verb {
  readonly #command: Command
  readonly #run: Run

  constructor(command: Command, run: Run) {
    this.#command = command
    this.#run = run
  }

  alias(name: string): this {
    this.#command.alias(name)
    return this
  }

  argument(name: string, description: string): this {
    this.#command.argument(name, description)
    return this
  }

  option(flags: string, description: string, fallback?: string): this {
    this.#command.addOption(new Option(flags, description).default(fallback))
    return this
  }

  /** May be given several times. */
  repeated(flags: string, description: string): this {
    const collect = (value: string, before: string[] = []) => [...before, value]
    this.#command.addOption(new Option(flags, description).argParser(collect))
    return this
  }

  choice(flags: string, description: string, choices: readonly string[], fallback?: string): this {
    this.#command.addOption(new Option(flags, description).choices(choices).default(fallback))
    return this
  }

  /** Kafka's name for something, taken without being advertised. */
  hidden(flags: string): this {
    this.#command.addOption(new Option(flags).hideHelp())
    return this
  }

  examples(...lines: readonly string[]): this {
    this.#command.addHelpText('after', `\nExamples:\n${lines.map(line => `  ${line}`).join('\n')}`)
    return this
  }

  /** `act` is handed the session, the options, and the arguments as they were given. It may give an exit code. */
  act<O extends object>(
    act: (session: Session, options: O & CommonOptions, ...args: never[]) => Promise<number> | Promise<void>,
  ): void {
    this.#command
      .addOption(
        new Option(
          '-b, --bootstrap <host:port,...>',
          'brokers to begin with (default: $OTTLA_BOOTSTRAP, or localhost:9092)',
        ),
      )
      .addOption(new Option('--timeout <time>', 'for one operation, retries included').default('15s'))
      .addOption(new Option('--json', 'print JSON, for programs'))
    this.#command.action(async (...given: unknown[]) => {
      // Commander hands over the arguments, the options and the command itself.
      const args = given.slice(0, -2) as never[]
      const options = given.at(-2) as O & CommonOptions
      const session = new Session(this.#run.surroundings, options)
      this.#run.session = session
      try {
        this.#run.exitCode = (await act(session, options, ...args)) ?? 0
      } finally {
        await session.close()
      }
    })
  }
}
