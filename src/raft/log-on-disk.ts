/** The metadata log as the core sees it: a log and the snapshots beside it. */
import type { Log } from '../log/log.ts'
import type { LogView, OffsetAndEpoch } from './core/log-view.ts'
import type { Snapshots } from './snapshots.ts'

export class LogOnDisk implements LogView {
  readonly #log: Log
  readonly #snapshots: Snapshots

  constructor(log: Log, snapshots: Snapshots) {
    this.#log = log
    this.#snapshots = snapshots
  }

  get logStartOffset(): number {
    return this.#log.logStartOffset
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset
  }

  get lastEpoch(): number {
    return this.#log.latestEpoch?.epoch ?? this.#snapshots.latest?.epoch ?? 0
  }

  get earliestSnapshot(): OffsetAndEpoch | null {
    return this.#snapshots.earliest
  }

  get latestSnapshot(): OffsetAndEpoch | null {
    return this.#snapshots.latest
  }

  endOffsetForEpoch(epoch: number): OffsetAndEpoch | null {
    return this.#log.endOffsetForEpoch(epoch)
  }
}

/** Whole batches from `offset` on; the first may begin before it. Throws KafkaError. */
export async function readLog(log: Log, offset: number, bytesMax: number): Promise<Buffer> {
  if (offset >= log.logEndOffset) return Buffer.alloc(0)
  const { chunks } = await log.read({
    offset,
    bytesMax,
    upperOffset: log.logEndOffset,
    minOneBatch: true,
    abortedTransactions: false,
  })
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
}
