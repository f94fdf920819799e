/** One client of the bank as the harness sees it: a process that may be killed at any time, and goes on as another one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { BankLine, BankOptions } from './lines.ts'

const endLimitMs = 30_000

export class BankClient {
  readonly name: string
  readonly #command: (options: BankOptions) => readonly string[]
  readonly #options: Omit<BankOptions, 'life'>
  readonly #logPath: string
  readonly #hear: (line: BankLine) => void
  #child: ChildProcess | null = null
  #closed: Promise<unknown> = Promise.resolve()
  #life = 0

  constructor(
    options: Omit<BankOptions, 'life'>,
    command: (options: BankOptions) => readonly string[],
    logPath: string,
    hear: (line: BankLine) => void,
  ) {
    this.name = options.name
    this.#options = options
    this.#command = command
    this.#logPath = logPath
    this.#hear = hear
  }

  get lives(): number {
    return this.#life
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  start(): void {
    if (this.running) return
    const [command, ...args] = this.#command({ ...this.#options, life: this.#life++ })
    const log = openSync(this.#logPath, 'a')
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', log] })
    closeSync(log)
    child.stdin!.on('error', () => {})
    this.#child = child
    this.#closed = once(child, 'close')
    createInterface({ input: child.stdout! }).on('line', text => {
      // The last line of one that was killed may be torn.
      if (text.endsWith('}')) this.#hear(JSON.parse(text) as BankLine)
    })
  }

  /** Of those that end by themselves. Throws when that was not well. */
  async ended(): Promise<void> {
    await this.#closed
    if (this.#child?.exitCode !== 0) throw new Error(`${this.name} failed: see ${this.#logPath}`)
  }

  /** All that it said has been heard when this resolves. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#closed
  }

  /** When it does not end, it is killed. */
  async stop(): Promise<void> {
    this.#child?.stdin?.end('stop\n')
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), endLimitMs)
    await this.#closed
    clearTimeout(timer)
  }
}
