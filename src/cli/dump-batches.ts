/** Prints the batches of a segment or of a metadata snapshot, and the records in them when asked. */
import { KafkaError } from '../../protocol/errors.ts'
import { ParseError } from '../../protocol/reader.ts'
import {
  attributesAt,
  batchBytes,
  batchHeaderBytes,
  crc,
  currentMagic,
  isControl,
  lastOffset,
  magic,
  magicAt,
} from '../../protocol/records/batch.ts'
import { crc32c } from '../../protocol/records/crc.ts'
import { checkMessage, messageBytesMin, readMessages } from '../../protocol/records/legacy.ts'
import { type RecordData, readRecords } from '../../protocol/records/record.ts'
import type { File } from '../host/host.ts'
import { findNextBatch } from '../log/segment-scan.ts'
import { batchLine, isValid, legacyContext, messageLine, recordContext, recordLine } from './batch-lines.ts'
import { FilePieces } from './file-pieces.ts'
import type { Output } from './output.ts'
import type { RecordDecoder } from './record-decoders.ts'

export interface DumpBatchesOptions {
  /** Records too, not only batches. */
  readonly records: boolean
  /** What key and payload say; null to leave them out. */
  readonly decode: RecordDecoder | null
  /** Key and payload alone, without offset, timestamp and sizes. */
  readonly skipMetadata: boolean
  /** Stops at the first batch that begins there or later. */
  readonly bytesMax: number
}

/** Batches beyond this are checked in pieces, and their records are not printed. */
const wholeBatchBytesMax = 256 << 20
const searchBytes = 1 << 20
const gapsShownMax = 1000

/** `path` is how the file is called in messages; `baseOffset` the first offset that it may hold. Throws DiskError. */
export async function dumpBatches(
  file: File,
  path: string,
  baseOffset: number,
  options: DumpBatchesOptions,
  output: Output,
): Promise<void> {
  await new BatchDump(file, path, baseOffset, options, output).run()
}

class BatchDump {
  readonly #pieces: FilePieces
  readonly #path: string
  readonly #options: DumpBatchesOptions
  readonly #output: Output
  #nextOffset: number
  #position = 0
  #invalid = 0
  #previousRecordOffset = -1
  readonly #gaps: (readonly [number, number])[] = []
  #gapsMore = 0

  constructor(file: File, path: string, baseOffset: number, options: DumpBatchesOptions, output: Output) {
    this.#pieces = new FilePieces(file)
    this.#path = path
    this.#nextOffset = baseOffset
    this.#options = options
    this.#output = output
  }

  async run(): Promise<void> {
    const end = Math.min(this.#pieces.size, this.#options.bytesMax)
    while (this.#position < end) {
      const bytes = await this.#wholeBatchBytes()
      if (bytes === 0) {
        if (!(await this.#skipDamage())) break
      } else {
        await this.#dumpBatch(bytes)
        this.#position += bytes
      }
      if (this.#output.isFull) await this.#output.flush()
    }
    await this.#report()
  }

  /** Size of the batch at the position when it can be one, otherwise 0. */
  async #wholeBatchBytes(): Promise<number> {
    const pieces = this.#pieces
    const at = await pieces.at(this.#position, magicAt + 1)
    if (at < 0) return 0
    const version = magic(pieces.buffer, at)
    if (version < 0 || version > currentMagic) return 0
    const bytes = batchBytes(pieces.buffer, at)
    const smallest = version === currentMagic ? batchHeaderBytes : messageBytesMin(version === 0 ? 0 : 1)
    return bytes >= smallest && bytes <= pieces.size - this.#position ? bytes : 0
  }

  /** Says how much makes no sense, and goes on where the next batch begins. False when there is none. */
  async #skipDamage(): Promise<boolean> {
    const { file, size } = this.#pieces
    const from = this.#position
    const next = await findNextBatch(file, from + 1, size, this.#nextOffset, searchBytes)
    const name = this.#path.slice(this.#path.lastIndexOf('/') + 1)
    if (next < 0) {
      await this.#output.problem(`Found ${size - from} invalid bytes at the end of ${name}`)
      return false
    }
    await this.#output.problem(`Found ${next - from} invalid bytes at position ${from} of ${name}`)
    this.#position = next
    return true
  }

  async #dumpBatch(bytes: number): Promise<void> {
    const pieces = this.#pieces
    if (bytes > wholeBatchBytesMax) return this.#dumpLargeBatch(bytes)
    const at = await pieces.at(this.#position, bytes)
    const { buffer } = pieces
    const legacy = magic(buffer, at) !== currentMagic
    const valid = legacy ? checkMessage(buffer, at, at + bytes) === 'ok' : isValid(buffer, at)
    if (!valid) this.#invalid++
    const print = legacy ? messageLine : batchLine
    this.#output.line(print(buffer, at, this.#position, valid))
    const last = legacy ? Number(buffer.readBigInt64BE(at)) : lastOffset(buffer, at)
    if (Number.isSafeInteger(last) && last >= this.#nextOffset) this.#nextOffset = last + 1
    if (!this.#options.records) return
    try {
      const records = legacy ? legacyRecords(buffer, at, at + bytes) : readRecords(buffer, at)
      await this.#dumpRecords(records, legacy ? legacyContext : recordContext(buffer, at))
    } catch (error) {
      if (!(error instanceof KafkaError || error instanceof ParseError)) throw error
      await this.#output.problem(`Cannot read the records at position ${this.#position}: ${error.message}`)
    }
  }

  async #dumpRecords(records: Iterable<RecordData>, context: ReturnType<typeof recordContext>): Promise<void> {
    for (const record of records) {
      this.#noteOrder(record.offset)
      const line = recordLine(record, context, this.#options)
      if (line !== null) this.#output.line(line)
      if (this.#output.isFull) await this.#output.flush()
    }
  }

  async #dumpLargeBatch(bytes: number): Promise<void> {
    const pieces = this.#pieces
    const headerAt = await pieces.at(this.#position, batchHeaderBytes)
    const header = Buffer.from(pieces.buffer.subarray(headerAt, headerAt + batchHeaderBytes))
    let sum = 0
    for (let done = attributesAt; done < bytes; done += searchBytes) {
      const length = Math.min(searchBytes, bytes - done)
      const at = await pieces.at(this.#position + done, length)
      sum = crc32c(pieces.buffer.subarray(at, at + length), sum)
    }
    const valid = sum === crc(header)
    if (!valid) this.#invalid++
    this.#output.line(batchLine(header, 0, this.#position, valid))
    if (this.#options.records && !isControl(header)) {
      await this.#output.note(`The batch at position ${this.#position} is too large for its records to be printed`)
    }
  }

  #noteOrder(offset: number): void {
    const previous = this.#previousRecordOffset
    this.#previousRecordOffset = offset
    if (previous === -1 || offset === previous + 1) return
    if (this.#gaps.length < gapsShownMax) this.#gaps.push([previous, offset])
    else this.#gapsMore++
  }

  async #report(): Promise<void> {
    if (this.#invalid > 0) {
      await this.#output.problem(`Found ${this.#invalid} batches with a wrong checksum in ${this.#path}`)
    }
    if (this.#gaps.length === 0) return
    // Compaction leaves gaps, so this alone is no problem.
    await this.#output.note(
      `Non-consecutive offsets in ${this.#path}`,
      ...this.#gaps.map(([before, after]) => `  ${before} is followed by ${after}`),
      ...(this.#gapsMore > 0 ? [`  and ${this.#gapsMore} more`] : []),
    )
  }
}

function* legacyRecords(buffer: Buffer, at: number, end: number): Generator<RecordData, void, void> {
  for (const message of readMessages(buffer, at, end)) yield { ...message, headers: [] }
}
