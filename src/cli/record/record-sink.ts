/** Where consumed records are printed: gathered into pieces, at the pace of whoever reads. */
import { type FetchedRecords, type ReadRecord, recordsOf } from '../../client/fetched-records.ts'
import { counted } from '../shell/arguments.ts'
import { Progress } from '../shell/progress.ts'
import type { Session } from '../shell/session.ts'
import type { RecordPrinter } from './template.ts'

const pieceBytes = 256 * 1024

export class RecordSink {
  readonly #session: Session
  readonly #printer: RecordPrinter
  readonly #recordsMax: number
  readonly #progress: Progress
  /** What is to be written; used again once it was. */
  #piece = Buffer.allocUnsafe(2 * pieceBytes)
  #bytes = 0
  #records = 0

  constructor(session: Session, printer: RecordPrinter, recordsMax: number) {
    this.#session = session
    this.#printer = printer
    this.#recordsMax = recordsMax
    this.#progress = new Progress(session)
  }

  get hasEnough(): boolean {
    return this.#records >= this.#recordsMax
  }

  /** Prints what was fetched, as far as it is wanted; gives the offset to read on from. */
  async takeAll(piece: FetchedRecords): Promise<number> {
    for (const record of recordsOf(piece)) {
      this.#take(record)
      if (this.#bytes >= pieceBytes) await this.flush()
      if (!this.hasEnough) continue
      await this.flush()
      return record.offset + 1
    }
    await this.flush()
    return piece.next
  }

  #take(record: ReadRecord): void {
    this.#records++
    for (const part of this.#printer(record)) {
      if (typeof part === 'string') {
        this.#makeRoom(part.length * 3)
        this.#bytes += this.#piece.write(part, this.#bytes)
      } else {
        this.#makeRoom(part.length)
        this.#bytes += part.copy(this.#piece, this.#bytes)
      }
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#bytes + bytes <= this.#piece.length) return
    const larger = Buffer.allocUnsafe(2 * (this.#bytes + bytes))
    this.#piece.copy(larger, 0, 0, this.#bytes)
    this.#piece = larger
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return
    const bytes = this.#piece.subarray(0, this.#bytes)
    this.#bytes = 0
    await this.#session.terminal.output.write(bytes)
    // On a terminal the records themselves show how far it is.
    if (!this.#session.terminal.output.isTerminal) this.#progress.show(() => counted(this.#records, 'record'))
  }

  async end(): Promise<void> {
    await this.flush()
    await this.#progress.end()
  }
}
