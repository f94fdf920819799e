/** One broker of the cluster: a process in its own network and on its own disk. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import type { PowerVolume } from '../e2e/crash/power.ts'
import type { Target } from './target.ts'

export interface NodeOptions {
  readonly id: number
  readonly host: string
  readonly target: Target
  /** A disk of its own, or null for a plain directory. */
  readonly volume: PowerVolume | null
  readonly dataDirectory: string
  readonly propertiesPath: string
  readonly logPath: string
  readonly clockPath: string
  /** In front of the command. */
  readonly within: readonly string[]
  readonly fakeClock: boolean
}

const fakeTimeLibraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
]

export const fakeTimeLibrary = fakeTimeLibraries.find(path => existsSync(path)) ?? null

export class ChaosNode {
  readonly id: number
  readonly host: string
  readonly dataDirectory: string
  readonly #options: NodeOptions
  #child: ChildProcess | null = null
  /** A fault under way may end it. */
  mayEnd = false
  /** How it ended without being told to. */
  readonly surprises: string[] = []

  constructor(options: NodeOptions) {
    this.#options = options
    this.id = options.id
    this.host = options.host
    this.dataDirectory = options.dataDirectory
    this.setClock(0)
  }

  get volume(): PowerVolume {
    if (!this.#options.volume) throw new Error('this broker has no disk of its own')
    return this.#options.volume
  }

  get running(): boolean {
    const child = this.#child
    return child !== null && child.exitCode === null && child.signalCode === null
  }

  start(mayEnd = false): void {
    if (this.running) return
    const { within, target, propertiesPath, logPath, fakeClock, clockPath } = this.#options
    mkdirSync(this.dataDirectory, { recursive: true })
    const [command, ...args] = [...within, ...target.command(propertiesPath)]
    const clock = {
      LD_PRELOAD: fakeTimeLibrary ?? '',
      FAKETIME_TIMESTAMP_FILE: clockPath,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    const output = openSync(logPath, 'a')
    const env = { ...process.env, ...target.environment, ...(fakeClock && clock) }
    const child = spawn(command, args, { detached: true, stdio: ['ignore', output, output], env })
    closeSync(output)
    this.#child = child
    this.mayEnd = mayEnd
    child.on('exit', (code, signal) => {
      if (this.#child === child && !this.mayEnd)
        this.surprises.push(`broker ${this.id} ended by itself: ${code ?? signal}`)
    })
  }

  /** Ended when this resolves. A SIGTERM that is not obeyed in time is a failure and becomes a SIGKILL. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (!child || !this.running) return
    this.#child = null
    const gone = once(child, 'exit')
    this.#signal(child, signal)
    const timer = setTimeout(() => {
      this.surprises.push(`broker ${this.id} did not end within ${shutdownLimitMs} ms of ${signal}`)
      this.#signal(child, 'SIGKILL')
    }, shutdownLimitMs)
    await gone
    clearTimeout(timer)
  }

  freeze(): void {
    if (this.running) this.#signal(this.#child!, 'SIGSTOP')
  }

  thaw(): void {
    if (this.running) this.#signal(this.#child!, 'SIGCONT')
  }

  /** The wall clock as it sees it from now on. */
  setClock(offsetSeconds: number): void {
    writeFileSync(this.#options.clockPath, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}s\n`)
  }

  async destroy(): Promise<void> {
    this.thaw()
    await this.end('SIGKILL')
    this.#options.volume?.destroy()
  }

  #signal(child: ChildProcess, signal: NodeJS.Signals): void {
    try {
      process.kill(-child.pid!, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

const shutdownLimitMs = 60_000
