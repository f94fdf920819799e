/**
 * Where the bytes of a segment are not what was written there. Checksums tell most of it; base offset and leader epoch of a
 * batch, which they leave out, must fit those of the batches around it.
 */
import {
  baseOffset,
  batchBytes,
  batchHeaderBytes,
  checkBatch,
  lastOffset,
  partitionLeaderEpoch,
} from '../../protocol/records/batch.ts'
import type { CorruptRange } from './segment.ts'
import { findNextBatch, type ScannedFile, scanBatches } from './segment-scan.ts'

export interface DamageScanOptions {
  /** Offsets of the segment are in [baseOffset, endOffset). */
  readonly baseOffset: number
  /** Bytes after the last batch below it are not looked at. */
  readonly endOffset: number
  readonly endPosition: number
  /** By position: passed over. */
  readonly known: readonly CorruptRange[]
  /** What the log remembers of who wrote this offset; null for nothing. */
  readonly epochForOffset: (offset: number) => number | null
  readonly scanBytes: number
  readonly stopped: () => boolean
}

interface Batch {
  readonly position: number
  /** Where the one before it ended. */
  readonly expectedOffset: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly epoch: number
}

export class DamageScan {
  readonly #file: ScannedFile
  readonly #options: DamageScanOptions
  readonly #found: CorruptRange[] = []
  /** The two last batches, the newest first; null at the beginning and after damage. */
  #last: Batch | null = null
  #secondLast: Batch | null = null

  constructor(file: ScannedFile, options: DamageScanOptions) {
    this.#file = file
    this.#options = options
  }

  /** All that is damaged and not known as such, by position. Throws DiskError. */
  async run(): Promise<readonly CorruptRange[]> {
    const { known, endPosition, endOffset, stopped } = this.#options
    let position = 0
    let offset = this.#options.baseOffset
    while (position < endPosition && !stopped()) {
      const next = known.find(range => range.endPosition > position)
      if (next && next.position <= position) {
        this.#restart()
        position = next.endPosition
        offset = next.endOffset
        continue
      }
      const end = await this.#walk(position, Math.min(endPosition, next?.position ?? endPosition), offset)
      position = end.position
      offset = end.nextOffset
      if (end.reason === 'end' || stopped()) continue
      if (offset >= endOffset) break
      const range =
        (await this.#shifted(position)) ??
        (await this.#upToNext(position, offset, next ?? { position: endPosition, startOffset: endOffset }))
      this.#restart()
      this.#found.push(range)
      position = range.endPosition
      offset = range.endOffset
    }
    this.#restart()
    return stopped() ? [] : this.#found.sort((a, b) => a.position - b.position)
  }

  #walk(from: number, to: number, fromOffset: number) {
    const { endOffset, scanBytes } = this.#options
    let expectedOffset = fromOffset
    return scanBatches(this.#file, {
      ...{ from, to, fromOffset, scanBytes, checksums: true },
      visit: (buffer, at, position) => {
        const batch = {
          position,
          expectedOffset,
          baseOffset: baseOffset(buffer, at),
          lastOffset: lastOffset(buffer, at),
          epoch: partitionLeaderEpoch(buffer, at),
        }
        if (batch.lastOffset >= endOffset) return false
        this.#judgeEpoch(batch)
        this.#secondLast = this.#last
        this.#last = batch
        expectedOffset = batch.lastOffset + 1
        return true
      },
    })
  }

  /** Whether the last batch has an epoch that cannot be, now that the next one is known, or that there is none. */
  #judgeEpoch(next: Batch | null): void {
    const batch = this.#last
    if (!batch) return
    const { epochForOffset } = this.#options
    const before = this.#secondLast
    const remembered = (one: Batch) => one.epoch === epochForOffset(one.baseOffset)
    // Of records before the log start nothing is remembered.
    const contradicted = (epochForOffset(batch.baseOffset) ?? batch.epoch) !== batch.epoch
    const isOut =
      before && next
        ? before.epoch <= next.epoch && (batch.epoch < before.epoch || batch.epoch > next.epoch)
        : contradicted && (before ? remembered(before) : next !== null && remembered(next))
    if (!isOut) return
    const endPosition = next?.position ?? this.#options.endPosition
    const { position, expectedOffset: startOffset } = batch
    this.#found.push({ startOffset, endOffset: batch.lastOffset + 1, position, endPosition })
  }

  /** No batch before this place says anything about those after it. */
  #restart(): void {
    this.#judgeEpoch(null)
    this.#last = null
    this.#secondLast = null
  }

  /** The batch at `position` is well, and begins before the end of the one before it: that one claims wrong offsets. */
  async #shifted(position: number): Promise<CorruptRange | null> {
    const last = this.#last
    if (!last || last.baseOffset === last.expectedOffset) return null
    const header = await this.#file.read(position, batchHeaderBytes)
    if (header.length < batchHeaderBytes) return null
    const first = baseOffset(header)
    const isWhole = batchBytes(header) <= this.#options.endPosition - position
    if (first <= last.expectedOffset || first > last.lastOffset || !isWhole) return null
    if (checkBatch(await this.#file.read(position, batchBytes(header))) !== 'ok') return null
    this.#last = null
    return { startOffset: last.expectedOffset, endOffset: first, position: last.position, endPosition: position }
  }

  /** From a bad batch to the next good one, or to `end`. */
  async #upToNext(
    position: number,
    startOffset: number,
    end: { readonly position: number; readonly startOffset: number },
  ): Promise<CorruptRange> {
    const { scanBytes, endOffset: limit } = this.#options
    const next = await findNextBatch(this.#file, position + 1, end.position, startOffset, scanBytes)
    const header = next < 0 ? null : await this.#file.read(next, batchHeaderBytes)
    if (header === null || lastOffset(header) >= limit) {
      return { startOffset, endOffset: end.startOffset, position, endPosition: end.position }
    }
    return { startOffset, endOffset: baseOffset(header), position, endPosition: next }
  }
}
