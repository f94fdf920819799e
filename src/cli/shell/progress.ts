/** One line on the terminal that tells how far long work is; nothing where there is no terminal. */
import type { Session } from './session.ts'

const everyMs = 200
/** Short work is not worth a word. */
const notBeforeMs = 700

export class Progress {
  readonly #session: Session
  readonly #startedMs: number
  #shownMs: number
  #shown = false

  constructor(session: Session) {
    this.#session = session
    this.#startedMs = session.host.clock.monotonic()
    this.#shownMs = this.#startedMs + notBeforeMs
  }

  /** `text` is only made when it is shown. `done` from 0 to 1 draws a bar. */
  show(text: () => string, done?: number): void {
    const { terminal, host } = this.#session
    if (!terminal.errors.isTerminal) return
    const nowMs = host.clock.monotonic()
    if (nowMs < this.#shownMs) return
    this.#shownMs = nowMs + everyMs
    this.#shown = true
    const bar = done === undefined ? '' : `${drawn(done)} `
    // A terminal that is gone is noticed where the result is printed.
    terminal.errors.write(`\r\x1b[K${bar}${text()}`.slice(0, terminal.errors.columns + 3)).catch(() => {})
  }

  /** Takes the line away again. */
  async end(): Promise<void> {
    if (this.#shown) await this.#session.terminal.errors.write('\r\x1b[K')
    this.#shown = false
  }
}

const barWidth = 24

function drawn(done: number): string {
  const full = Math.round(Math.min(1, Math.max(0, done)) * barWidth)
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${String(Math.floor(done * 100)).padStart(3)}%`
}
