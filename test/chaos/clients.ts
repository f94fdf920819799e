/** The workload's process, as the harness sees it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { monotonicMs, sleep } from './workload/clock.ts'
import type { WorkloadLine, WorkloadOptions } from './workload/options.ts'

const mainPath = fileURLToPath(new URL('./workload/main.js', import.meta.url))
const endLimitMs = 300_000

export class Clients {
  readonly historyPath: string
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #progress: (WorkloadLine & { kind: 'progress' }) | null = null
  #ended = false
  /** Errors that reached clients with retries on, since they were last taken. */
  #failures: string[] = []
  #wrongs: string[] = []

  constructor(within: readonly string[], logPath: string, options: WorkloadOptions) {
    this.historyPath = options.historyPath
    const [command, ...args] = [...within, process.execPath, mainPath, JSON.stringify(options)]
    const log = openSync(logPath, 'a')
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', log] })
    closeSync(log)
    this.#closed = once(this.#child, 'close')
    createInterface({ input: this.#child.stdout! }).on('line', text => this.#hear(JSON.parse(text) as WorkloadLine))
  }

  get operations(): number {
    return this.#progress?.operations ?? 0
  }

  mark(): void {
    this.#child.stdin!.write('mark\n')
  }

  /** The longest time that a partition has gone without an acknowledged write since the mark. */
  get longestGap(): { partition: string; ms: number } {
    const gaps = Object.entries(this.#progress?.gapMs ?? {}).sort((a, b) => b[1] - a[1])
    return gaps.length > 0 ? { partition: gaps[0][0], ms: gaps[0][1] } : { partition: 'none', ms: 0 }
  }

  /** Until a write that began after now is acknowledged in every partition. Throws when it takes too long. */
  async allWrite(limitMs: number): Promise<void> {
    const since = monotonicMs()
    for (;;) {
      const last = Object.entries(this.#progress?.lastBegun ?? {})
      const silent = last.filter(([, begun]) => begun < since).map(([partition]) => partition)
      if (last.length > 0 && silent.length === 0) return
      if (this.#child.exitCode !== null) throw new Error('the clients ended')
      if (monotonicMs() - since > limitMs) throw new Error(`no write within ${limitMs} ms to ${silent.join(', ')}`)
      await sleep(20)
    }
  }

  takeFailures(): string[] {
    return this.#failures.splice(0)
  }

  takeWrongs(): string[] {
    return this.#wrongs.splice(0)
  }

  /** No more writes; everything is read once more. Throws when that does not come to an end. */
  async stop(): Promise<void> {
    this.#child.stdin!.end('stop\n')
    const timer = setTimeout(() => this.kill(), endLimitMs)
    await this.#closed
    clearTimeout(timer)
    if (!this.#ended) throw new Error('the clients died: see clients.log')
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #hear(line: WorkloadLine): void {
    if (line.kind === 'progress') this.#progress = line
    else if (line.kind === 'failed') this.#failures.push(`${line.who}: ${line.error}`)
    else if (line.kind === 'wrong') this.#wrongs.push(line.message)
    else this.#ended = true
  }
}
