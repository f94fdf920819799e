/** Where consumed records are printed: gathered into pieces, at the pace of whoever reads. */
import type { ReadRecord } from '../../client/fetched-records.ts'
import { Progress } from '../shell/progress.ts'
import type { Session } from '../shell/session.ts'
import { counted } from '../topic/create.ts'
import type { RecordPrinter } from './template.ts'

const pieceBytes = 256 * 1024

export class RecordSink {
  readonly #session: Session
  readonly #printer: RecordPrinter
  readonly #recordsMax: number
  readonly #progress: Progress
  #held: Buffer[] = []
  #heldBytes = 0
  #records = 0

  constructor(session: Session, printer: RecordPrinter, recordsMax: number) {
    this.#session = session
    this.#printer = printer
    this.#recordsMax = recordsMax
    this.#progress = new Progress(session)
  }

  get records(): number {
    return this.#records
  }

  get hasEnough(): boolean {
    return this.#records >= this.#recordsMax
  }

  get isFull(): boolean {
    return this.#heldBytes >= pieceBytes
  }

  take(record: ReadRecord): void {
    this.#records++
    for (const part of this.#printer(record)) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part
      this.#held.push(bytes)
      this.#heldBytes += bytes.length
    }
  }

  async flush(): Promise<void> {
    if (this.#held.length === 0) return
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    await this.#session.terminal.output.write(bytes)
    // On a terminal the records themselves show how far it is.
    if (!this.#session.terminal.output.isTerminal) this.#progress.show(() => counted(this.#records, 'record'))
  }

  async end(): Promise<void> {
    await this.flush()
    await this.#progress.end()
  }
}
