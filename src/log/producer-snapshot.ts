/**
 * Files `<offset>.snapshot` of a partition: the producer state before the record at that offset, so that a restart
 * replays only what follows. Derived data: a file that cannot be understood is removed and an older one used.
 */

import { readInt16, readInt32, readInt64, writeInt16, writeInt32, writeInt64 } from '../../protocol/records/batch.ts'
import { crc32c } from '../../protocol/records/crc.ts'
import type { Disk, Logger } from '../host/host.ts'
import { DurableFile } from './durable-file.ts'
import type { ProducerSnapshotEntry } from './producer-state.ts'

const version = 1

// int16 version, uint32 CRC-32C of all that follows it, int32 count, entries.
const crcAt = 2
const countAt = 6
const entriesAt = 10
const entryBytes = 46

export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Buffer {
  const bytes = Buffer.alloc(entriesAt + entries.length * entryBytes)
  writeInt16(bytes, 0, version)
  writeInt32(bytes, countAt, entries.length)
  let at = entriesAt
  for (const entry of entries) {
    writeInt64(bytes, at, entry.producerId)
    writeInt16(bytes, at + 8, entry.epoch)
    writeInt32(bytes, at + 10, entry.lastSequence)
    writeInt64(bytes, at + 14, entry.lastOffset)
    writeInt32(bytes, at + 22, entry.offsetDelta)
    writeInt64(bytes, at + 26, entry.timestamp)
    writeInt32(bytes, at + 34, entry.coordinatorEpoch)
    writeInt64(bytes, at + 38, entry.currentTxnFirstOffset)
    at += entryBytes
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(countAt)), crcAt)
  return bytes
}

/** Null when the bytes are no whole, valid snapshot. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerSnapshotEntry[] | null {
  if (bytes.length < entriesAt || readInt16(bytes, 0) !== version) return null
  if (bytes.readUInt32BE(crcAt) !== crc32c(bytes.subarray(countAt))) return null
  if (readInt32(bytes, countAt) * entryBytes !== bytes.length - entriesAt) return null
  const entries: ProducerSnapshotEntry[] = []
  for (let at = entriesAt; at < bytes.length; at += entryBytes) {
    entries.push({
      producerId: readInt64(bytes, at),
      epoch: readInt16(bytes, at + 8),
      lastSequence: readInt32(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 14),
      offsetDelta: readInt32(bytes, at + 22),
      timestamp: readInt64(bytes, at + 26),
      coordinatorEpoch: readInt32(bytes, at + 34),
      currentTxnFirstOffset: readInt64(bytes, at + 38),
    })
  }
  return entries
}

/** `<offset>.snapshot`, twenty digits. */
export function producerSnapshotName(offset: number): string {
  return `${String(offset).padStart(20, '0')}.snapshot`
}

const namePattern = /^(\d{20})\.snapshot$/

export interface ProducerSnapshot {
  readonly offset: number
  readonly entries: readonly ProducerSnapshotEntry[]
}

/** The snapshot files of one partition. Every method throws DiskError. */
export class ProducerSnapshots {
  readonly #disk: Disk
  readonly #log: Logger
  readonly #directory: string
  /** Offsets with a file, ascending. */
  #offsets: number[] = []

  constructor(host: { readonly disk: Disk; readonly log: Logger }, directory: string) {
    this.#disk = host.disk
    this.#log = host.log
    this.#directory = directory
  }

  /** Finds the files that are there. */
  async load(): Promise<void> {
    const names = (await this.#disk.list(this.#directory)).map(entry => namePattern.exec(entry.name)?.[1])
    this.#offsets = names
      .filter(digits => digits !== undefined)
      .map(Number)
      .filter(Number.isSafeInteger)
      .sort((a, b) => a - b)
  }

  get offsets(): readonly number[] {
    return this.#offsets
  }

  /** Durable when it resolves. `entries` is `ProducerState.snapshot()`, taken when the log ended at `offset`. */
  async write(offset: number, entries: readonly ProducerSnapshotEntry[]): Promise<void> {
    await this.#file(offset).write(encodeProducerSnapshot(entries))
    if (!this.#offsets.includes(offset)) this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b)
  }

  /** The newest valid snapshot that is not after `offset`, null when there is none. Removes invalid ones on the way. */
  async newestUpTo(offset: number): Promise<ProducerSnapshot | null> {
    for (const candidate of this.#offsets.filter(at => at <= offset).reverse()) {
      const bytes = await this.#file(candidate).read()
      const entries = bytes && decodeProducerSnapshot(bytes)
      if (entries) return { offset: candidate, entries }
      this.#log.warn({ path: this.#file(candidate).path }, 'producer snapshot is malformed and is removed')
      await this.#remove([candidate])
    }
    return null
  }

  /** Removes those after `offset`: the log was cut there. */
  async removeAfter(offset: number): Promise<void> {
    await this.#remove(this.#offsets.filter(at => at > offset))
  }

  /**
   * Removes those before `offset` that no segment needs, that is, whose offset is not in `segmentBaseOffsets`. The
   * newest of them is kept when nothing else would be left: it spares a replay of the whole log.
   */
  async removeBefore(offset: number, segmentBaseOffsets: ReadonlySet<number>): Promise<void> {
    const newest = this.#offsets.at(-1)
    await this.#remove(this.#offsets.filter(at => at < offset && at !== newest && !segmentBaseOffsets.has(at)))
  }

  async removeAll(): Promise<void> {
    await this.#remove(this.#offsets)
  }

  async #remove(offsets: readonly number[]): Promise<void> {
    for (const offset of offsets) await this.#disk.remove(this.#file(offset).path)
    this.#offsets = this.#offsets.filter(offset => !offsets.includes(offset))
  }

  #file(offset: number): DurableFile {
    return new DurableFile(this.#disk, this.#directory, producerSnapshotName(offset))
  }
}
