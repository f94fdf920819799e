/** Damage to the files of a broker that is not running, and what its replicas hold. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { batchBytes, iterateBatches, nextOffset } from '../../protocol/records/index.ts'
import type { SimRandom } from '../sim/random.ts'

const indexFiles = /\.(index|timeindex|snapshot)$/
const otherFiles = /\.log$|^leader-epoch-checkpoint$/
const checkpoints = ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint', 'log-start-offset-checkpoint']
const damagedBytesMax = 64

/** Changes some bytes of some file. With `everything` that may be a segment or a checkpoint. Says what it was. */
export function corruptSomething(dataDirectory: string, topic: string, everything: boolean, random: SimRandom): string {
  const candidates: string[] = []
  for (const partition of readdirSync(dataDirectory)) {
    if (!partition.startsWith(`${topic}-`)) continue
    for (const name of readdirSync(join(dataDirectory, partition))) {
      if (indexFiles.test(name) || (everything && otherFiles.test(name))) candidates.push(join(partition, name))
    }
  }
  if (everything) candidates.push(...checkpoints.filter(name => existsSync(join(dataDirectory, name))))
  // By kind first: there are many indexes and few checkpoints.
  const kindOf = (path: string) => path.slice(Math.max(path.lastIndexOf('.'), path.lastIndexOf('/')) + 1)
  const kinds = [...new Set(candidates.map(kindOf))].sort()
  const kind = random.pick(kinds)
  for (const path of shuffled(candidates.filter(candidate => kindOf(candidate) === kind).sort(), random)) {
    const damaged = corruptFile(join(dataDirectory, path), random)
    if (damaged) return `${damaged} of ${path}`
  }
  return 'nothing'
}

/** Changes some bytes of the metadata log. `restore` puts back what was there, as from a backup. */
export function corruptMetadata(dataDirectory: string, random: SimRandom): { what: string; restore: () => void } {
  const directory = join(dataDirectory, '__cluster_metadata-0')
  const segments = readdirSync(directory).filter(name => name.endsWith('.log'))
  const before = readdirSync(directory).map(
    name => [join(directory, name), readFileSync(join(directory, name))] as const,
  )
  const restore = () => {
    rmSync(directory, { recursive: true })
    mkdirSync(directory)
    for (const [path, bytes] of before) writeFileSync(path, bytes)
  }
  for (const name of shuffled(segments.sort(), random)) {
    const damaged = corruptFile(join(directory, name), random)
    if (damaged) return { what: `${damaged} of ${name}`, restore }
  }
  return { what: 'nothing', restore: () => {} }
}

function corruptFile(path: string, random: SimRandom): string | null {
  const file = openSync(path, 'r+')
  try {
    const { size } = fstatSync(file)
    if (size === 0) return null
    const at = random.below(size)
    const bytes = Buffer.alloc(Math.min(1 + random.below(damagedBytesMax), size - at))
    readSync(file, bytes, 0, bytes.length, at)
    for (let i = 0; i < bytes.length; i++) bytes[i] ^= 1 + random.below(255)
    writeSync(file, bytes, 0, bytes.length, at)
    return `${bytes.length} bytes at ${at}`
  } finally {
    closeSync(file)
  }
}

function shuffled<T>(list: readonly T[], random: SimRandom): T[] {
  const left = [...list]
  return list.map(() => left.splice(random.below(left.length), 1)[0])
}

export interface ReplicaContent {
  /** Digest of the batches from the beginning up to each batch's end. */
  readonly digests: ReadonlyMap<number, string>
  readonly from: number
  readonly end: number
}

/** What the segments of one partition hold. */
export function readReplica(partitionDirectory: string): ReplicaContent {
  const segments = readdirSync(partitionDirectory)
    .filter(name => name.endsWith('.log'))
    .sort()
  const digest = createHash('sha256')
  const digests = new Map<number, string>()
  let end = 0
  for (const segment of segments) {
    const bytes = readFileSync(join(partitionDirectory, segment))
    for (const at of iterateBatches(bytes)) {
      digest.update(bytes.subarray(at, at + batchBytes(bytes, at)))
      end = nextOffset(bytes, at)
      digests.set(end, digest.copy().digest('hex'))
    }
  }
  return { digests, from: Number.parseInt(segments[0] ?? '0', 10), end }
}
