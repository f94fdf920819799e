/** The command line as a process of its own, as users have it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const program = fileURLToPath(new URL('../../bin/ottla.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export class OttlaProcess {
  stdout = ''
  stderr = ''
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #waiters: (() => void)[] = []
  #isOver = false

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', text => this.#take('stdout', text))
    child.stderr.setEncoding('utf8').on('data', text => this.#take('stderr', text))
    this.ended = new Promise(resolve => {
      child.on('close', (code, signal) => {
        this.#isOver = true
        this.#wake()
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  /** Resolves to the match of what was printed; rejects when the process ends without. */
  async printed(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream])
      if (match) return match
      if (this.#isOver) throw new Error(`ended without ${pattern}: ${this.stdout}${this.stderr}`)
      await new Promise<void>(resolve => this.#waiters.push(resolve))
    }
  }

  /** Where a broker that was started takes clients. */
  async ready(): Promise<string> {
    return (await this.printed(/^ottla ready on (\S+) \(node \d+, cluster \S+\)\n/m))[1]
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async stop(): Promise<Ended> {
    this.kill('SIGTERM')
    return this.ended
  }

  #take(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

/** Started with the test, gone with it. */
export function ottla(t: Test, args: readonly string[], env: Readonly<Record<string, string>> = {}): OttlaProcess {
  const started = new OttlaProcess(args, env)
  t.teardown(async () => {
    started.kill('SIGKILL')
    await started.ended
  })
  return started
}

export function temporaryDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
