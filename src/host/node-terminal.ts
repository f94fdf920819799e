/** The terminal of this process. */
import { createReadStream } from 'node:fs'
import { isatty } from 'node:tty'
import { type Input, type Sink, SinkClosed, type Terminal } from './terminal.ts'

const columnsWithoutTerminal = 80
const pieceBytes = 256 * 1024

/**
 * Takes over the signals: the first one aborts `interrupted`, a second one ends the process at once. Until `release` the
 * process stays alive, also when it only waits for a timer.
 */
export function nodeTerminal(): { terminal: Terminal; release(): void } {
  const interruption = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    if (interruption.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    interruption.abort(signal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const hold = setInterval(() => {}, 2 ** 30)
  const terminal: Terminal = {
    input: new StandardInput(),
    output: new StreamSink(process.stdout),
    errors: new StreamSink(process.stderr),
    environment: process.env,
    interrupted: interruption.signal,
  }
  return {
    terminal,
    release() {
      clearInterval(hold)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/** Opened only when somebody reads: most commands do not. */
class StandardInput implements Input {
  get isTerminal(): boolean {
    return isatty(0)
  }

  chunks(path?: string): AsyncIterable<Buffer> {
    return path === undefined ? process.stdin : createReadStream(path, { highWaterMark: pieceBytes })
  }
}

class StreamSink implements Sink {
  readonly #stream: NodeJS.WriteStream
  #closed = false
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#closed = true
      if (error.code !== 'EPIPE') throw error
    })
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  get columns(): number {
    return this.#stream.columns ?? columnsWithoutTerminal
  }

  write(piece: string | Buffer): Promise<void> {
    if (this.#closed) return Promise.reject(new SinkClosed())
    return new Promise((resolve, reject) => {
      this.#stream.write(piece, error => {
        if (!error) return resolve()
        reject((error as NodeJS.ErrnoException).code === 'EPIPE' ? new SinkClosed() : error)
      })
    })
  }
}
