/**
 * Prints the entries of a segment's index files and holds them against the segment itself. The segment is read once,
 * forward, by its batch headers alone.
 */
import {
  batchBytes,
  batchHeaderBytes,
  currentMagic,
  lastOffset,
  magic,
  magicAt,
  maxTimestamp,
} from '../../protocol/records/batch.ts'
import type { File } from '../host/host.ts'
import { offsetIndexEntryBytes } from '../log/offset-index.ts'
import { timeIndexEntryBytes } from '../log/time-index.ts'
import { transactionIndexEntryBytes } from '../log/transaction-index.ts'
import { messageTimestamp } from './batch-lines.ts'
import { FilePieces } from './file-pieces.ts'
import { int64Text } from './message-json.ts'
import type { Output } from './output.ts'

export interface IndexFile {
  readonly file: File
  /** How it is called in messages. */
  readonly path: string
  readonly baseOffset: number
  /** The segment that it belongs to, null when that is missing. */
  readonly segment: File | null
}

export interface DumpIndexOptions {
  /** Entries are compared with the segment, but not printed. */
  readonly verifyOnly: boolean
}

interface BatchHeader {
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly bytes: number
}

/** Null when no batch can begin there. */
async function headerAt(pieces: FilePieces, position: number): Promise<BatchHeader | null> {
  const shortAt = await pieces.at(position, magicAt + 1)
  if (shortAt < 0) return null
  const legacy = magic(pieces.buffer, shortAt) !== currentMagic
  const at = await pieces.at(position, legacy ? 26 : batchHeaderBytes)
  if (at < 0) return null
  const { buffer } = pieces
  const bytes = batchBytes(buffer, at)
  if (bytes <= magicAt) return null
  return legacy
    ? { lastOffset: Number(buffer.readBigInt64BE(at)), maxTimestamp: messageTimestamp(buffer, at), bytes }
    : { lastOffset: lastOffset(buffer, at), maxTimestamp: maxTimestamp(buffer, at), bytes }
}

/** What is wrong, under one heading and no longer than anybody reads. */
class Findings {
  readonly #shownMax = 1000
  readonly #lines: string[] = []
  #more = 0

  add(line: string): void {
    if (this.#lines.length < this.#shownMax) this.#lines.push(line)
    else this.#more++
  }

  async report(output: Output, heading: string): Promise<void> {
    if (this.#lines.length === 0) return
    await output.problem(heading, ...this.#lines, ...(this.#more > 0 ? [`and ${this.#more} more`] : []))
  }
}

/** Reports the bytes behind the last whole entry. */
async function checkLength(index: IndexFile, entryBytes: number, output: Output): Promise<void> {
  const rest = index.file.size % entryBytes
  if (rest > 0) await output.problem(`Found ${rest} bytes behind the last entry of ${index.path}`)
}

async function openSegment({ segment, path }: IndexFile, output: Output): Promise<FilePieces | null> {
  if (!segment) await output.problem(`${path} is not compared with its segment, which is missing`)
  return segment && new FilePieces(segment)
}

/** An offset index: each entry names the last offset of the batch that begins at its position. Throws DiskError. */
export async function dumpOffsetIndex(index: IndexFile, options: DumpIndexOptions, output: Output): Promise<void> {
  const { file, path, baseOffset } = index
  if (file.size < offsetIndexEntryBytes) output.line(`${path} is empty.`)
  const entries = new FilePieces(file)
  const segment = await openSegment(index, output)
  const mismatches = new Findings()
  let previous = { offset: -1, position: -1 }
  for (let from = 0; from + offsetIndexEntryBytes <= file.size; from += offsetIndexEntryBytes) {
    const at = await entries.at(from, offsetIndexEntryBytes)
    const offset = baseOffset + entries.buffer.readInt32BE(at)
    const position = entries.buffer.readInt32BE(at + 4)
    // A file that was preallocated and not cut ends with zeros.
    if (offset === baseOffset && from > 0) break
    if (offset <= previous.offset || position <= previous.position) {
      mismatches.add(`  Index offset: ${offset}, previous index offset: ${previous.offset}`)
    }
    if (segment) {
      const batch = await headerAt(segment, position)
      if (batch?.lastOffset !== offset) {
        mismatches.add(`  Index offset: ${offset}, log offset: ${batch ? int64Text(batch.lastOffset) : -1}`)
      }
    }
    if (!options.verifyOnly) output.line(`offset: ${offset} position: ${position}`)
    if (output.isFull) await output.flush()
    previous = { offset, position }
  }
  await checkLength(index, offsetIndexEntryBytes, output)
  await mismatches.report(output, `Mismatches in :${path}`)
}

/** A time index: each entry has the largest timestamp of the batch that ends with its offset. Throws DiskError. */
export async function dumpTimeIndex(index: IndexFile, options: DumpIndexOptions, output: Output): Promise<void> {
  const { file, path, baseOffset } = index
  if (file.size < timeIndexEntryBytes) output.line(`${path} is empty.`)
  const entries = new FilePieces(file)
  const segment = await openSegment(index, output)
  const walk = segment && new BatchWalk(segment)
  const mismatches = new Findings()
  const disorder = new Findings()
  const missing = new Findings()
  let previous = -1
  for (let from = 0; from + timeIndexEntryBytes <= file.size; from += timeIndexEntryBytes) {
    const at = await entries.at(from, timeIndexEntryBytes)
    const timestamp = Number(entries.buffer.readBigInt64BE(at))
    const offset = baseOffset + entries.buffer.readInt32BE(at + 8)
    if (offset === baseOffset && from > 0) break
    if (walk) {
      const batch = await walk.to(offset)
      if (batch?.lastOffset !== offset) {
        missing.add(`Indexed offset: ${offset}, found log offset: ${batch ? int64Text(batch.lastOffset) : -1}`)
      } else if (batch.maxTimestamp !== timestamp) {
        mismatches.add(`  Index timestamp: ${int64Text(timestamp)}, log timestamp: ${int64Text(batch.maxTimestamp)}`)
      }
    }
    if (previous >= timestamp) {
      disorder.add(`  Index timestamp: ${int64Text(timestamp)}, Previously indexed timestamp: ${int64Text(previous)}`)
    }
    if (!options.verifyOnly) output.line(`timestamp: ${int64Text(timestamp)} offset: ${offset}`)
    if (output.isFull) await output.flush()
    previous = timestamp
  }
  await checkLength(index, timeIndexEntryBytes, output)
  await mismatches.report(output, `Found timestamp mismatch in :${path}`)
  await disorder.report(output, `Found out of order timestamp in :${path}`)
  await missing.report(output, `The following indexed offsets are not found in :${path}`)
}

/** Goes forward over the batches of a segment. */
class BatchWalk {
  readonly #segment: FilePieces
  #position = 0
  #batch: BatchHeader | null = null
  #ended = false

  constructor(segment: FilePieces) {
    this.#segment = segment
  }

  /** The first batch that ends at `offset` or after it; null when there is none. */
  async to(offset: number): Promise<BatchHeader | null> {
    // Entries out of order are reported by the caller; the batch before is then the wrong one, as it should be.
    while (!this.#ended && (this.#batch === null || this.#batch.lastOffset < offset)) {
      const batch = await headerAt(this.#segment, this.#position)
      this.#ended = batch === null
      if (batch) this.#position += batch.bytes
      this.#batch = batch
    }
    return this.#batch
  }
}

/** The index of aborted transactions. Throws DiskError. */
export async function dumpTransactionIndex(index: Omit<IndexFile, 'segment'>, output: Output): Promise<void> {
  const { file, path, baseOffset } = index
  const entries = new FilePieces(file)
  const wrong = new Findings()
  let previous = baseOffset - 1
  for (let from = 0; from + transactionIndexEntryBytes <= file.size; from += transactionIndexEntryBytes) {
    const at = await entries.at(from, transactionIndexEntryBytes)
    const { buffer } = entries
    const version = buffer.readInt16BE(at)
    const [producerId, firstOffset, lastOffset, lastStableOffset] = [2, 10, 18, 26].map(field =>
      Number(buffer.readBigInt64BE(at + field)),
    )
    output.line(
      `version: ${version} producerId: ${int64Text(producerId)} firstOffset: ${int64Text(firstOffset)} ` +
        `lastOffset: ${int64Text(lastOffset)} lastStableOffset: ${int64Text(lastStableOffset)}`,
    )
    if (version !== 0) wrong.add(`  version ${version} of the entry at ${from}`)
    if (lastOffset <= previous || firstOffset > lastOffset) {
      wrong.add(`  first offset: ${firstOffset}, last offset: ${lastOffset}, previous last offset: ${previous}`)
    }
    if (output.isFull) await output.flush()
    previous = lastOffset
  }
  await checkLength({ ...index, segment: null }, transactionIndexEntryBytes, output)
  await wrong.report(output, `Entries that make no sense in :${path}`)
}
