/** Writes the segment that takes the place of others: batches gather, and go to the disk in large pieces. */
import { batchBytes, lastOffset, maxTimestamp, noTimestamp, recordsCount } from '../../../protocol/records/batch.ts'
import type { File } from '../../host/host.ts'
import type { Segment } from '../segment.ts'
import { Uncleanable, type Work } from './work.ts'

/** Positions in a segment are 31 bits wide. */
const segmentBytesMax = 0x7fffffff

export class SegmentWriter {
  readonly #file: File
  readonly #segment: Segment
  readonly #work: Work
  readonly #indexIntervalBytes: number
  readonly #buffer: Buffer
  #gathered = 0
  #unsynced = 0

  constructor(file: File, segment: Segment, indexIntervalBytes: number, work: Work) {
    this.#file = file
    this.#segment = segment
    this.#indexIntervalBytes = indexIntervalBytes
    this.#work = work
    this.#buffer = Buffer.allocUnsafeSlow(work.writeBytes)
  }

  /** Adds the batch at `at`, which may change afterwards. Throws Cancelled, DiskError. */
  async add(buffer: Buffer, at: number): Promise<void> {
    const bytes = batchBytes(buffer, at)
    const segment = this.#segment
    if (segment.sizeBytes + bytes > segmentBytesMax) throw new Uncleanable(`${segment.file.path} outgrows a segment`)
    const timestamp = recordsCount(buffer, at) === 0 ? noTimestamp : maxTimestamp(buffer, at)
    segment.noteBatch(lastOffset(buffer, at), timestamp, bytes, this.#indexIntervalBytes)
    if (this.#gathered + bytes > this.#buffer.length) await this.#flush()
    if (bytes > this.#buffer.length) return this.#write(buffer.subarray(at, at + bytes))
    buffer.copy(this.#buffer, this.#gathered, at, at + bytes)
    this.#gathered += bytes
  }

  /** Everything is written and synced when it resolves. Throws Cancelled, DiskError. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#work.awaiting(this.#file.sync())
  }

  async #flush(): Promise<void> {
    const bytes = this.#gathered
    this.#gathered = 0
    if (bytes > 0) await this.#write(this.#buffer.subarray(0, bytes))
  }

  async #write(bytes: Buffer): Promise<void> {
    const { counts, services } = this.#work
    await this.#work.awaiting(this.#file.append([bytes]))
    counts.bytesWritten += bytes.length
    this.#unsynced += bytes.length
    // In small portions: one sync of a whole segment would hold up those of the producers.
    if (this.#unsynced >= services.limits.cleanerSyncBytes) {
      this.#unsynced = 0
      await this.#work.awaiting(this.#file.sync())
    }
    await this.#work.took(bytes.length)
  }
}
