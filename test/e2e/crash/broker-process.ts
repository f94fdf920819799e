/** A broker as a process of its own, started by any command, that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'

/** How long a broker may take until it answers, recovery included. */
const startLimitMs = 60_000

/** The name of a new listener's port, free a moment ago; it stays the same over restarts, so that clients find back. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export class BrokerProcess {
  readonly port: number
  readonly #command: string
  readonly #output: WriteStream
  #child: ChildProcess | null = null

  /** `command` runs in a shell; `{dir}` and `{port}` in it are replaced. What it prints goes to `logPath`. */
  constructor(command: string, directory: string, port: number, logPath: string) {
    this.port = port
    this.#command = command.replaceAll('{dir}', directory).replaceAll('{port}', String(port))
    this.#output = createWriteStream(logPath, { flags: 'a' })
  }

  /** Starts it and waits until it answers a client. */
  async start(): Promise<void> {
    const child = spawn('/bin/sh', ['-c', `exec ${this.#command}`], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stdout?.pipe(this.#output, { end: false })
    child.stderr?.pipe(this.#output, { end: false })
    const deadline = Date.now() + startLimitMs
    while (!(await this.#answers())) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the broker ended while starting (${child.exitCode ?? child.signalCode})`)
      }
      if (Date.now() > deadline) throw new Error(`the broker does not answer within ${startLimitMs} ms`)
    }
  }

  /**
   * Stops the process where it is, as a power failure does. Without it the process would see its disk go: ext4 may answer an
   * fdatasync that was under way with success although its journal was aborted (jbd2_complete_transaction finds the
   * transaction finished), and the broker would acknowledge what no real power failure lets it acknowledge.
   */
  freeze(): void {
    if (this.#child?.pid) process.kill(-this.#child.pid, 'SIGSTOP')
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    try {
      process.kill(-child.pid, signal)
    } catch (error) {
      // It ended by itself: its disk is gone, say.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await gone
    this.#child = null
  }

  client(name: string, retries: number): Kafka {
    return new Kafka({
      clientId: name,
      brokers: [`127.0.0.1:${this.port}`],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 20_000,
      retry: { retries, initialRetryTime: 50, maxRetryTime: 500 },
    })
  }

  async #answers(): Promise<boolean> {
    const admin = this.client('probe', 0).admin()
    try {
      await admin.connect()
      await admin.listTopics()
      return true
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50))
      return false
    } finally {
      await admin.disconnect()
    }
  }
}
