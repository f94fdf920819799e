/** What a command works with: the cluster it was pointed at, and where it prints. */
import { Client } from '../../client/client.ts'
import type { Endpoint, Host } from '../../host/host.ts'
import type { Terminal } from '../../host/terminal.ts'
import { parseTime } from './duration.ts'
import { type Column, renderFacts, renderTable } from './table.ts'
import { NotConfirmed, UsageError } from './usage-error.ts'

/** The options that every command has. */
export interface CommonOptions {
  readonly bootstrap?: string
  readonly timeout: string
  readonly json?: boolean
}

/** The world of a command. */
export interface Surroundings {
  readonly host: Host
  readonly terminal: Terminal
  readonly version: string
}

const defaultBootstrap = 'localhost:9092'
const defaultPort = 9092

export class Session {
  readonly client: Client
  readonly terminal: Terminal
  readonly host: Host
  /** Print for programs. */
  readonly json: boolean
  /** The command ends by itself when it is interrupted, and has something to bring to an end before. */
  endsItself = false

  constructor({ host, terminal, version }: Surroundings, options: CommonOptions) {
    this.terminal = terminal
    this.host = host
    this.json = options.json ?? false
    const bootstrap = options.bootstrap ?? terminal.environment.OTTLA_BOOTSTRAP ?? defaultBootstrap
    this.client = new Client(host, {
      bootstrap: parseEndpoints(bootstrap),
      timeoutMs: parseTime(options.timeout, 'timeout'),
      clientId: 'ottla-cli',
      softwareVersion: version,
    })
  }

  print(text: string): Promise<void> {
    return this.terminal.output.write(text)
  }

  printJson(value: unknown): Promise<void> {
    return this.print(`${JSON.stringify(value, null, 2)}\n`)
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<void> {
    const { isTerminal, columns: width } = this.terminal.output
    return this.print(renderTable(columns, rows, isTerminal ? width : null))
  }

  facts(facts: readonly (readonly [string, string])[]): Promise<void> {
    return this.print(renderFacts(facts))
  }

  /** A line beside the output, for people; programs do not get it. */
  async note(text: string): Promise<void> {
    if (!this.json) await this.terminal.errors.write(`${text}\n`)
  }

  /** Throws NotConfirmed unless somebody said yes, now or by --yes. */
  async confirm(what: string, yes: boolean | undefined): Promise<void> {
    if (yes) return
    const { input, errors } = this.terminal
    if (!input.isTerminal || !errors.isTerminal) throw new NotConfirmed(`${what}: confirm with --yes`)
    await errors.write(`${what}? [y/N] `)
    for await (const chunk of input.chunks()) {
      if (/^\s*y(es)?\s*$/i.test(chunk.toString('utf8'))) return
      break
    }
    throw new NotConfirmed('nothing was done')
  }

  close(): Promise<void> {
    return this.client.close()
  }
}

function parseEndpoints(text: string): Endpoint[] {
  const endpoints = text
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')
    .map(parseEndpoint)
  if (endpoints.length === 0)
    throw new UsageError('--bootstrap is empty', ['HOST:PORT is expected, or several, with commas.'])
  return endpoints
}

function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\w+:\/\/)?(?:\[([^\]]+)\]|([^:/]+))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[3] ?? defaultPort)
  if (!match || port < 1 || port > 65_535) {
    throw new UsageError(`${text} is no address of a broker`, ['HOST:PORT is expected, or several, with commas.'])
  }
  return { host: match[1] ?? match[2], port }
}
