/** Keeps a broker's metadata state up to date with what is committed in the metadata log. */
import { iterateBatches, nextOffset } from '../../protocol/records/batch.ts'
import type { Logger } from '../host/host.ts'
import { type Waiter, Watermark } from '../lib/watermark.ts'
import type { ReplicatedLog } from '../machine/machine.ts'
import { replayBatches } from '../machine/replay.ts'
import { type MetadataRecord, metadataCodec } from './records.ts'
import type { MetadataState } from './state.ts'

const readBytes = 1 << 20

export class MetadataFollower {
  readonly #log: ReplicatedLog
  readonly #state: MetadataState
  readonly #logger: Logger
  /** Everything below this offset is in the state. */
  readonly applied: Watermark
  /** Bytes of record batches applied since the start. */
  bytesApplied = 0
  /** Runs after each step forward. */
  onApplied: () => void = () => {}
  #waiter: Waiter | null = null
  #closed = false

  /** `state` holds everything before `log.logStartOffset` (a snapshot), or nothing when that is 0. */
  constructor(log: ReplicatedLog, state: MetadataState, logger: Logger) {
    this.#log = log
    this.#state = state
    this.#logger = logger
    this.applied = new Watermark(log.logStartOffset)
  }

  /** Applies what is committed so far, and goes on following. Rejects when the log cannot be read. */
  async start(): Promise<void> {
    await this.#catchUp()
    this.#follow()
  }

  /** The log begins with a snapshot now, which holds everything before `endOffset`. */
  jumpTo(endOffset: number, epoch: number, records: readonly MetadataRecord[]): void {
    if (this.#closed || endOffset <= this.applied.value) return
    this.#state.replaceWith(records, endOffset - 1, epoch, this.#state.lastTimestampMs)
    this.applied.advance(endOffset)
    this.onApplied()
  }

  close(): void {
    this.#closed = true
    this.#waiter?.cancel()
  }

  #follow(): void {
    if (this.#closed) return
    this.#waiter = this.#log.committed.reached(this.applied.value + 1, failure => {
      if (failure || this.#closed) return
      this.#catchUp().then(
        () => this.#follow(),
        error => this.#logger.error({ error: String(error) }, 'the metadata log cannot be read'),
      )
    })
  }

  /** Applies whole batches up to the committed offset. */
  async #catchUp(): Promise<void> {
    while (!this.#closed && this.applied.value < this.#log.committed.value) {
      const from = this.applied.value
      const read = await this.#read(from)
      // A snapshot may have come in between, or the end.
      if (read === null || this.#closed || from !== this.applied.value) continue
      const chunk = committedPart(read, this.#log.committed.value)
      const next = replayBatches(chunk, from, {
        record: (key, value, at) => {
          const record = metadataCodec.decode(key, value)
          if (record) this.#state.apply(record, at.offset, at.leaderEpoch, at.timestampMs)
        },
        endTransaction: () => {},
        unreadable: (offset, reason) =>
          this.#logger.warn({ offset, reason }, 'a record of the metadata log could not be read and is skipped'),
      })
      if (next <= from) return
      this.bytesApplied += chunk.length
      this.applied.advance(next)
      this.onApplied()
    }
  }

  /** Null when what is to be read gave way to a snapshot meanwhile. */
  async #read(from: number): Promise<Buffer | null> {
    try {
      return await this.#log.read(from, readBytes)
    } catch (error) {
      if (from === this.applied.value && !this.#closed) throw error
      return null
    }
  }
}

/** A log may hand out more than is committed. */
function committedPart(chunk: Buffer, committed: number): Buffer {
  let end = 0
  for (const at of iterateBatches(chunk)) {
    if (nextOffset(chunk, at) > committed) return chunk.subarray(0, at)
    end = chunk.length
  }
  return chunk.subarray(0, end)
}
