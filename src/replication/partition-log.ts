/** A partition as a log of records, for a state machine that lives in it. */
import { buildBatch } from '../../protocol/records/builder.ts'
import type { Watermark } from '../lib/watermark.ts'
import type { AppendInfo, Log } from '../log/log.ts'
import type { LogEntry, ProducerTransaction, ReplicatedLog, TransactionEnd } from '../machine/machine.ts'

/** What this needs of a partition. */
export interface LedPartition {
  readonly log: Log
  readonly highWatermark: Watermark
  readonly leaderEpoch: number
  append(
    records: Buffer,
    acks: number,
    origin: 'coordinator',
    requestVersion: number,
    transactional?: { readonly verificationGuard?: symbol | null },
  ): AppendInfo
  appendMarker(end: TransactionEnd, timestampMs: number): number
}

/** With a tenth of a second between two of them. */
const readAttemptsMax = 300

export class PartitionLog implements ReplicatedLog {
  readonly #partition: LedPartition

  constructor(partition: LedPartition) {
    this.#partition = partition
  }

  get committed(): Watermark {
    return this.#partition.highWatermark
  }

  get logStartOffset(): number {
    return this.#partition.log.logStartOffset
  }

  get logEndOffset(): number {
    return this.#partition.log.logEndOffset
  }

  get leaderEpoch(): number {
    return this.#partition.leaderEpoch
  }

  append(entries: readonly LogEntry[], timestampMs: number, transaction?: ProducerTransaction): number {
    if (!transaction) {
      const batch = buildBatch({ records: entries, baseTimestamp: timestampMs })
      return this.#partition.append(batch, -1, 'coordinator', 0).firstOffset
    }
    const { producerId, producerEpoch, guard: verificationGuard } = transaction
    // As Kafka's coordinators: every batch begins at sequence 0, which nobody checks.
    const producer = { transactional: true, producerId, producerEpoch, baseSequence: 0 }
    const batch = buildBatch({ records: entries, baseTimestamp: timestampMs, ...producer })
    return this.#partition.append(batch, -1, 'coordinator', 0, { verificationGuard }).firstOffset
  }

  appendMarker(end: TransactionEnd, timestampMs: number): number {
    return this.#partition.appendMarker(end, timestampMs)
  }

  /** Waits a while for damaged records that others hold too. */
  async read(offset: number, bytesMax: number): Promise<Buffer> {
    const { log } = this.#partition
    for (let attempt = 1; ; attempt++) {
      const request = { offset, bytesMax, upperOffset: log.logEndOffset, minOneBatch: true, abortedTransactions: false }
      try {
        const { chunks } = await log.read(request)
        return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      } catch (error) {
        if (attempt === readAttemptsMax || !(await log.scrub.mayBeMended(error))) throw error
      }
    }
  }
}
