/** Walks over the batches of a segment file, a large piece at a time. */
import {
  baseOffset,
  batchBytes,
  batchHeaderBytes,
  checkBatch,
  checkBatchShape,
  lastOffset,
  lastOffsetDelta,
} from '../../protocol/records/batch.ts'
import type { File } from '../host/host.ts'

/** What a scan needs of a file. */
export type ScannedFile = Pick<File, 'read'>

export interface ScanOptions {
  readonly from: number
  /** End of the bytes to look at. */
  readonly to: number
  /** The first batch may not begin below this offset, each later one not below the end of the one before. */
  readonly fromOffset: number
  /** Checks the checksum of each batch; without, only what keeps the walk safe. */
  readonly checksums: boolean
  readonly scanBytes: number
  /** A batch at `at` in `buffer`, which lies at `position` in the file. Return false to stop before it. */
  readonly visit: (buffer: Buffer, at: number, position: number) => boolean | undefined
}

export interface ScanEnd {
  /** Where the walk stopped: the end, the first bad batch, or the batch that `visit` refused. */
  readonly position: number
  /** The offset that the next batch has at least. */
  readonly nextOffset: number
  readonly reason: 'end' | 'stopped' | 'bad'
}

export async function scanBatches(file: ScannedFile, options: ScanOptions): Promise<ScanEnd> {
  const { to, checksums, visit } = options
  let position = options.from
  let nextOffset = options.fromOffset
  let wanted = options.scanBytes
  while (position < to) {
    const asked = Math.min(wanted, to - position)
    const buffer = await file.read(position, asked)
    if (buffer.length < asked) return { position, nextOffset, reason: 'bad' }
    let at = 0
    for (;;) {
      const verdict = batchVerdict(buffer, at, position + at, to, nextOffset, checksums)
      if (verdict === 'more') break
      if (verdict === 'bad') return { position: position + at, nextOffset, reason: 'bad' }
      if (visit(buffer, at, position + at) === false) return { position: position + at, nextOffset, reason: 'stopped' }
      nextOffset = lastOffset(buffer, at) + 1
      at += batchBytes(buffer, at)
      if (at === buffer.length) break
    }
    // A batch longer than the piece: read as much as it says, which fits into the file (batchVerdict has seen to it).
    wanted = at === 0 ? Math.max(options.scanBytes, batchBytes(buffer, 0)) : options.scanBytes
    position += at
  }
  return { position, nextOffset, reason: 'end' }
}

/** `more`: the batch goes on after this piece, within the file. */
function batchVerdict(
  buffer: Buffer,
  at: number,
  position: number,
  to: number,
  nextOffset: number,
  checksums: boolean,
): 'ok' | 'more' | 'bad' {
  const left = buffer.length - at
  if (left < batchHeaderBytes) return to - position < batchHeaderBytes ? 'bad' : 'more'
  const shape = checkBatchShape(buffer, at)
  if (shape === 'incomplete') return batchBytes(buffer, at) > to - position ? 'bad' : 'more'
  if (shape !== 'ok' || !plausible(buffer, at, nextOffset)) return 'bad'
  return !checksums || checkBatch(buffer, at) === 'ok' ? 'ok' : 'bad'
}

/** Offsets that a batch of this log can have here. */
function plausible(buffer: Buffer, at: number, nextOffset: number): boolean {
  const first = baseOffset(buffer, at)
  return first >= nextOffset && Number.isSafeInteger(lastOffset(buffer, at)) && lastOffsetDelta(buffer, at) >= 0
}

/** As `scanBatches`, passing over stretches that are known to be damaged. */
export async function scanReadable(
  file: ScannedFile,
  corrupt: readonly { readonly position: number; readonly endPosition: number }[],
  options: ScanOptions,
): Promise<ScanEnd> {
  let from = options.from
  let fromOffset = options.fromOffset
  for (const range of corrupt) {
    if (range.endPosition <= from) continue
    if (range.position > from) {
      const end = await scanBatches(file, { ...options, from, fromOffset, to: Math.min(range.position, options.to) })
      if (end.reason !== 'end') return end
      fromOffset = end.nextOffset
    }
    from = range.endPosition
  }
  return scanBatches(file, { ...options, from, fromOffset })
}

/**
 * The next position from `from` on at which a whole, valid batch begins that can belong to this log, or -1. For damaged
 * files: what lies between is lost, what follows is not.
 */
export async function findNextBatch(
  file: ScannedFile,
  from: number,
  to: number,
  fromOffset: number,
  scanBytes: number,
): Promise<number> {
  for (let position = from; to - position >= batchHeaderBytes; ) {
    const buffer = await file.read(position, Math.min(scanBytes, to - position))
    const lastStart = buffer.length - batchHeaderBytes
    if (lastStart < 0) return -1
    for (let at = 0; at <= lastStart; at++) {
      if (buffer[at + 16] !== 2 || checkBatchShape(buffer, at, Number.MAX_SAFE_INTEGER) !== 'ok') continue
      const bytes = batchBytes(buffer, at)
      if (bytes > to - position - at || !plausible(buffer, at, fromOffset)) continue
      // Offsets far beyond are chance, not a batch: within one segment they are 31 bits apart at most.
      if (baseOffset(buffer, at) - fromOffset > 0x7fffffff) continue
      const whole = at + bytes <= buffer.length ? buffer : await file.read(position + at, bytes)
      if (checkBatch(whole, whole === buffer ? at : 0) === 'ok') return position + at
    }
    position += lastStart + 1
  }
  return -1
}
