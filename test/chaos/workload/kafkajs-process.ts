/**
 * kafkajs in a process of its own: now and then its fetcher spins for good when a consumer is to end (2.2.4), and then nothing
 * else in the process runs. Its history is a file of its own too.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WorkloadLine, WorkloadOptions } from './options.ts'

const endLimitMs = 20_000

export function kafkajsHistoryPath(historyPath: string): string {
  return `${historyPath}.kafkajs`
}

export class KafkajsProcess {
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>

  constructor(options: WorkloadOptions, say: (line: WorkloadLine) => void) {
    const path = fileURLToPath(new URL('./kafkajs-main.js', import.meta.url))
    const own: WorkloadOptions = { ...options, historyPath: kafkajsHistoryPath(options.historyPath) }
    this.#child = spawn(process.execPath, [path, JSON.stringify(own)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#gone = once(this.#child, 'close')
    this.#child.stdin!.on('error', () => {})
    createInterface({ input: this.#child.stdout! }).on('line', line => say(JSON.parse(line) as WorkloadLine))
    process.on('exit', () => this.#child.kill('SIGKILL'))
  }

  /** When it does not end, it is killed: what it had under way is of unknown end. */
  async stop(): Promise<void> {
    this.#child.stdin!.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endLimitMs)
    await this.#gone
    clearTimeout(timer)
  }
}
