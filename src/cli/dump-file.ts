/** Prints what is in a file of a log directory; its name says what that is. */
import type { Disk, File } from '../host/host.ts'
import { DiskError } from '../host/host.ts'
import { type DumpBatchesOptions, dumpBatches } from './dump-batches.ts'
import { dumpOffsetIndex, dumpTimeIndex, dumpTransactionIndex, type IndexFile } from './dump-indexes.ts'
import { dumpCheckpoint, dumpPlain, dumpProducerSnapshot } from './dump-small-files.ts'
import type { Output } from './output.ts'
import { decodeMetadata, decodeOffsets, decodeShareState, decodeText, decodeTransactions } from './record-decoders.ts'

/** How records are read: as text, or as those of an internal topic. */
export const decoders = {
  text: decodeText,
  offsets: decodeOffsets,
  transactions: decodeTransactions,
  shareState: decodeShareState,
  metadata: decodeMetadata,
} as const

export interface DumpOptions {
  /** Prints every record, not only batches. Implied by a decoder. */
  readonly printRecords?: boolean
  readonly decoder?: keyof typeof decoders
  /** Goes through every record, but prints neither key nor payload. */
  readonly deep?: boolean
  readonly skipRecordMetadata?: boolean
  /** Of a segment, only the batches that begin before this position. */
  readonly bytesMax?: number
  /** Index entries are checked, but not printed. */
  readonly verifyIndexOnly?: boolean
}

/** Files larger than this are none of the small ones, whatever they are called. */
const smallFileBytesMax = 256 << 20

/** Prints all files. What is wrong with one is counted in `output.problems`, and the next one follows. */
export async function dumpFiles(
  disk: Disk,
  paths: readonly string[],
  options: DumpOptions,
  output: Output,
): Promise<void> {
  for (const path of paths) {
    output.line(`Dumping ${path}`)
    try {
      await dumpFile(disk, path, options, output)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      await output.problem(`Cannot read ${path}: ${error.message}`)
    }
  }
  await output.flush()
}

/** The part of the name that says what the file is, also when it is about to be removed. */
const kindPattern =
  /(?:^|\/)(?<name>[^/]*?)(?<suffix>\.(?:log|index|timeindex|txnindex|snapshot|checkpoint))?(?:\.deleted)?$/

async function dumpFile(disk: Disk, path: string, options: DumpOptions, output: Output): Promise<void> {
  const { name = '', suffix = '' } = kindPattern.exec(path)?.groups ?? {}
  const baseOffset = Number(/^\d{1,20}/.exec(name)?.[0] ?? 0)
  switch (suffix) {
    case '.log':
      return withFile(disk, path, file => {
        output.line(`Log starting offset: ${baseOffset}`)
        return dumpBatches(file, path, baseOffset, batchOptions(options), output)
      })
    case '.checkpoint':
      return withFile(disk, path, file => {
        output.line(snapshotTitle(name))
        return dumpBatches(file, path, 0, batchOptions(options), output)
      })
    case '.index':
      return withIndex(disk, path, baseOffset, index => dumpOffsetIndex(index, indexOptions(options), output))
    case '.timeindex':
      return withIndex(disk, path, baseOffset, index => dumpTimeIndex(index, indexOptions(options), output))
    case '.txnindex':
      return withFile(disk, path, file => dumpTransactionIndex({ file, path, baseOffset }, output))
    case '.snapshot':
      return dumpProducerSnapshot(await readSmall(disk, path), path, output)
    default:
      return dumpText(disk, path, name, output)
  }
}

async function dumpText(disk: Disk, path: string, name: string, output: Output): Promise<void> {
  if (name === 'leader-epoch-checkpoint') {
    return dumpCheckpoint((await readSmall(disk, path)).toString('utf8'), path, ['epoch', 'startOffset'], output)
  }
  if (name.endsWith('-offset-checkpoint')) {
    const columns = ['topic', 'partition', 'offset']
    return dumpCheckpoint((await readSmall(disk, path)).toString('utf8'), path, columns, output)
  }
  if (['meta.properties', 'partition.metadata', 'quorum-state', '.kafka_cleanshutdown'].includes(name)) {
    return dumpPlain((await readSmall(disk, path)).toString('utf8'), output)
  }
  if (!(await disk.exists(path))) return output.problem(`${path} does not exist`)
  return output.note(`Ignoring unknown file ${path}`)
}

function snapshotTitle(name: string): string {
  const match = /^(\d{20})-(\d{10})$/.exec(name)
  if (match) return `Snapshot end offset: ${Number(match[1])}, epoch: ${Number(match[2])}`
  return name === 'bootstrap' ? 'KRaft bootstrap snapshot' : 'KRaft snapshot'
}

function batchOptions(options: DumpOptions): DumpBatchesOptions {
  const decode = options.decoder ? decoders[options.decoder] : options.printRecords ? decodeText : null
  return {
    records: decode !== null || options.deep === true,
    decode,
    skipMetadata: options.skipRecordMetadata ?? false,
    bytesMax: options.bytesMax ?? Number.POSITIVE_INFINITY,
  }
}

function indexOptions(options: DumpOptions) {
  return { verifyOnly: options.verifyIndexOnly ?? false }
}

async function withFile<T>(disk: Disk, path: string, run: (file: File) => Promise<T>): Promise<T> {
  const file = await disk.open(path, 'read')
  try {
    return await run(file)
  } finally {
    await file.close()
  }
}

/** With the segment of the same name beside it, if there is one. */
async function withIndex(
  disk: Disk,
  path: string,
  baseOffset: number,
  run: (index: IndexFile) => Promise<void>,
): Promise<void> {
  await withFile(disk, path, async file => {
    const segmentPath = path.replace(/\.(?:time)?index((?:\.deleted)?)$/, '.log$1')
    if (!(await disk.exists(segmentPath))) return run({ file, path, baseOffset, segment: null })
    await withFile(disk, segmentPath, segment => run({ file, path, baseOffset, segment }))
  })
}

function readSmall(disk: Disk, path: string): Promise<Buffer> {
  return withFile(disk, path, async file => {
    if (file.size > smallFileBytesMax) throw new DiskError('EOTHER', `read ${path}: ${file.size} bytes are too many`)
    return file.read(0, file.size)
  })
}
