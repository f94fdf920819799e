/**
 * How compacted segments take the place of others, so that a crash at any point leaves the old ones or the new one. The
 * names and their meaning are Apache Kafka's, and either broker finishes what the other began:
 *
 * 1. The new segment is written as `<base>.log.cleaned` with its indexes, all synced. After a crash these are removed.
 * 2. They are renamed to `.swap`, the log last. From here on the new segment counts: a start removes all segments whose
 *    base lies in its range of offsets, and goes on with 4.
 * 3. The old segments are renamed to `.deleted`.
 * 4. `.swap` is taken off the names, the log's last.
 *
 * The directory is synced after each step, since renames may reach the disk in any order.
 */
import type { Disk } from '../../host/host.ts'
import { DurableFile } from '../durable-file.ts'
import { OffsetIndex } from '../offset-index.ts'
import { offsetFileName, offsetOfFileName, type Segment } from '../segment.ts'
import { deletedSuffix, encodeIndexes, indexSuffixes, logSuffix, offsetIndexSuffix } from '../segment-files.ts'
import { scanBatches } from '../segment-scan.ts'

export const cleanedSuffix = '.cleaned'
export const swapSuffix = '.swap'

/** Path of the new segment's log file while it is written. */
export function cleanedPath(directory: string, baseOffset: number): string {
  return `${directory}/${offsetFileName(baseOffset, logSuffix)}${cleanedSuffix}`
}

/** Removes what an earlier attempt left. Throws DiskError. */
export async function removeCleaned(disk: Disk, directory: string, baseOffset: number): Promise<void> {
  for (const suffix of [logSuffix, ...indexSuffixes]) {
    await disk.remove(`${directory}/${offsetFileName(baseOffset, suffix)}${cleanedSuffix}`)
  }
}

/** Step 1, all but the log file itself: the indexes are durable when it resolves. Throws DiskError. */
export async function writeCleanedIndexes(disk: Disk, directory: string, segment: Segment): Promise<void> {
  for (const [suffix, bytes] of encodeIndexes(segment)) {
    const file = await disk.open(`${directory}/${offsetFileName(segment.baseOffset, suffix)}${cleanedSuffix}`, 'create')
    try {
      if (bytes.length > 0) await file.append([bytes])
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await disk.syncDirectory(directory)
}

/** The swap of one new segment for those that it replaces. */
export class SegmentSwap {
  readonly #disk: Disk
  readonly #directory: string
  readonly #segment: Segment
  /** Segments without aborted transactions have no index of them. */
  readonly #indexes: readonly string[]

  /** `segment.file` stays open meanwhile: its name changes. Its indexes are in memory now. */
  constructor(disk: Disk, directory: string, segment: Segment) {
    this.#disk = disk
    this.#directory = directory
    this.#segment = segment
    this.#indexes = encodeIndexes(segment).map(([suffix]) => suffix)
  }

  /** Step 2. Throws DiskError; then nobody knows whether it has happened. */
  async commit(): Promise<void> {
    for (const suffix of [...this.#indexes, logSuffix]) {
      const path = this.#path(this.#segment, suffix)
      await this.#disk.rename(path + cleanedSuffix, path + swapSuffix)
    }
    await this.#disk.syncDirectory(this.#directory)
  }

  /** Steps 3 and 4; nobody finds the replaced segments in memory any more. The paths that are out of use. Throws DiskError. */
  async finish(replaced: readonly Segment[]): Promise<string[]> {
    const deleted: string[] = []
    for (const old of replaced) {
      const log = this.#path(old, logSuffix)
      old.file.retire(log + deletedSuffix)
      await this.#disk.rename(log, log + deletedSuffix)
      for (const suffix of indexSuffixes) await this.#disk.remove(this.#path(old, suffix))
      deleted.push(log + deletedSuffix)
    }
    await this.#disk.syncDirectory(this.#directory)
    await takeOffSwap(this.#disk, this.#directory, this.#segment.baseOffset, this.#indexes)
    this.#segment.file.moved(this.#path(this.#segment, logSuffix))
    return deleted
  }

  #path(segment: Segment, suffix: string): string {
    return `${this.#directory}/${offsetFileName(segment.baseOffset, suffix)}`
  }
}

/**
 * At a start: finishes or undoes what a crash interrupted. Whether any name has changed. Throws DiskError.
 */
export async function recoverSwaps(disk: Disk, directory: string, names: readonly string[]): Promise<boolean> {
  const offsetsOf = (suffix: string) =>
    names.map(name => offsetOfFileName(name, logSuffix + suffix)).filter(offset => offset !== null)
  const leftovers = names.filter(name => name.endsWith(cleanedSuffix))
  const swaps = offsetsOf(swapSuffix).sort((a, b) => a - b)
  // Kafka divides a segment by several swaps, the last one first: without the first of them the others do not count.
  const firstCleaned = Math.min(...offsetsOf(cleanedSuffix), Number.POSITIVE_INFINITY)
  const undone = names.filter(name => {
    const offset = swapOffset(name)
    return offset !== null && (!swaps.includes(offset) || offset >= firstCleaned)
  })
  for (const name of [...leftovers, ...undone]) await disk.remove(`${directory}/${name}`)
  for (const offset of swaps.filter(swap => swap < firstCleaned)) await finishSwapOf(disk, directory, offset, names)
  return leftovers.length + undone.length + swaps.length > 0
}

async function finishSwapOf(disk: Disk, directory: string, base: number, names: readonly string[]): Promise<void> {
  const endOffset = await endOffsetOf(disk, directory, base, names)
  for (const name of names) {
    for (const suffix of [logSuffix, ...indexSuffixes]) {
      const offset = offsetOfFileName(name, suffix)
      if (offset !== null && (offset === base || (offset > base && offset < endOffset))) {
        await disk.remove(`${directory}/${name}`)
      }
    }
  }
  await disk.syncDirectory(directory)
  const present = indexSuffixes.filter(suffix => names.includes(offsetFileName(base, suffix) + swapSuffix))
  await takeOffSwap(disk, directory, base, present)
}

async function takeOffSwap(disk: Disk, directory: string, base: number, present: readonly string[]): Promise<void> {
  for (const suffix of [...present, logSuffix]) {
    const name = `${directory}/${offsetFileName(base, suffix)}`
    await disk.rename(name + swapSuffix, name)
  }
  await disk.syncDirectory(directory)
}

/** Where the segment ends that is to be swapped in, by its last batch. */
async function endOffsetOf(disk: Disk, directory: string, base: number, names: readonly string[]): Promise<number> {
  const name = `${directory}/${offsetFileName(base, logSuffix)}${swapSuffix}`
  const file = await disk.open(name, 'read')
  try {
    const indexName = offsetFileName(base, offsetIndexSuffix) + swapSuffix
    const bytes = names.includes(indexName) ? await new DurableFile(disk, directory, indexName).read() : null
    const from = (bytes && OffsetIndex.decode(base, bytes, file.size)?.lastPosition()) ?? 0
    const end = await scanBatches(file, {
      from,
      to: file.size,
      fromOffset: base,
      checksums: false,
      scanBytes: scanPieceBytes,
      visit: () => true,
    })
    return end.nextOffset
  } finally {
    await file.close()
  }
}

const scanPieceBytes = 256 * 1024

function swapOffset(name: string): number | null {
  for (const suffix of [logSuffix, ...indexSuffixes]) {
    const offset = offsetOfFileName(name, suffix + swapSuffix)
    if (offset !== null) return offset
  }
  return null
}
