/** Which neighbouring segments are compacted into one. */
import type { Segment } from '../segment.ts'

export interface GroupLimits {
  /** Bytes of one segment. */
  readonly segmentBytes: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
}

/** Offsets in the indexes of a segment count from its base, in 31 bits. */
const offsetSpanMax = 0x7fffffff

/** Positions in a segment file fit into 31 bits, with room for batches that grow a little. */
const groupBytesMax = 0x7fffffff - (64 << 20)

/** An entry of the time index, the larger of the two. */
const indexEntryBytes = 12

/** Groups of segments that follow one another, so that each becomes one segment within the limits. */
export function groupSegments(segments: readonly Segment[], limits: GroupLimits): Segment[][] {
  const groups: Segment[][] = []
  const bytesMax = Math.min(limits.segmentBytes, groupBytesMax)
  let bytes = 0
  let indexBytes = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    const more = indexBytesOf(segment, limits)
    const fits =
      group !== undefined &&
      bytes + segment.sizeBytes <= bytesMax &&
      indexBytes + more <= limits.segmentIndexBytes &&
      segment.nextOffset - 1 - group[0].baseOffset <= offsetSpanMax
    if (fits) {
      group.push(segment)
      bytes += segment.sizeBytes
      indexBytes += more
    } else {
      groups.push([segment])
      bytes = segment.sizeBytes
      indexBytes = more
    }
  }
  return groups
}

/** At most: the index of a closed segment is seldom in memory. */
function indexBytesOf(segment: Segment, limits: GroupLimits): number {
  return (Math.floor(segment.sizeBytes / Math.max(1, limits.indexIntervalBytes)) + 1) * indexEntryBytes
}
