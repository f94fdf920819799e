/** What the files of partitions hold on simulated disks, read without the broker's help; and what must hold of them. */
import {
  baseOffset,
  batchBytes,
  crc,
  isControl,
  iterateBatches,
  lastOffset,
  partitionLeaderEpoch,
} from '../../protocol/records/batch.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { metadataCodec } from '../../src/metadata/records.ts'
import type { SimDisk } from './disk.ts'

export interface StoredBatch {
  readonly base: number
  readonly last: number
  readonly epoch: number
  readonly crc: number
  readonly bytes: number
  /** The batch itself is here. */
  readonly source: { readonly buffer: Buffer; readonly at: number }
}

/** All whole batches of a partition, in the order of its segments. */
export function storedBatches(disk: SimDisk, directory: string, side: 'live' | 'durable' = 'live'): StoredBatch[] {
  const segments = disk
    .names(directory)
    .filter(name => name.endsWith('.log'))
    .sort()
  return segments.flatMap(name => {
    const bytes = disk.peek(`${directory}/${name}`, side)
    return [...iterateBatches(bytes)].map(at => ({
      base: baseOffset(bytes, at),
      last: lastOffset(bytes, at),
      epoch: partitionLeaderEpoch(bytes, at),
      crc: crc(bytes, at),
      bytes: batchBytes(bytes, at),
      source: { buffer: bytes, at },
    }))
  })
}

/** The metadata log of a node, record by record, in words. */
export function* storedMetadata(disk: SimDisk): Generator<string> {
  const directory = '/data/__cluster_metadata-0'
  for (const name of disk.names(directory).sort()) {
    if (!name.endsWith('.log')) continue
    const bytes = disk.peek(`${directory}/${name}`)
    for (const at of iterateBatches(bytes)) {
      if (isControl(bytes, at)) continue
      for (const { offset, key, value } of readRecords(bytes, at)) {
        const record = metadataCodec.decode(key ?? Buffer.alloc(0), value)
        yield `${offset} epoch ${partitionLeaderEpoch(bytes, at)} ${JSON.stringify(record)}`
      }
    }
  }
}

/**
 * Log matching: where two replicas have a batch of the same epoch at the same offset, it is the same batch, and so is all
 * before it. Null, or what is wrong.
 */
export function mismatch(a: readonly StoredBatch[], b: readonly StoredBatch[]): string | null {
  const other = new Map(b.map((batch, at) => [batch.base, at]))
  // From the last batch that both have of the same epoch everything before must be equal.
  for (let at = a.length - 1; at >= 0; at--) {
    const twin = other.get(a[at].base)
    if (twin === undefined || b[twin].epoch !== a[at].epoch) continue
    for (let i = at, j = twin; i >= 0 && j >= 0; i--, j--) {
      const [x, y] = [a[i], b[j]]
      if (x.base !== y.base || x.last !== y.last || x.epoch !== y.epoch || x.crc !== y.crc) {
        return `${describe(x)} here, ${describe(y)} there, although both have ${describe(a[at])}`
      }
    }
    return null
  }
  return null
}

/**
 * The same for logs that each replica compacts by itself: batches may be thinned out or gone, but what two have of one epoch
 * at one offset is the same record.
 */
export function mismatchCompacted(a: readonly StoredBatch[], b: readonly StoredBatch[]): string | null {
  const others = new Map(b.map(batch => [batch.base, batch]))
  for (const batch of a) {
    const twin = others.get(batch.base)
    if (!twin || twin.epoch !== batch.epoch || twin.crc === batch.crc) continue
    const records = recordsOf(twin)
    for (const [offset, text] of recordsOf(batch)) {
      const other = records.get(offset)
      if (other !== undefined && other !== text) return `${describe(batch)} has another record at ${offset} there`
    }
  }
  return null
}

function recordsOf({ source: { buffer, at } }: StoredBatch): Map<number, string> {
  const found = new Map<number, string>()
  for (const { offset, key, value } of readRecords(buffer, at)) {
    found.set(offset, `${key?.toString('hex')} ${value?.toString('hex')}`)
  }
  return found
}

function describe({ base, last, epoch, crc }: StoredBatch): string {
  return `${base}..${last} of epoch ${epoch} (${crc.toString(16)})`
}
