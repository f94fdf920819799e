/**
 * Files `<offset>.snapshot` of a partition: the producer state before the record at that offset, so that a restart
 * replays only what follows. Derived data: a file that cannot be understood is removed and an older one used.
 */

import { ParseError } from '../../protocol/reader.ts'
import { crc32c } from '../../protocol/records/crc.ts'
import { decodeVersioned, encodeVersioned, versionOf } from '../../protocol/stored/framing.ts'
import { producerSnapshot } from '../../protocol/stored/producer-snapshot.ts'
import type { Disk, Logger } from '../host/host.ts'
import { DurableFile } from './durable-file.ts'
import type { ProducerSnapshotEntry } from './producer-state.ts'

const version = 1

/** The CRC-32C follows the version (int16) and covers all that follows itself. */
const crcAt = 2
const crcEnd = 6

export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Buffer {
  const bytes = encodeVersioned(producerSnapshot, version, { crc: 0, producerEntries: entries })
  bytes.writeUInt32BE(crc32c(bytes.subarray(crcEnd)), crcAt)
  return bytes
}

/** Null when the bytes are no whole, valid snapshot. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerSnapshotEntry[] | null {
  if (bytes.length < crcEnd || versionOf(bytes) !== version) return null
  if (bytes.readUInt32BE(crcAt) !== crc32c(bytes.subarray(crcEnd))) return null
  try {
    return decodeVersioned(producerSnapshot, bytes).producerEntries
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
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

  /**
   * Removes those after `offset`: the log was cut there. Durable when it resolves, or a power failure would bring them
   * back when the log has grown past them with other records.
   */
  async removeAfter(offset: number): Promise<void> {
    const gone = this.#offsets.filter(at => at > offset)
    if (gone.length === 0) return
    await this.#remove(gone)
    await this.#disk.syncDirectory(this.#directory)
  }

  /**
   * Removes those that no segment needs. Kept are those at a segment's base, the newest one, and the newest that is not
   * after `offset`, where the log begins: what producers did before it can be learned from nowhere else.
   */
  async removeBefore(offset: number, segmentBaseOffsets: ReadonlySet<number>): Promise<void> {
    const kept = new Set([this.#offsets.at(-1), this.#offsets.findLast(at => at <= offset)])
    await this.#remove(this.#offsets.filter(at => !kept.has(at) && !segmentBaseOffsets.has(at)))
  }

  /** As removeAfter: the log begins anew. */
  async removeAll(): Promise<void> {
    await this.removeAfter(-1)
  }

  async #remove(offsets: readonly number[]): Promise<void> {
    for (const offset of offsets) await this.#disk.remove(this.#file(offset).path)
    this.#offsets = this.#offsets.filter(offset => !offsets.includes(offset))
  }

  #file(offset: number): DurableFile {
    return new DurableFile(this.#disk, this.#directory, producerSnapshotName(offset))
  }
}
