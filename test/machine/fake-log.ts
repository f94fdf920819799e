import { type ErrorCode, KafkaError } from '../../protocol/errors.ts'
import { setBaseOffset, setPartitionLeaderEpoch } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/builder.ts'
import { buildTransactionMarker } from '../../protocol/records/control.ts'
import { Watermark } from '../../src/lib/watermark.ts'
import type { LogEntry, ProducerTransaction, ReplicatedLog, TransactionEnd } from '../../src/machine/machine.ts'

/** A log in memory that commits when it is told to, or at once. */
export class FakeLog implements ReplicatedLog {
  readonly committed = new Watermark(0)
  readonly logStartOffset = 0
  readonly leaderEpoch = 1
  logEndOffset = 0
  /** How many records each batch holds. */
  readonly batchSizes: number[] = []
  commitsAtOnce: boolean
  /** What the next appends throw. */
  failing: ErrorCode | null = null
  /** Reads wait for this. */
  reading: Promise<void> = Promise.resolve()
  reads = 0
  readonly #batches: Buffer[] = []

  constructor(commitsAtOnce = true) {
    this.commitsAtOnce = commitsAtOnce
  }

  append(entries: readonly LogEntry[], timestampMs: number, transaction?: ProducerTransaction): number {
    if (this.failing !== null) throw new KafkaError(this.failing)
    const { producerId, producerEpoch } = transaction ?? {}
    const transactional = transaction !== undefined
    return this.put({ records: entries, baseTimestamp: timestampMs, transactional, producerId, producerEpoch })
  }

  appendMarker(end: TransactionEnd, timestampMs: number): number {
    if (this.failing !== null) throw new KafkaError(this.failing)
    const offset = this.logEndOffset
    this.putRaw(buildTransactionMarker({ ...end, timestampMs, baseOffset: offset }), 1)
    return offset
  }

  /** Any batch, as if another coordinator had written it. */
  put(batch: NewBatch): number {
    const offset = this.logEndOffset
    const bytes = buildBatch(batch)
    setBaseOffset(bytes, 0, offset)
    setPartitionLeaderEpoch(bytes, 0, this.leaderEpoch)
    this.#batches.push(bytes)
    this.batchSizes.push(batch.records.length)
    this.logEndOffset += batch.records.length
    if (this.commitsAtOnce) this.commit()
    return offset
  }

  /** Bytes that are no batch of records. */
  putRaw(bytes: Buffer, records: number): void {
    setBaseOffset(bytes, 0, this.logEndOffset)
    this.#batches.push(bytes)
    this.batchSizes.push(records)
    this.logEndOffset += records
    if (this.commitsAtOnce) this.commit()
  }

  commit(): void {
    this.committed.advance(this.logEndOffset)
  }

  /** Whole batches, one at least; the first may begin before `offset`. */
  async read(offset: number, bytesMax: number): Promise<Buffer> {
    this.reads++
    await this.reading
    const chunks: Buffer[] = []
    let bytes = 0
    let at = 0
    this.#batches.forEach((batch, i) => {
      const end = at + this.batchSizes[i]
      at = end
      if (end <= offset || (chunks.length > 0 && bytes + batch.length > bytesMax)) return
      chunks.push(batch)
      bytes += batch.length
    })
    return Buffer.concat(chunks)
  }
}
