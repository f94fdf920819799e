/**
 * Which leader epoch wrote which offsets of one partition (KIP-101, KIP-279): file `leader-epoch-checkpoint`, lines of
 * epoch and start offset, both growing. What is in memory decides; the file follows by `save`. It can be rebuilt from
 * the partition leader epochs in the batch headers: `clear`, then `assign` for each batch.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Disk, Logger } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import { Checkpoint, parseOffset } from './checkpoints.ts'

export const leaderEpochCheckpoint = 'leader-epoch-checkpoint'

export interface EpochEntry {
  readonly epoch: number
  /** Offset of the first record that this epoch wrote, or will write. */
  readonly startOffset: number
}

export interface EpochEnd {
  /** The largest epoch known that is not above the one asked for. */
  readonly epoch: number
  /** The offset after its last record. */
  readonly endOffset: number
}

const lines = {
  format: (entry: EpochEntry) => `${entry.epoch} ${entry.startOffset}`,
  parse(line: string): EpochEntry | null {
    const [epochText, offsetText, ...more] = line.split(/\s+/)
    const epoch = parseOffset(epochText ?? '')
    const startOffset = parseOffset(offsetText ?? '')
    return epoch !== null && startOffset !== null && more.length === 0 ? { epoch, startOffset } : null
  },
}

export class LeaderEpochs {
  readonly #checkpoint: Checkpoint<EpochEntry>
  #entries: EpochEntry[] = []
  /** What the file holds; null when that is not known. */
  #saved: readonly EpochEntry[] | null = null
  #asked: readonly EpochEntry[] | null = null
  #changes = 0
  #changesAsked = 0
  #changesSaved = 0
  #closed = false

  constructor(host: { readonly disk: Disk; readonly log: Logger }, directory: string) {
    this.#checkpoint = new Checkpoint(host, directory, leaderEpochCheckpoint, lines)
  }

  /** Reads the file. False when there is none or it makes no sense: the caller rebuilds. Throws DiskError. */
  async load(): Promise<boolean> {
    const entries = await this.#checkpoint.read()
    const sane = entries?.every(
      (entry, at) =>
        at === 0 || (entry.epoch > entries[at - 1].epoch && entry.startOffset > entries[at - 1].startOffset),
    )
    if (!entries || !sane) return false
    this.#entries = entries
    this.#saved = entries
    this.#changesSaved = this.#changes
    this.#changesAsked = this.#changes
    return true
  }

  /** Whether the file holds what is in memory, or soon will. */
  get isSaved(): boolean {
    return this.#changes === this.#changesAsked
  }

  /**
   * Makes what is in memory now durable; nothing is written when nothing changed. An epoch that begins at `endOffset`,
   * where the log ends, has no records yet and is left out: the next start would forget it again, for every partition
   * of a large broker. Throws DiskError.
   */
  async save(endOffset = Number.POSITIVE_INFINITY): Promise<void> {
    const changes = this.#changes
    if (changes === this.#changesSaved || this.#closed) return
    const entries = this.#entries.filter(entry => entry.startOffset < endOffset)
    const isWhole = entries.length === this.#entries.length
    if (isWhole) this.#changesAsked = changes
    if (!this.#saved || !isDeepStrictEqual(entries, this.#saved)) {
      this.#asked = entries
      this.#saved = null
      await this.#checkpoint.write(entries)
      if (this.#asked === entries) this.#saved = entries
    }
    if (isWhole) this.#changesSaved = Math.max(this.#changesSaved, changes)
  }

  /** Nothing is written from here on; resolves when nothing is being written. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#checkpoint.idle()
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  /** Null when nothing was ever written under a leader epoch. */
  get latest(): EpochEntry | null {
    return this.#entries.at(-1) ?? null
  }

  /**
   * Notes that `epoch` begins at `startOffset`, and forgets what contradicts it: a later epoch, or one that begins at
   * or after this offset, has no records. True when something changed.
   */
  assign(epoch: number, startOffset: number): boolean {
    assert(epoch >= 0 && startOffset >= 0, `leader epoch ${epoch} from offset ${startOffset}`)
    const latest = this.latest
    if (latest && latest.epoch === epoch && startOffset >= latest.startOffset) return false
    const kept = this.#entries.filter(entry => entry.epoch < epoch && entry.startOffset < startOffset)
    this.#replace([...kept, { epoch, startOffset }])
    return true
  }

  /** The log begins at `startOffset` now: the epoch that wrote this offset begins there, earlier ones are forgotten. */
  truncateFromStart(startOffset: number): void {
    const gone = this.#entries.filter(entry => entry.startOffset <= startOffset)
    const first = gone.at(-1)
    if (!first || (gone.length === 1 && first.startOffset === startOffset)) return
    this.#replace([{ epoch: first.epoch, startOffset }, ...this.#entries.slice(gone.length)])
  }

  /** The log ends at `endOffset` now: epochs that begin there or later are forgotten. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.#entries.filter(entry => entry.startOffset < endOffset)
    if (kept.length < this.#entries.length) this.#replace(kept)
  }

  clear(): void {
    if (this.#entries.length > 0) this.#replace([])
  }

  /**
   * Where `epoch` ended, as OffsetForLeaderEpoch and a fetch's last fetched epoch ask. Null when it is unknown: no epoch
   * given, none recorded, or larger than the latest.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd | null {
    const latest = this.latest
    if (epoch < 0 || !latest) return null
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset }
    const next = this.#entries.findIndex(entry => entry.epoch > epoch)
    if (next < 0) return null
    const endOffset = this.#entries[next].startOffset
    // Before the first epoch known: it ended where the log now begins, under whatever name.
    return { epoch: next === 0 ? epoch : this.#entries[next - 1].epoch, endOffset }
  }

  /** The epoch that wrote the record at `offset`; null when it is before all that is known. */
  epochForOffset(offset: number): number | null {
    return this.#entries.findLast(entry => entry.startOffset <= offset)?.epoch ?? null
  }

  #replace(entries: EpochEntry[]): void {
    this.#entries = entries
    this.#changes++
  }
}
