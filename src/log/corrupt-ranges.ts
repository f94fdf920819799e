/**
 * File `corrupt-ranges` of a partition: the damaged stretches that recovery found and kept, so that they are known after
 * the next start too, when nothing is scanned. Lines of segment base offset, first and last position, first and last
 * offset. It is ours: Apache Kafka has no such file (it cuts the log there) and ignores it.
 */
import type { Disk, Logger } from '../host/host.ts'
import { Checkpoint, parseOffset } from './checkpoints.ts'
import type { CorruptRange, Segment } from './segment.ts'

export const corruptRangesFile = 'corrupt-ranges'

interface Entry extends CorruptRange {
  readonly segmentOffset: number
}

const lines = {
  format: (entry: Entry) =>
    [entry.segmentOffset, entry.position, entry.endPosition, entry.startOffset, entry.endOffset].join(' '),
  parse(line: string): Entry | null {
    const numbers = line.split(' ').map(parseOffset)
    const [segmentOffset, position, endPosition, startOffset, endOffset] = numbers
    if (numbers.length !== 5 || segmentOffset === null || position === null || endPosition === null) return null
    if (startOffset === null || endOffset === null) return null
    return { segmentOffset, position, endPosition, startOffset, endOffset }
  },
}

export class CorruptRanges {
  readonly #checkpoint: Checkpoint<Entry>

  constructor(host: { readonly disk: Disk; readonly log: Logger }, directory: string) {
    this.#checkpoint = new Checkpoint(host, directory, corruptRangesFile, lines)
  }

  /** Gives each segment the ranges that lie in it. Throws DiskError. */
  async load(segments: readonly Segment[]): Promise<void> {
    for (const { segmentOffset, ...range } of (await this.#checkpoint.read()) ?? []) {
      const segment = segments.find(one => one.baseOffset === segmentOffset)
      if (segment) segment.corrupt = [...segment.corrupt, range]
    }
  }

  /** Durable when it resolves. Throws DiskError. */
  save(segments: readonly Pick<Segment, 'baseOffset' | 'corrupt'>[]): Promise<void> {
    return this.#checkpoint.write(
      segments.flatMap(({ baseOffset, corrupt }) => corrupt.map(range => ({ segmentOffset: baseOffset, ...range }))),
    )
  }
}
