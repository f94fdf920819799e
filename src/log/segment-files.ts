/** The files beside a segment: saving its indexes as a whole, reading them back, and taking a segment out of use. */
import { type Disk, DiskError } from '../host/host.ts'
import { DurableFile } from './durable-file.ts'
import { OffsetIndex } from './offset-index.ts'
import { offsetFileName, type Segment } from './segment.ts'
import { TimeIndex } from './time-index.ts'
import { decodeAborted, encodeAborted } from './transaction-index.ts'

export const logSuffix = '.log'
export const offsetIndexSuffix = '.index'
export const timeIndexSuffix = '.timeindex'
export const transactionIndexSuffix = '.txnindex'
/** A file that is out of use and waits to be removed; removed at the next start at the latest. */
export const deletedSuffix = '.deleted'

export const indexSuffixes = [offsetIndexSuffix, timeIndexSuffix, transactionIndexSuffix] as const

/**
 * Saves the indexes of a segment that is complete. They are durable when it resolves, and each file is either whole or
 * absent. Throws DiskError, and then leaves none that is out of date.
 */
export async function saveIndexes(disk: Disk, directory: string, segment: Segment): Promise<void> {
  const files = encodeIndexes(segment)
  if (files.length === 0) return
  try {
    for (const [suffix, bytes] of files) {
      await replace(disk, directory, offsetFileName(segment.baseOffset, suffix), bytes)
    }
    if (segment.aborted?.length === 0) {
      await disk.remove(`${directory}/${offsetFileName(segment.baseOffset, transactionIndexSuffix)}`)
    }
    await disk.syncDirectory(directory)
  } catch (error) {
    await removeIndexes(disk, directory, segment.baseOffset)
    throw error
  }
}

/** The index files of a segment that is complete: suffix and bytes of each. None when the indexes are not in memory. */
export function encodeIndexes(segment: Segment): [string, Buffer][] {
  const { offsetIndex, timeIndex, aborted } = segment
  if (!offsetIndex || !timeIndex || !aborted) return []
  segment.completeIndexes()
  const files: [string, Buffer][] = [
    [offsetIndexSuffix, offsetIndex.encode()],
    [timeIndexSuffix, timeIndex.encode()],
  ]
  if (aborted.length > 0) files.push([transactionIndexSuffix, encodeAborted(aborted)])
  return files
}

/** Takes the indexes away, so that they are rebuilt when next needed. Throws DiskError. */
export async function removeIndexes(disk: Disk, directory: string, baseOffset: number): Promise<void> {
  for (const suffix of indexSuffixes) await disk.remove(`${directory}/${offsetFileName(baseOffset, suffix)}`)
  await disk.syncDirectory(directory)
}

/** Reads the indexes back into memory. False when one is absent or makes no sense: the caller rebuilds them. */
export async function loadIndexes(disk: Disk, directory: string, segment: Segment): Promise<boolean> {
  const read = (suffix: string) =>
    new DurableFile(disk, directory, offsetFileName(segment.baseOffset, suffix)).read().catch(absentUnlessFatal)
  const [offsets, times] = await Promise.all([read(offsetIndexSuffix), read(timeIndexSuffix)])
  if (!offsets || !times) return false
  // Known already where there is no such file.
  const transactions = segment.aborted === null ? await read(transactionIndexSuffix) : null
  const offsetIndex = OffsetIndex.decode(segment.baseOffset, offsets, segment.sizeBytes)
  const timeIndex = TimeIndex.decode(segment.baseOffset, times)
  const aborted = transactions ? decodeAborted(segment.baseOffset, transactions) : (segment.aborted ?? [])
  if (!offsetIndex || !timeIndex || !aborted) return false
  segment.offsetIndex = offsetIndex
  segment.timeIndex = timeIndex
  segment.aborted = aborted
  segment.maxTimestamp = timeIndex.lastTimestamp
  segment.maxTimestampOffset = timeIndex.lastOffset
  return true
}

/** Takes the segment's names away, the log file's first; its bytes go after a delay. Throws DiskError. */
export async function retireSegment(
  disk: Disk,
  directory: string,
  segment: Segment,
  removeLater: (path: string) => void,
): Promise<void> {
  const log = `${directory}/${offsetFileName(segment.baseOffset, logSuffix)}`
  if (segment.onDisk) {
    segment.file.retire(log + deletedSuffix)
    await disk.rename(log, log + deletedSuffix)
    // One after the other, so that after a crash the segments that are left still follow on one another.
    await disk.syncDirectory(directory)
  }
  for (const suffix of indexSuffixes) {
    await disk.remove(`${directory}/${offsetFileName(segment.baseOffset, suffix)}`)
  }
  if (segment.onDisk) removeLater(log + deletedSuffix)
}

async function replace(disk: Disk, directory: string, name: string, bytes: Buffer): Promise<void> {
  const temporary = `${directory}/${name}.tmp`
  const file = await disk.open(temporary, 'append')
  try {
    if (file.size > 0) await file.truncate(0)
    if (bytes.length > 0) await file.append([bytes])
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, `${directory}/${name}`)
}

function absentUnlessFatal(error: unknown): null {
  if (error instanceof DiskError && error.code === 'EIO') return null
  throw error
}
